"""The mirror of journals in MLflow; the only module that imports mlflow, and only when it is used.

MLflow is never in the way: whatever goes wrong with it is told in ``Mirrored.failed``, the journal stays
complete, and mirroring it again writes what is missing and nothing twice.
"""

from __future__ import annotations

import getpass
import json
import os
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import DatasetRecord, SessionRecord
from pytest_mlexp.tracking.embedded import DATABASE, artifacts_of, default_uri, on_connect, own_database
from pytest_mlexp.tracking.journal import ignore_in_git, read
from pytest_mlexp.tracking.mirror import SESSION, UID, ExperimentPlan, RunPlan, environment_files, plan, stage
from pytest_mlexp.tracking.quiet import muted, settings_where_unset
from pytest_mlexp.tracking.secrets import redact_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

__all__ = ["Mirrored", "active_run_id", "build_store", "default_uri", "mirror"]

PARENT = "mlflow.parentRunId"
_LOCK_SECONDS = 120.0
_PAGE = 1000
# A lost reply must not make MLflow's own retry create a run twice: one attempt, then the look-up by uid.
_RETRIES = "0"


@dataclass(frozen=True)
class Mirrored:
    """What mirroring one journal did; ``failed`` is the reason in one line when it did not get through."""

    runs_written: int
    runs_already_there: int
    experiments: tuple[str, ...]
    failed: str | None = None


def mirror(journal_folder: Path, tracking_uri: str, *, timeout: float = 8.0) -> Mirrored:
    """Write what a session's journal holds to MLflow; again and again without doubling anything.

    Each Experiment gets one MLflow experiment with one parent run for the session (the run that was
    already active, where the session had one) and one child run for each cell. Runs are found again by
    their tag ``mlexp.uid``; one that was left unfinished is completed. ``timeout`` is the seconds that a
    request to a server may take, unless MLFLOW_HTTP_REQUEST_TIMEOUT says otherwise.

    Never raises for trouble with tracking: see ``Mirrored.failed``.
    """
    counts: dict[str, int] = {"written": 0, "there": 0}
    names: list[str] = []
    failed = None
    try:
        journal = read(journal_folder)
        plans = plan(journal, journal_folder)
        with _quiet(timeout), FileLock(journal_folder / "mirror.lock", timeout=_LOCK_SECONDS):
            if journal.session is not None and plans:
                _Writer(tracking_uri, journal.session, counts, names).write(plans)
    # Whatever MLflow, its store or the network raises: tests must not fail because of tracking.
    except Exception as error:  # noqa: BLE001
        failed = _reason(error, tracking_uri, journal_folder)
    return Mirrored(counts["written"], counts["there"], tuple(names), failed)


def active_run_id() -> str | None:
    """The MLflow run that is active in this process or named by MLFLOW_RUN_ID; never imports mlflow."""
    active = getattr(sys.modules.get("mlflow"), "active_run", None)
    run = active() if active is not None else None
    return str(run.info.run_id) if run is not None else os.environ.get("MLFLOW_RUN_ID") or None


def build_store(database: Path) -> None:
    """Make the embedded store unless it is there: whole or not at all, once among racing processes.

    MLflow's own first use breaks when processes race or one is killed in the middle, therefore it works
    on a file under another name that is renamed when it is whole.
    """
    ignore_in_git(database.parent)
    with _quiet(), FileLock(database.with_suffix(".lock"), timeout=_LOCK_SECONDS):
        if database.exists():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        with tempfile.TemporaryDirectory(dir=database.parent, prefix=".building-") as folder:
            building = Path(folder) / DATABASE
            artifacts = artifacts_of(database).as_uri()
            with on_connect("PRAGMA synchronous=OFF"):
                store = SqlAlchemyStore(f"sqlite:///{building.as_posix()}", artifacts)  # type: ignore[no-untyped-call]
            store.engine.dispose()
            connection = sqlite3.connect(building)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
            building.replace(database)


@dataclass(frozen=True)
class _Writer:
    """Writes the plans of one session to one store."""

    uri: str
    session: SessionRecord
    counts: dict[str, int]
    names: list[str]
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
                max_results=_PAGE,
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
            self.counts["there"] += 1
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
            client.log_inputs(run_id, [_dataset_input(wanted.dataset)])
        client.log_batch(
            run_id,
            metrics=[Metric(key, value, wanted.ended, step) for key, value, step in wanted.series],
            params=[Param(key, value) for key, value in wanted.params.items()],
            synchronous=True,
        )
        client.set_terminated(run_id, wanted.status, wanted.ended)
        self.counts["written"] += 1

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


@contextmanager
def _quiet(timeout: float = 8.0) -> Iterator[None]:
    """Import mlflow and keep it from printing, phoning home and waiting for minutes, then put all back."""
    settings = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": _RETRIES,
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(timeout))),
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with settings_where_unset(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # sets up its loggers, to be muted after it

        with muted("mlflow", "alembic"):
            yield


def _user() -> str:
    with suppress(Exception):
        return getpass.getuser()
    return "unknown"


def _reason(error: Exception, uri: str, folder: Path) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    text = f"MLflow at {uri} does not hold this session: {said[:400]}. Nothing is lost: mirror {folder} again"
    return redact_text(text)
