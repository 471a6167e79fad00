"""Gates in a pytest session: the accepted baseline, the share of alpha of each gate, and acceptance."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.errors import GateError
from pytest_mlexp.gates.acceptance import Acceptance, accept, merged, on_fresh_seeds
from pytest_mlexp.gates.anchors import against_anchors, given_up
from pytest_mlexp.gates.comparing import ALPHA, Terms
from pytest_mlexp.gates.contributions import is_of
from pytest_mlexp.gates.differences import differences, folded, folded_lines, renamed, shown
from pytest_mlexp.gates.flips import flips_table
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.gates.lock import FILE_NAME, Lock, write
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.screening import judge_cell, other_seeds
from pytest_mlexp.gates.sights import failing_comparisons, only_informing, short_sighted, sights
from pytest_mlexp.gates.state import AcceptedState, MissingCell, expected
from pytest_mlexp.gates.timings import worse
from pytest_mlexp.matrix import Cell
from pytest_mlexp.plugin.absent import is_skipped_as_absent, verdicts_of_absent, why_absent
from pytest_mlexp.plugin.baseline import MLFLOW
from pytest_mlexp.plugin.options import Options
from pytest_mlexp.plugin.verdicts import Told, gone_and_new, left_out, nothing_accepted, show_accepted, show_verdicts
from pytest_mlexp.records import Evaluation, TestRecord, from_dict, to_dict
from pytest_mlexp.reporting.verdicts import message
from pytest_mlexp.tracking.mirror import ACCEPTED
from pytest_mlexp.verdicts import UNACCEPTABLE, Verdict

if TYPE_CHECKING:
    from pytest_mlexp.experiment import Experiment
    from pytest_mlexp.flow import Flow

_SAY_CI = ("CI", "BUILD_NUMBER", "TF_BUILD")  # the last two: Jenkins and TeamCity, Azure Pipelines


class Gating:
    """Judges cells against the lock, or accepts them into it; the controlling process alone writes it."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._config = config
        self._options = options
        self._is_worker = hasattr(config, "workerinput")
        self.path = options.baseline
        self.asked: str = config.getoption("mlexp_baseline") or ""
        self.name = self.path.name if self.asked.startswith(MLFLOW) else _from_root(self.path, config)
        self._state = AcceptedState(self.path)
        self.gates = self._sharing = 0  # comparisons that share alpha: now, and once all is accepted
        self.chosen: dict[tuple[str, str], Cell] = {}  # cells of this process: where workers run them, none
        self.alone_fails = False  # whether the session fails although no test does
        self.tests: list[TestRecord] = []
        self._acceptances: list[Acceptance] = []
        self._pending: list[Acceptance] = []
        self._failed: set[tuple[str, str]] = set()
        self._missed: TestRecord | None = None
        self.absent: list[TestRecord] = []
        self._flips: dict[str, bytes] = {}
        self._changed: list[str] = []

    def missing_cells(self, experiment: Experiment, here: Iterable[Cell]) -> list[MissingCell]:
        """The accepted cells that this session does not have; each stands as a test of its own."""
        return self._state.missing(experiment, here)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the comparisons that share alpha: every process collects and selects the same tests."""
        self.chosen = {(c.experiment.name, c.id): c for item in session.items if isinstance(c := _cell(item), Cell)}
        self.gates = sum(self._state.comparisons(cell) for cell in self.chosen.values())
        self._sharing = max(self.gates, sum(map(failing_comparisons, self.chosen.values())))

    def judge(self, cell: Cell, evaluation: Evaluation, flow: Flow) -> tuple[Verdict, ...]:
        """Judge a cell; with ``--mlexp-accept`` accept it as well, unless its numbers cannot be."""
        __tracebackhide__ = True
        baseline = self._state.baseline(cell, flow.dataset(cell))
        if self._options.accept:
            return self._accept(cell, evaluation, flow, baseline)
        terms = Terms(alpha=self._options.alpha, gates=self.gates)
        verdicts, seen = judge_cell(cell, evaluation, flow=flow, baseline=baseline, terms=terms)
        self._flips.update(_flips(cell, seen, baseline))
        return (*verdicts, *self._state.loosened(cell, self._options.alpha))

    def _accept(self, cell: Cell, evaluation: Evaluation, flow: Flow, baseline: Baseline | None) -> tuple[Verdict, ...]:
        __tracebackhide__ = True
        fresh = evaluation
        if any(gate.compares for gate in cell.gates):
            seeds = cell.experiment.seeds
            fresh = flow.again(cell, other_seeds(seeds, max(self._options.accept_runs, len(seeds))))
        for runs in (evaluation, fresh):
            verdicts = judge(runs, cell.gates)
            if any(verdict.status in UNACCEPTABLE and not verdict for verdict in verdicts):
                return verdicts
        previous = None if self._options.reset_anchors else baseline
        accepted = accept(cell, flow.dataset(cell), evaluation, fresh, previous)
        if self._options.reset_anchors:
            accepted = given_up(accepted, baseline)
        where, before = f"{cell.experiment.name}: {cell.id}", {} if baseline is None else baseline.locked.metrics
        slower = worse(where, before, {} if accepted.entry is None else accepted.entry.metrics)
        warnings = against_anchors(cell, accepted, fresh, Terms(alpha=self._options.alpha, gates=self.gates))
        seen = sights(cell, accepted, evaluation, Terms(alpha=self._options.alpha, gates=self._sharing))
        self._pending.append(replace(accepted, warnings=(*accepted.warnings, *slower, *warnings), sights=seen))
        return tuple(
            replace(verdict, status="pass", strict=False, reason=self._said(gate, accepted))
            if verdict.status == "new"
            else verdict
            for gate, verdict in zip(cell.gates, verdicts, strict=True)
        )

    def _said(self, gate: Gate, accepted: Acceptance) -> str:
        """What of a gate's metric is accepted, for its record."""
        metrics = {} if accepted.entry is None else accepted.entry.metrics
        found = [f"{n} {shown(m.accepted)}" for n, m in metrics.items() if is_of(n, gate.metric, gate.slices)]
        start = "not accepted, for this is CI" if self._refuses_ci else "accepted with this test"
        return f"{start}: {', '.join(found)}"

    @property
    def lock(self) -> Lock:
        """What was accepted before this session."""
        return self._state.lock

    def takes_out(self, experiment: str, cells: Iterable[str]) -> bool:
        """Whether it is accepted that these cells are gone, as ``--mlexp-accept`` says; they leave the lock then."""
        if self._options.accept:
            self._pending += [Acceptance(experiment, cell) for cell in cells]
        return self._options.accept

    def vanish(self, cell: MissingCell) -> None:
        """Fail for a vanished cell, or take it out of the lock.

        Raises:
            GateError: it was not accepted that the cell is gone.
        """
        __tracebackhide__ = True
        if not self.takes_out(cell.experiment.name, [cell.id]):
            self.miss(cell.experiment.name, cell.id, cell.reason)

    def refuse_absent(self, cell: Cell | MissingCell) -> None:
        """Fail for a cell that cannot run here, where a gate asks for that.

        Raises:
            GateError: names the gates, and why it cannot run.
        """
        __tracebackhide__ = True
        if not all(verdicts := verdicts_of_absent(cell)):
            self._missed = TestRecord(cell.id, cell.experiment.name, "", "failed", 0.0, verdicts=verdicts)
            raise GateError(message(cell.experiment.name, cell.id, [v for v in verdicts if not v]))

    def miss(self, experiment: str, name: str, reason: str) -> None:
        """Fail for what is accepted and not there.

        Raises:
            GateError: always.
        """
        __tracebackhide__ = True
        verdict = expected(name, reason, lock=self.name)
        self._missed = TestRecord(name, experiment, "", "failed", 0.0, verdicts=(verdict,))
        raise GateError(message(experiment, name, [verdict], baseline=self.asked))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Let the report carry what this test accepted or missed, and which examples flipped."""
        report = yield
        if isinstance(cell := _cell(item), Cell):
            report.mlexp_cell = (cell.experiment.name, cell.id)
        if call.when == "setup" and report.skipped and is_skipped_as_absent(cell, report.longrepr):
            verdicts = verdicts_of_absent(cell)
            skipped = TestRecord(cell.id, cell.experiment.name, item.nodeid, "skipped", 0.0, why_absent(cell), verdicts)
            report.mlexp_missed = to_dict(skipped)
        if call.when == "call":
            accepted = [] if report.failed else self._pending
            test = item.nodeid.partition("::")[0]
            report.mlexp_accepted = [(to_dict(replace(a, vectors=b"", test=test)), a.vectors) for a in accepted]
            report.mlexp_flips, self._pending, self._flips = self._flips, [], {}
            if self._missed is not None:
                node = "" if _cell(item) is None else item.nodeid  # a vanished experiment's is of no file
                report.mlexp_missed, self._missed = to_dict(replace(self._missed, node=node)), None
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what reports carry; only the controlling process does."""
        if self._is_worker:
            return
        cell = report.__dict__.pop("mlexp_cell", None)
        if cell is not None and report.failed:
            self._failed.add(tuple(cell))
        for data, vectors in report.__dict__.pop("mlexp_accepted", ()):
            self._acceptances.append(replace(from_dict(data, Acceptance), vectors=vectors))
        if (data := report.__dict__.pop("mlexp_missed", None)) is not None:
            self.tests.append(absent := from_dict(data, TestRecord))
            self.absent.append(absent)
        session = self._config.pluginmanager.get_plugin("mlexp-session")
        for name, content in report.__dict__.pop("mlexp_flips", {}).items():
            if session is not None and session.recorder is not None:
                session.recorder.artifact(name, content)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what was accepted, of cells of which no test failed.

        In CI it is only listed and fails, so that nobody accepts by accident.
        """
        if self._is_worker:
            return
        self._record_absent()
        if not self._options.accept:
            return
        self._acceptances = [a for a in self._acceptances if (a.experiment, a.cell) not in self._failed]
        new = merged(self._state.lock, self._acceptances)
        if self._acceptances:
            new = replace(new, alpha=None if self._options.alpha == ALPHA else self._options.alpha)
        self._changed = [str(change) for change in folded(differences(self._state.lock, new))]
        if self._acceptances and not self._refuses_ci:
            vectors = {(a.experiment, a.cell): a.vectors for a in self._acceptances if a.vectors}
            write(self.path, new, vectors, name=self.name)
            self._keep()
        if self._refuses_ci and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            self.alone_fails = True

    def _record_absent(self) -> None:
        """Keep the verdicts on cells that did not run with the session's record, if there is one of others."""
        session = self._config.pluginmanager.get_plugin("mlexp-session")
        if session is not None and session.recorder is not None:
            for absent in self.absent:
                session.recorder.test(absent)

    def _keep(self) -> None:
        """Keep the accepted state with the session's record, for ``--mlexp-baseline=mlflow:...``."""
        session = self._config.pluginmanager.get_plugin("mlexp-session")
        if session is None or session.recorder is None:
            return
        vectors = self.path.with_name(f"{self.path.name}.d")
        for file in (self.path, *sorted(vectors.rglob("*.bin"))):
            name = FILE_NAME + file.as_posix().removeprefix(self.path.as_posix())
            session.recorder.artifact(f"{ACCEPTED}/{name}", file.read_bytes())

    @property
    def _refuses_ci(self) -> bool:
        return any(map(os.environ.get, _SAY_CI)) and not self._options.accept_in_ci

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        """Show the verdicts, the worst first, and what was accepted."""
        if self._options.accept:
            show_accepted(terminalreporter, self._told(exitstatus), where=self.name, unwritten=self._refuses_ci)
        else:
            renames = renamed(self.lock, *gone_and_new(self.tests))
            show_verdicts(terminalreporter, self.tests, alpha=self._options.alpha, renames=renames)

    def _told(self, exitstatus: int) -> Told:
        gone = [(one.experiment, one.cell) for one in self._acceptances if one.entry is None]
        new = {
            (one.experiment, one.cell): {name: metric.accepted.value for name, metric in one.entry.metrics.items()}
            for one in self._acceptances
            if one.entry is not None and self.lock.cell(one.experiment, one.cell) is None
        }
        warnings = folded_lines(text for one in self._acceptances for text in one.warnings)
        warnings += renamed(self.lock, gone, new)
        changed = self._changed if self._acceptances or self._failed else [nothing_accepted(exitstatus)]
        limits = [*short_sighted(self._acceptances), *only_informing(self._state.lock, self._acceptances)]
        changed = on_fresh_seeds(changed, self._acceptances)
        return Told(changed, warnings, left_out(self.tests, self._failed), limits, self._kept_in)

    @property
    def _kept_in(self) -> str:
        """The session whose run in MLflow holds what is accepted; empty where none does."""
        recorder = getattr(self._config.pluginmanager.get_plugin("mlexp-session"), "recorder", None)
        if recorder is None or recorder.mirrored is None or recorder.mirrored.failed or self._refuses_ci:
            return ""
        return recorder.session if self._acceptances else ""


def _from_root(path: Path, config: pytest.Config) -> str:
    return Path(os.path.relpath(path, config.rootpath)).as_posix()


def _cell(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get("evaluation")


def _flips(cell: Cell, evaluation: Evaluation, baseline: Baseline | None) -> dict[str, bytes]:
    if baseline is None or baseline.changes:
        return {}
    maximize = {name: metric.maximize for name, metric in baseline.locked.metrics.items()}
    table = flips_table(evaluation.contributions, baseline.vectors, maximize)
    return {f"flips/{cell.experiment.name}/{cell.id}.csv": table} if table else {}
