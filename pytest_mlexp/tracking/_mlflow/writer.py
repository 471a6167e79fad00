"""Plans -> runs in an MLflow store, by its client and in as few calls as there can be."""

from __future__ import annotations

import getpass
import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import DatasetRecord, SessionRecord
from pytest_mlexp.tracking._mlflow.store import build_store
from pytest_mlexp.tracking.embedded import artifacts_of, on_connect, own_database
from pytest_mlexp.tracking.mirror import SESSION, UID, ExperimentPlan, RunPlan, environment_files, stage

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

PARENT = "mlflow.parentRunId"
PAGE = 1000


@dataclass
class Writer:
    """Writes the plans of one session to one store, and counts what it wrote and what was there."""

    uri: str
    session: SessionRecord
    written: int = 0
    there: int = 0
    names: list[str] = field(default_factory=list)
    parent_missing: str | None = None
    known: dict[str, Run] = field(default_factory=dict)

    def write(self, plans: tuple[ExperimentPlan, ...]) -> None:
        from mlflow import MlflowClient

        database = own_database(self.uri)
        with ExitStack() as stack:
            if database is not None:
                build_store(database)
                # With a write-ahead log this risks no corruption, only commits the journal holds anyway.
                stack.enter_context(on_connect("PRAGMA synchronous=NORMAL"))
            client = MlflowClient(self.uri)
            location = artifacts_of(database) if database is not None else None
            ids = [_experiment_id(client, p, location) for p in plans]
            self._look_up(client, ids)
            outer = self._outer_run(client)
            for experiment, experiment_id in zip(plans, ids, strict=True):
                self._write_experiment(client, experiment, experiment_id, outer)
                self.names.append(experiment.name)

    def _look_up(self, client: MlflowClient, experiment_ids: list[str]) -> None:
        token: str | None = None
        while True:
            page = client.search_runs(
                experiment_ids,
                f"tags.`{SESSION}` = '{self.session.session}'",
                max_results=PAGE,
                page_token=token,
            )
            for run in page:
                uid = run.data.tags.get(UID, "")
                # Of runs doubled by someone else, the finished one counts.
                if uid not in self.known or self.known[uid].info.status == "RUNNING":
                    self.known[uid] = run
            token = page.token
            if not token:
                return

    def _outer_run(self, client: MlflowClient) -> Run | None:
        """The run that was active when the session began; None when there was none or it is gone."""
        from mlflow.exceptions import MlflowException

        if self.session.parent_run is None:
            return None
        try:
            run = client.get_run(self.session.parent_run)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            self.parent_missing = self.session.parent_run
            return None
        seen = f"{SESSION}.{self.session.session}"
        if seen not in run.data.tags:
            self._log_files(run, environment_files(self.session), f"mlexp/{self.session.session}")
            client.set_tag(run.info.run_id, seen, "mirrored")
        return run

    def _write_experiment(
        self, client: MlflowClient, experiment: ExperimentPlan, experiment_id: str, outer: Run | None
    ) -> None:
        parent = experiment.parent
        if outer is None:
            run, done = self._begin(client, parent, experiment_id, {})
        else:
            run, done = outer, True
        for cell in experiment.cells:
            child, there = self._begin(client, cell, experiment_id, {PARENT: run.info.run_id})
            if not there:
                self._fill(client, child, cell)
        if not done:
            self._fill(client, run, parent)

    def _begin(
        self, client: MlflowClient, wanted: RunPlan, experiment_id: str, more: Mapping[str, str]
    ) -> tuple[Run, bool]:
        """The run, found or created, and whether it is complete already."""
        found = self.known.get(wanted.uid)
        if found is None:
            tags = {**wanted.tags, **more, "mlflow.user": _user()}
            return client.create_run(experiment_id, wanted.started, tags, wanted.name), False
        if found.info.status == wanted.status:
            self.there += 1
            return found, True
        from mlflow.entities import RunTag

        stale = [RunTag(k, v) for k, v in {**wanted.tags, **more}.items() if found.data.tags.get(k) != v]
        client.log_batch(found.info.run_id, tags=stale, synchronous=True)
        return found, False

    def _fill(self, client: MlflowClient, run: Run, wanted: RunPlan) -> None:
        """Everything of a run but its tags, the final status last: a run with one is complete."""
        from mlflow.entities import Metric, Param

        run_id = run.info.run_id
        self._log_files(run, wanted.files)
        if wanted.dataset is not None:
            _log_dataset(client, run_id, wanted.dataset)
        client.log_batch(
            run_id,
            metrics=[Metric(key, value, wanted.ended, step) for key, value, step in wanted.series],
            params=[Param(key, value) for key, value in wanted.params.items()],
            synchronous=True,
        )
        client.set_terminated(run_id, wanted.status, wanted.ended)
        self.written += 1

    def _log_files(self, run: Run, files: Mapping[str, Path | bytes], under: str | None = None) -> None:
        """Upload the files in one call, straight to the artifact repository: no look-up of the run."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        repository = get_artifact_repository(run.info.artifact_uri, tracking_uri=self.uri)
        with tempfile.TemporaryDirectory(prefix="mlexp-") as folder:
            stage(files, Path(folder))
            repository.log_artifacts(folder, under)  # type: ignore[no-untyped-call]


def _experiment_id(client: MlflowClient, wanted: ExperimentPlan, location: Path | None) -> str:
    from mlflow.exceptions import MlflowException

    name = wanted.name
    note = {"mlflow.note.content": wanted.description} if wanted.description else None
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name, (location / name).as_uri() if location else None, note)
        except MlflowException as error:
            # Another process was faster.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise error from None
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"MLflow experiment {name!r} is deleted: restore it with "
            f"`mlflow experiments restore -x {found.experiment_id}`"
        )
    return str(found.experiment_id)


def _log_dataset(client: MlflowClient, run_id: str, dataset: DatasetRecord) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.log_inputs(run_id, [_dataset_input(dataset)])
    except MlflowException as error:
        # MLflow looks the dataset up before it inserts it; another process was between the two.
        if "unique" not in str(error).lower():
            raise
        client.log_inputs(run_id, [_dataset_input(dataset)])


def _dataset_input(dataset: DatasetRecord) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = {"name": dataset.name, "version": dataset.version, "digest": dataset.digest}
    entity = Dataset(
        name=dataset.name,
        digest=dataset.digest or "",
        source_type="mlexp",
        source=json.dumps(source),
        schema=dataset.schema,
        profile=json.dumps({"num_rows": dataset.rows}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", "evaluation")])


def _user() -> str:
    with suppress(Exception):
        return getpass.getuser()
    return "unknown"
