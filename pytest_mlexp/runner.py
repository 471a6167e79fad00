"""The second door: the whole flow without pytest."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_mlexp.blocks.device import absent_reason, parse_devices, probe, resolve
from pytest_mlexp.errors import DeviceError
from pytest_mlexp.execution.outcome import INTERRUPTS
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.alpha import check_alpha
from pytest_mlexp.gates.comparing import ALPHA, Terms
from pytest_mlexp.gates.lock import FILE_NAME
from pytest_mlexp.gates.screening import judge_cell
from pytest_mlexp.gates.state import AcceptedState, expected, skipped
from pytest_mlexp.matrix import Cell, expand, left_out
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import CellRecord, EndRecord, Evaluation, TestRecord
from pytest_mlexp.reporting.html import to_page
from pytest_mlexp.reporting.leaderboard import boards, failures, text_table, to_frame, to_html
from pytest_mlexp.reporting.report import report_on
from pytest_mlexp.reuse import FOLDER, open_store
from pytest_mlexp.tracking.address import OFF, absolute, check_uri, experiment_folder, how_to_open
from pytest_mlexp.tracking.embedded import project_folder
from pytest_mlexp.tracking.environment import REPRODUCES, capture
from pytest_mlexp.tracking.mirror import REPORT
from pytest_mlexp.tracking.recorder import Recorder
from pytest_mlexp.verdicts import Verdict

if TYPE_CHECKING:
    import pandas as pd

    from pytest_mlexp.experiment import Experiment
    from pytest_mlexp.tracking.mirrored import Mirrored


@dataclass(frozen=True, repr=False)
class Results(Mapping[str, Evaluation]):
    """The evaluations of a run by cell id, with the records and verdicts of all cells.

    Attributes:
        evaluations: cell id -> evaluation, of the cells that could be evaluated.
        records: every cell's record; those that failed have ``error``.
        verdicts: cell id -> what its gates said.
        trouble: why the journal is not complete; None when it is, or when nothing was to be kept.
        mirrored: what reached MLflow, None when tracking was off.
        session: the name under which the run is recorded; None when nothing was to be kept.
        tracking_uri: the MLflow store of its runs, without credentials; None when tracking was off.
        left_out: which models have no cell on the devices asked for, and why; empty when all have one.
    """

    evaluations: Mapping[str, Evaluation]
    records: tuple[CellRecord, ...]
    verdicts: Mapping[str, tuple[Verdict, ...]]
    trouble: str | None = None
    mirrored: Mirrored | None = None
    session: str | None = None
    tracking_uri: str | None = None
    left_out: str = ""

    def __getitem__(self, cell: str) -> Evaluation:
        """A cell's evaluation; KeyError with the candidates when there is none."""
        if cell in self.evaluations:
            return self.evaluations[cell]
        error = next((record.error for record in self.records if record.cell == cell), None)
        if error is not None:
            raise KeyError(f"cell {cell!r} failed, it has no evaluation: {error}")
        raise KeyError(f"no evaluation of {cell!r}: {nearest(cell, self.evaluations)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.evaluations)

    def __len__(self) -> int:
        return len(self.evaluations)

    def __repr__(self) -> str:
        """The leaderboards, then the problems, then where the runs are."""
        tables = [f"{title}\n{text_table(group)}\n" for title, group in boards(self.records)]
        return "\n".join([*tables, *self.problems(), *self._where()])

    def to_frame(self) -> pd.DataFrame:
        """One row a cell and metric: names, parameters (``params.C``), mean, spread, direction, seconds, error."""
        return to_frame(self.records)

    def problems(self) -> list[str]:
        """One line for each cell that failed, each gate that was breached or is new, each note, and all left out."""
        judged = [(cell, verdict) for cell, verdicts in self.verdicts.items() for verdict in verdicts]
        breached = [f"gate '{v.gate}' of {cell}: {v.reason}" for cell, v in judged if not v and v.metric]
        changed = [f"{v.status}: {cell}: {v.reason}" for cell, v in judged if not v and not v.metric]
        new = [f"new: gate '{v.gate}' of {cell}: {v.reason}" for cell, v in judged if v and v.status == "new"]
        unkept = [self.trouble, *((self.mirrored.failed, self.mirrored.damage) if self.mirrored is not None else ())]
        notes = [f"note: {record.cell}: {note}" for record in self.records for note in record.notes]
        return [
            *failures(self.records),
            *breached,
            *changed,
            *new,
            *notes,
            *filter(None, (*unkept, self.left_out)),
        ]

    def _repr_html_(self) -> str:
        return to_html(self.records, [*self.problems(), *self._where()])

    def _where(self) -> list[str]:
        """The session's name and how to open its runs, as far as they are there."""
        lines = []
        if self.session is not None and self.trouble is None:
            lines.append(f"session {self.session}: mlexp reproduce {self.session}")
        is_held = self.mirrored is not None and self.mirrored.failed is None and self.mirrored.experiments
        if is_held and self.tracking_uri is not None:
            lines.append(f"open the runs: {how_to_open(self.tracking_uri)}")
        return lines


def run(
    experiment: Experiment,
    *,
    devices: str = "auto",
    tracking_uri: str | None = None,
    baseline: str | Path = FILE_NAME,
    store: str | Path = FOLDER,
    fresh: bool = False,
    alpha: float = ALPHA,
) -> Results:
    """Run every cell of an experiment; a cell that fails is recorded and the rest goes on.

    ``store`` is the folder that keeps outcomes for later runs, or "off"; ``fresh`` takes nothing from it. ``alpha`` is
    the error rate of all comparisons together.

    Raises:
        SettingsError: a device, a store, an address of one, or an error rate that cannot be.
        DeviceError: a device that was asked for is not here, or no model runs on any of them.
        DeclarationError: the experiment is not complete.
    """
    uri, folder = _address(tracking_uri)
    places = _places(devices)
    cells, missing = _cells(experiment, places), left_out(experiment, places)
    root = project_folder(Path.cwd())
    kept = open_store(root, store, session=secrets.token_hex(8), fresh=fresh or REPRODUCES in os.environ)
    judging = Judging(AcceptedState(root / baseline), cells, alpha=check_alpha(alpha))
    judging.look_for_missing(experiment, cells)
    scope = f"{experiment.name} on {', '.join(places)}"
    recorder = None if uri == OFF else _recorder(root, uri, scope, folder)
    records: list[CellRecord] = []

    def record(cell: CellRecord, files: Mapping[str, bytes]) -> None:
        records.append(cell)
        if recorder is not None:
            recorder.cell(cell, files)

    flow = Flow(OutcomeStore(kept=kept), record=record, keep_files=recorder is not None)
    flow.reuse.look_at([experiment])
    evaluations: dict[str, Evaluation] = {}
    status: Literal["FINISHED", "FAILED", "KILLED"] = "KILLED"
    try:
        with flow.reuse.listening():
            for cell in cells:
                _run_cell(cell, flow, judging, evaluations, recorder)
        status = "FINISHED" if judging.passes and all(one.error is None for one in records) else "FAILED"
    finally:
        if recorder is not None:
            _finish(recorder, status, missing)
    results = Results(evaluations, tuple(records), judging.verdicts, left_out=missing)
    return results if recorder is None else _recorded(results, recorder)


def _address(tracking_uri: str | None) -> tuple[str | None, str | None]:
    """The store, and where experiments stand in it."""
    uri = absolute(tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or None)
    check_uri(uri)
    return uri, experiment_folder(uri)


def _places(devices: str) -> tuple[str, ...]:
    places = resolve(parse_devices(devices))
    for place in places:
        if (reason := absent_reason(place)) is not None:
            raise DeviceError(f"device {place!r} is not here: {reason}; the devices here are {', '.join(probe())}")
    return places


def _cells(experiment: Experiment, places: tuple[str, ...]) -> tuple[Cell, ...]:
    cells = expand(experiment, places)
    if not cells:
        raise DeviceError(f"nothing of experiment {experiment.name!r} runs: {left_out(experiment, places)}")
    return cells


def _recorder(root: Path, uri: str | None, scope: str, folder: str | None) -> Recorder:
    return Recorder(
        root,
        tracking_uri=uri,
        environment=capture(root, sys.argv),
        started=time.time(),
        scope=scope,
        experiment_folder=folder,
    )


def _finish(recorder: Recorder, status: Literal["FINISHED", "FAILED", "KILLED"], missing: str) -> None:
    """End the record, with a report on what is in it."""
    end = EndRecord.now(status)
    try:
        if (contents := recorder.contents(end)) is not None:
            recorder.artifact(REPORT, to_page(report_on(contents, left_out=filter(None, [missing]))).encode())
    finally:
        recorder.finish(end)


def _recorded(results: Results, recorder: Recorder) -> Results:
    """The results with where they were recorded."""
    return replace(
        results,
        trouble=recorder.trouble,
        mirrored=recorder.mirrored,
        session=recorder.session,
        tracking_uri=recorder.shown_uri,
    )


class Judging:
    """Judges cells against what is accepted, all of them sharing one error rate."""

    def __init__(self, state: AcceptedState, cells: Iterable[Cell], *, alpha: float = ALPHA) -> None:
        self._state = state
        self._terms = Terms(alpha, gates=sum(state.comparisons(cell) for cell in cells))
        self.verdicts: dict[str, tuple[Verdict, ...]] = {}

    @property
    def passes(self) -> bool:
        """Whether no verdict so far fails its cell."""
        return all(map(all, self.verdicts.values()))

    def look_for_missing(self, experiment: Experiment, cells: Iterable[Cell]) -> None:
        """Judge the accepted cells that are not among these: they have vanished, or have no device here."""
        for gone in self._state.missing(experiment, cells):
            missed = (expected(gone.id, gone.reason, lock=self._state.path.name),)
            self.verdicts[gone.id] = skipped(gone.elsewhere, gone.reason) if gone.elsewhere else missed

    def judge(self, cell: Cell, evaluation: Evaluation, flow: Flow) -> tuple[Verdict, ...]:
        """Judge one cell."""
        baseline = self._state.baseline(cell, flow.dataset(cell))
        verdicts, _ = judge_cell(cell, evaluation, flow=flow, baseline=baseline, terms=self._terms)
        verdicts = (*verdicts, *self._state.loosened(cell, self._terms.alpha))
        self.verdicts[cell.id] = verdicts
        return verdicts


def _run_cell(
    cell: Cell,
    flow: Flow,
    judging: Judging,
    evaluations: dict[str, Evaluation],
    recorder: Recorder | None,
) -> None:
    started = time.perf_counter()
    try:
        evaluations[cell.id] = flow.evaluate(cell)
        verdicts = judging.judge(cell, evaluations[cell.id], flow)
    except INTERRUPTS:
        raise
    except BaseException:  # noqa: BLE001 - the team's code may raise anything; the record keeps it
        return
    if recorder is not None:
        outcome: Any = "passed" if all(verdicts) else "failed"
        seconds = time.perf_counter() - started
        further = flow.further(cell)
        recorder.test(TestRecord(cell.id, cell.experiment.name, "run", outcome, seconds, None, verdicts, further))
