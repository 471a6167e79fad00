"""Sessions and cells brought back from MLflow: the records that the mirror left there."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import CellRecord, SessionRecord, TestRecord, from_dict
from pytest_mlexp.tracking._mlflow.store import quiet
from pytest_mlexp.tracking._mlflow.writer import PARENT
from pytest_mlexp.tracking.journal import JournalContents
from pytest_mlexp.tracking.mirror import SESSION
from pytest_mlexp.tracking.secrets import redact_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN_ID = re.compile(r"[0-9a-f]{32}")
CELL = "mlexp.cell"
SESSION_FILE = "session.json"
EVALUATION_FILE = "evaluation.json"
PAGE = 1000


def fetch_logged(name: str, tracking_uri: str) -> JournalContents | None:
    """Bring back what a session recorded; None when the store knows nothing of that name.

    Args:
        name: the id of a cell's run or of a session's run, or the id of a session.
        tracking_uri: the store to look in.

    Raises:
        TrackingError: the store cannot be reached, or what it holds of the run is not whole.
    """
    try:
        with quiet(), tempfile.TemporaryDirectory(prefix="mlexp-") as folder:
            return _fetch(_client(tracking_uri), name, Path(folder))
    except TrackingError:
        raise
    except Exception as error:
        raise TrackingError(f"MLflow at {redact_text(tracking_uri)}: {redact_text(str(error))[:400]}") from error


def _client(tracking_uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri)


def _fetch(client: MlflowClient, name: str, folder: Path) -> JournalContents | None:
    runs = _runs(client, name)
    cells = [run for run in runs if CELL in run.data.tags]
    if not cells:
        return None
    sessions = {run.data.tags[SESSION] for run in cells}
    if len(sessions) > 1:
        raise TrackingError(f"run {name} holds several sessions, name one: {', '.join(sorted(sessions))}")
    records: list[CellRecord] = []
    tests: list[TestRecord] = []
    for number, run in enumerate(cells):
        record, its_tests = _cell(client, run, folder / str(number))
        records.append(record)
        tests += its_tests
    return JournalContents(_session(client, cells[0], folder), tuple(records), tuple(tests), None)


def _runs(client: MlflowClient, name: str) -> Sequence[Run]:
    """The run of a cell, or those of a session."""
    if not RUN_ID.fullmatch(name):
        return _search(client, _experiments(client), f"tags.`{SESSION}` = '{name}'") if "'" not in name else []
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return []
        raise
    if CELL in run.data.tags:
        return [run]
    return _search(client, [run.info.experiment_id], f"tags.`{PARENT}` = '{name}'")


def _experiments(client: MlflowClient) -> list[str]:
    found: list[str] = []
    token: str | None = None
    while True:
        page = client.search_experiments(page_token=token)
        found += [str(experiment.experiment_id) for experiment in page]
        token = page.token
        if not token:
            return found


def _search(client: MlflowClient, experiments: list[str], wanted: str) -> list[Run]:
    found: list[Run] = []
    token: str | None = None
    while True:
        page = client.search_runs(experiments, wanted, max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda run: run.info.start_time)


def _cell(client: MlflowClient, run: Run, folder: Path) -> tuple[CellRecord, Iterable[TestRecord]]:
    data = _json(client, run.info.run_id, EVALUATION_FILE, folder)
    if data is None:
        raise TrackingError(f"run {run.info.run_id} has no {EVALUATION_FILE}: mirror its session again, `mlexp sync`")
    record = from_dict(data, CellRecord)
    tests = [from_dict(test, TestRecord) for test in data.get("tests", ())]
    if not tests:  # a run that was mirrored before its tests had ended
        nodes = run.data.tags.get("mlexp.test", "").split()
        tests = [TestRecord(record.cell, record.experiment, node, "passed", 0.0) for node in nodes]
    return replace(record, artifacts={}), tests


def _session(client: MlflowClient, cell: Run, folder: Path) -> SessionRecord:
    """The session's record, kept with the run above the cell's: its own, or one that was active already."""
    parent, session = cell.data.tags.get(PARENT), cell.data.tags[SESSION]
    for name in (SESSION_FILE, f"mlexp/{session}/{SESSION_FILE}"):
        data = _json(client, parent, name, folder) if parent else None
        if data is not None:
            return from_dict(data, SessionRecord)
    raise TrackingError(
        f"run {parent}, above run {cell.info.run_id}, has no {SESSION_FILE}: it was recorded by an earlier "
        "pytest-mlexp, or deleted; where its journal still is, name the session instead"
    )


def _json(client: MlflowClient, run: str, name: str, folder: Path) -> Any:
    above = name.rpartition("/")[0]
    if all(item.path != name for item in client.list_artifacts(run, above or None)):
        return None
    folder.mkdir(exist_ok=True)
    return json.loads(Path(client.download_artifacts(run, name, str(folder))).read_text(encoding="utf-8"))
