"""Plans -> runs in an MLflow store, by its client and in as few calls as there can be."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mlexp.records import SessionRecord
from pytest_mlexp.tracking._mlflow.experiments import experiment_id
from pytest_mlexp.tracking._mlflow.held import Held, discard, look_up
from pytest_mlexp.tracking._mlflow.inputs import log_dataset
from pytest_mlexp.tracking._mlflow.store import build_store
from pytest_mlexp.tracking._mlflow.waiting import Waiting, Watched
from pytest_mlexp.tracking.embedded import artifacts_of, on_connect, own_database
from pytest_mlexp.tracking.mirror import RESULT, SESSION, ExperimentPlan, RunPlan, environment_files, stage

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "mlflow.parentRunId"
STAGING = ".staging-"
MOST_TAGS = 100


@dataclass
class Counts:
    """What was done for one session: uids of runs that were written and of those that were there already."""

    written: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    experiments: list[str] = field(default_factory=list)
    parent_missing: str | None = None
    notes: list[str] = field(default_factory=list)


class Writer:
    """Writes the plans of one session to one store.

    It knows what the store holds from one look-up for each experiment and from its own writing; after an error
    that is no longer sure, and another Writer is needed.

    Attributes:
        keeps: whether complete runs stay as they are; they tell more than a journal that is damaged.
    """

    def __init__(self, uri: str, session: SessionRecord, folder: Path, counts: Counts, waiting: Waiting) -> None:
        self._uri = uri
        self._session = session
        self._folder = folder
        self._counts = counts
        self._waiting = waiting
        self._opened: MlflowClient | None = None
        self._ids: dict[str, str] = {}
        self._known: dict[str, Held] = {}
        self._outer: Held | None = None
        self.keeps = False

    def write(self, plans: Sequence[ExperimentPlan], *, final: bool) -> Iterator[str]:
        """Write the cells of the plans, and with ``final`` the parent runs; yield the uid of each cell that is."""
        database = own_database(self._uri)
        with ExitStack() as stack:
            if database is not None:
                # With a write-ahead log this risks no corruption, only commits the journal holds anyway.
                stack.enter_context(on_connect("PRAGMA synchronous=NORMAL"))
            client = self._client(database)
            self._open(client, plans, artifacts_of(database) if database is not None else None)
            for experiment in plans:
                yield from self._write_experiment(client, experiment, final=final)

    def _client(self, database: Path | None) -> MlflowClient:
        if self._opened is None:
            from mlflow import MlflowClient

            if database is not None:
                build_store(database)
            watched: Any = Watched(MlflowClient(self._uri), self._waiting)
            self._opened = watched
        return self._opened

    def _open(self, client: MlflowClient, plans: Sequence[ExperimentPlan], location: Path | None) -> None:
        new = [plan for plan in plans if plan.name not in self._ids]
        ids = [experiment_id(client, plan, location) for plan in new]
        if new:
            self._known.update(look_up(client, ids, self._session.session))
            if not self._ids:
                self._outer = self._outer_run(client)
            self._ids.update(zip((plan.name for plan in new), ids, strict=True))

    def _outer_run(self, client: MlflowClient) -> Held | None:
        """The run that was active when the session began; None when there was none or it is gone."""
        from mlflow.exceptions import MlflowException

        if self._session.parent_run is None:
            return None
        try:
            run = Held.of(client.get_run(self._session.parent_run))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            self._counts.parent_missing = self._session.parent_run
            return None
        seen = f"{SESSION}.{self._session.session}"
        if seen not in run.tags:
            self._log_files(run, environment_files(self._session), f"mlexp/{self._session.session}")
            client.set_tag(run.id, seen, "mirrored")
        return run

    def _write_experiment(self, client: MlflowClient, experiment: ExperimentPlan, *, final: bool) -> Iterator[str]:
        parent = experiment.parent
        run = self._outer or self._begin(client, parent, experiment, {})
        for cell in experiment.cells:
            more = {PARENT: run.id}
            self._complete(client, self._begin(client, cell, experiment, more), cell, more)
            yield cell.uid
        if self._outer is None and final:
            self._complete(client, run, parent, {})
        self._counts.experiments.append(experiment.name)

    def _begin(
        self, client: MlflowClient, wanted: RunPlan, experiment: ExperimentPlan, more: Mapping[str, str]
    ) -> Held:
        """The run, found or created; one that tells another result of its cell is replaced."""
        found = self._known.get(wanted.uid)
        if found is not None and self._stays(found):
            return found
        if found is not None and RESULT in found.tags and found.tags[RESULT] != wanted.tags.get(RESULT):
            discard(client, found)
            found = None
        if found is None:
            every = list({**wanted.tags, **more, "mlflow.user": _user()}.items())
            tags = dict(every[:MOST_TAGS])
            created = client.create_run(self._ids[experiment.name], wanted.started, tags, wanted.name)
            found = self._known[wanted.uid] = Held.of(created, tags)
        return found

    def _complete(self, client: MlflowClient, run: Held, wanted: RunPlan, more: Mapping[str, str]) -> None:
        """Everything that a run lacks, its status last: a run with the wanted tags and status is complete."""
        tags = {key: value for key, value in {**wanted.tags, **more}.items() if run.tags.get(key) != value}
        if self._stays(run) or (not tags and run.status == wanted.status):
            if wanted.uid not in self._counts.written:
                self._counts.there.add(wanted.uid)
            return
        from mlflow.entities import Metric, Param, RunTag

        self._log_files(run, wanted.files)
        if wanted.dataset is not None and not run.has_inputs:
            note = log_dataset(client, run.id, wanted.dataset)
            self._counts.notes.extend([note] if note else [])
        client.log_batch(
            run.id,
            metrics=[Metric(key, value, wanted.ended, step) for key, value, step in run.lacking(wanted.series)],
            params=[Param(key, value) for key, value in wanted.params.items() if key not in run.params],
            tags=[RunTag(key, value) for key, value in tags.items()],
            synchronous=True,
        )
        client.set_terminated(run.id, wanted.status, wanted.ended)
        run.complete(wanted, tags)
        self._counts.written.add(wanted.uid)

    def _stays(self, run: Held) -> bool:
        return self.keeps and run.is_complete

    def _log_files(self, run: Held, files: Mapping[str, Path | bytes], under: str | None = None) -> None:
        """Upload the files in one call, straight to the artifact repository: no look-up of the run."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        repository = get_artifact_repository(run.artifact_uri, tracking_uri=self._uri)
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=self._folder) as folder:
            stage(files, Path(folder))
            size = sum(path.stat().st_size for path in Path(folder).rglob("*"))
            with self._waiting.call(size):
                repository.log_artifacts(folder, under)  # type: ignore[no-untyped-call]


def _user() -> str:
    with suppress(Exception):
        return getpass.getuser()
    return "unknown"
