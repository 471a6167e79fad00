"""What a pytest session with ``--mlexp`` does: evaluates cells, collects their records, ends the recording."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from secrets import token_hex
from types import ModuleType
from typing import Any, cast

import pytest

from pytest_mlexp.errors import GateError, SettingsError
from pytest_mlexp.execution.kept import KeptStore
from pytest_mlexp.execution.outcome import INTERRUPTS
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.state import MissingCell
from pytest_mlexp.matrix import Cell
from pytest_mlexp.plugin.collection import EXPERIMENTS, NoCell
from pytest_mlexp.plugin.gating import Gating
from pytest_mlexp.plugin.options import OPENED, Options, value_of
from pytest_mlexp.plugin.sharing import SharedFolder
from pytest_mlexp.plugin.terminal import (
    TELLING,
    Progress,
    explain,
    how_to_go_on,
    in_words,
    summarize,
    told_by_its_words,
)
from pytest_mlexp.records import CellRecord, EndRecord, Evaluation, TestRecord, from_dict, to_dict
from pytest_mlexp.reporting.html import to_page
from pytest_mlexp.reporting.report import report_on, write_report
from pytest_mlexp.reporting.verdicts import message
from pytest_mlexp.reuse import open_store
from pytest_mlexp.tracking.address import OFF
from pytest_mlexp.tracking.beside import Ready
from pytest_mlexp.tracking.environment import Environment, capture
from pytest_mlexp.tracking.journal import JournalContents
from pytest_mlexp.tracking.mirror import REPORT
from pytest_mlexp.tracking.recorder import Recorder, ahead
from pytest_mlexp.verdicts import Verdict

CELL = pytest.StashKey[Cell]()
VERDICTS = pytest.StashKey[tuple[Verdict, ...]]()
MOST_NAMED = 20
REFUSED = (
    f"exit status {pytest.ExitCode.TESTS_FAILED:d}, although no test failed: this is CI, where --mlexp-accept writes "
    "nothing unless --mlexp-accept-in-ci says that it is meant"
)
# Raised inside a model or a dataset, these are about the test: pytest.importorskip, for instance.
OF_THE_TEST = (*INTERRUPTS, pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)


class MlexpSession:
    """One object for a process: in workers it only evaluates, in the controlling process it also writes."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._config = config
        self._worker = getattr(config, "workerinput", None)
        self._tracking = options.tracking_uri != OFF
        self._uri = options.tracking_uri
        self._experiment_folder = options.experiment_folder
        self._started = time.time()
        self._options = options
        self.records: dict[tuple[str, str], CellRecord] = {}
        self._environment: Environment | None = None
        self.recorder: Recorder | None = None
        self._ready: Ready | None = None
        self._pending: list[tuple[dict[str, Any], Mapping[str, bytes]]] = []
        self._shared: SharedFolder | None = None
        self._report_lost: str | None = None
        self._progress = Progress(config)
        try:
            self.gating = Gating(config, options)
        except SettingsError as error:
            raise pytest.UsageError(str(error)) from None
        shared = Path(self._worker["mlexp_shared"]) if self._worker else None
        self.flow = Flow(
            OutcomeStore(shared, kept=_kept(config, options, shared.name if shared else token_hex(8))),
            record=self._record,
            announce=self._progress.announce,
            keep_files=self._tracking,
            interrupts=OF_THE_TEST,
        )

    def evaluate(self, item: pytest.Function) -> Evaluation:
        """Evaluate the item's cell, then judge it.

        Raises:
            GateError: a gate was breached; the numbers are recorded already.
        """
        __tracebackhide__ = True
        cell = cast("Cell | MissingCell | NoCell", item.callspec.params["evaluation"])
        if isinstance(cell, NoCell):
            cell.refuse()
        self.gating.refuse_absent(cell)
        if isinstance(cell, MissingCell):
            self.gating.vanish(cell)
            pytest.skip("accepted that this cell is gone")
        item.stash[CELL] = cell
        evaluation = self.flow.evaluate(cell)
        for metric in cell.evaluator.metrics:
            if (shown := (metric.name, evaluation[metric.name])) not in item.user_properties:
                item.user_properties.append(shown)
        verdicts = item.stash[VERDICTS] = self.gating.judge(cell, evaluation, self.flow)
        if not all(verdicts):
            failed = [verdict for verdict in verdicts if not verdict]
            raise GateError(message(cell.experiment.name, cell.id, failed, baseline=self.gating.asked))
        return evaluation

    def _record(self, record: CellRecord, files: Mapping[str, bytes]) -> None:
        if self._worker is not None:
            self._pending.append((to_dict(record), files))
        else:
            self._write(record, files)

    def _write(self, record: CellRecord, files: Mapping[str, bytes]) -> None:
        self.records.setdefault((record.experiment, record.cell), record)
        if not self._tracking:
            return
        if self.recorder is None:
            self.recorder = Recorder(
                self._config.rootpath,
                tracking_uri=self._uri,
                environment=self._environment or self._capture(),
                started=self._started,
                experiment_folder=self._experiment_folder,
                ready=self._ready,
            )
        self.recorder.cell(record, files)

    def _capture(self) -> Environment:
        return capture(self._config.rootpath, ["pytest", *map(str, self._config.invocation_params.args)])

    def pytest_sessionstart(self) -> None:
        """Let MLflow be imported beside the tests' own imports."""
        if self._worker is None and self._tracking:
            self._ready = ahead(self._config.rootpath, self._uri)

    def pytest_collection_finish(self) -> None:
        """Look at the code of all blocks while it is what was just imported."""
        experiments = [experiment for experiment, _ in self._config.stash.get(EXPERIMENTS, {}).values()]
        plugins = self._config.pluginmanager.get_plugins()
        modules = [plugin for plugin in plugins if isinstance(plugin, ModuleType)]
        opened, option = self._config.stash.get(OPENED, None), partial(value_of, self._config)
        self.flow.reuse.look_at(experiments, modules, opened=opened, option=option)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Look at the environment before the first test: later it would hold up the reports of workers."""
        if self._worker is None and self._tracking:
            self._environment = self._capture()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give every xdist worker the folder in which trials are shared."""
        if self._shared is None:
            self._shared = SharedFolder()
        node.workerinput["mlexp_shared"] = str(self._shared.path)
        node.workerinput["mlexp_baseline"] = str(self.gating.path)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Let the report carry the records of what this test evaluated and how it ended."""
        report = yield
        cell = item.stash.get(CELL, None)
        if call.when == "call" and cell is not None:
            words = in_words(call.excinfo) if call.excinfo is not None else None
            verdicts = item.stash.get(VERDICTS, ())
            test = TestRecord(
                cell.id,
                cell.experiment.name,
                item.nodeid,
                report.outcome,
                report.duration,
                words,
                verdicts,
                self.flow.further(cell),
            )
            report.mlexp_test = to_dict(test)
        is_ours = cell is not None or (call.excinfo is not None and isinstance(call.excinfo.value, TELLING))
        if call.when == "call" and is_ours and report.failed and call.excinfo is not None:
            report.longrepr = told_by_its_words(call.excinfo) or report.longrepr
        if self._pending:
            report.mlexp_cells, self._pending = self._pending, []
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write what a report carries, and take it off: pytest keeps its reports to the end."""
        if self._worker is not None:
            return
        for data, files in report.__dict__.pop("mlexp_cells", ()):
            self._write(from_dict(data, CellRecord), files)
        if (data := report.__dict__.pop("mlexp_test", None)) is not None:
            test = from_dict(data, TestRecord)
            self.gating.tests.append(test)
            if self.recorder is not None:
                self.recorder.test(test)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """End the recording and mirror it to MLflow."""
        self._progress.stop()
        if self._shared is not None:
            self._shared.remove()
        statuses: dict[int, Any] = {pytest.ExitCode.OK: "FINISHED", pytest.ExitCode.INTERRUPTED: "KILLED"}
        end = EndRecord.now(statuses.get(exitstatus, "FAILED"))
        try:
            if self._worker is None:
                self._report(end)
        finally:
            if self.recorder is not None:
                if exitstatus == pytest.ExitCode.INTERRUPTED:
                    self._progress.say("writing what ran to MLflow; Ctrl-C again leaves it to the journal")
                self.recorder.finish(end)
            if self._ready is not None:  # still there where nothing was recorded
                self._ready.end()
                self._ready.close()

    def _report(self, end: EndRecord) -> None:
        """Write the report where it was asked for, and beside the journal, which takes it to MLflow."""
        absent: Any = self._config.pluginmanager.get_plugin("mlexp-absent")
        kept = self.recorder.contents(end) if self.recorder is not None else None
        here = JournalContents(None, tuple(self.records.values()), tuple(self.gating.tests), end)
        document = report_on(kept or here, left_out=[*absent.left_out.values(), *self._without_result()])
        if self.recorder is not None:
            self.recorder.artifact(REPORT, to_page(document).encode())
        if (path := self._options.report) is not None:
            try:
                write_report(path, document)
            except OSError as error:
                self._report_lost = f"the report cannot be written to {path}: {error.strerror or error}"

    def _without_result(self) -> list[str]:
        """A line on the chosen cells that have neither a record nor a test that came to its call."""
        tests = {(test.experiment, test.cell) for test in self.gating.tests}
        left = [": ".join(cell) for cell in self.gating.chosen if cell not in self.records and cell not in tests]
        if not left:
            return []
        named = ", ".join(left[:MOST_NAMED]) + (", ..." if len(left) > MOST_NAMED else "")
        why = "their tests were not reached, or were skipped or failed before they began"
        return [f"{len(left)} of {len(self.gating.chosen)} cells have no result, for {why}: {named}"]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        """Show leaderboards, failed cells, and where the runs are."""
        records = list(self.records.values())
        summarize(terminalreporter, records, tests=self.gating.tests, recorder=self.recorder)
        if self._options.explain:
            explain(terminalreporter, records, self.gating.tests)
        if self._options.report is not None:
            lost = self._report_lost
            terminalreporter.write_line(lost or f"report: {self._options.report}", red=lost is not None)
        if exitstatus == pytest.ExitCode.INTERRUPTED and records:
            terminalreporter.write_line(how_to_go_on(records, len(self.gating.chosen), self._options), bold=True)

    def pytest_unconfigure(self) -> None:
        """Say last of all, below pytest's green line, why a session of which all tests passed has failed."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if self.gating.alone_fails and reporter is not None:
            reporter.write_line(REFUSED, red=True, bold=True)


def _kept(config: pytest.Config, options: Options, session: str) -> KeptStore | None:
    try:
        return open_store(config.rootpath, options.store, session=session, fresh=options.fresh)
    except SettingsError as error:
        raise pytest.UsageError(f"mlexp_store: {error}") from None
