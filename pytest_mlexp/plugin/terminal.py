"""What a person sees: progress on long trials, and the summary."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from traceback import walk_tb
from typing import Any

import pytest

from pytest_mlexp.errors import DeviceError, GateError
from pytest_mlexp.matrix import Trial
from pytest_mlexp.plugin.options import Options
from pytest_mlexp.records import CellRecord, TestRecord
from pytest_mlexp.reporting.leaderboard import boards, failures, text_table
from pytest_mlexp.reporting.notes import not_finite, notes
from pytest_mlexp.reporting.reuse import reasons_table, reused_line
from pytest_mlexp.reuse import OFF
from pytest_mlexp.tracking.address import how_to_open
from pytest_mlexp.tracking.recorder import Recorder

PATIENCE = 5.0
OURS = __name__.partition(".")[0]
TELLING = (GateError, DeviceError)  # their words are all there is to know


class Progress:
    """Says what is being fitted when a trial takes longer than a few seconds; silent under ``-q`` and in workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._silent = config.get_verbosity() < 0 or hasattr(config, "workerinput")
        self._current: tuple[Trial, float] | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def announce(self, trial: Trial | None) -> None:
        """Note the trial that begins, or None at its end."""
        self._current = (trial, time.monotonic()) if trial is not None else None
        if self._thread is None and not self._silent:
            self._thread = threading.Thread(target=self._watch, name="mlexp-progress", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        told: tuple[Trial, float] | None = None
        while not self._stopped.wait(0.5):
            current = self._current
            if current is not None and current is not told and time.monotonic() - current[1] > PATIENCE:
                told = current
                self.say(f"fitting {current[0].id} ...")

    def say(self, text: str) -> None:
        """Write a line between pytest's own, whatever it captures at the moment."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if reporter is None or capture is None:
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(text)


def summarize(
    reporter: pytest.TerminalReporter,
    records: Sequence[CellRecord],
    *,
    tests: Sequence[TestRecord],
    recorder: Recorder | None,
) -> None:
    """Write leaderboards and failed cells, then where the runs are.

    Leaderboards are the result, so that ``-q`` leaves out only where the runs are; under ``-qq`` stays what went wrong.
    """
    if not records:
        return
    if reporter.config.get_verbosity() >= -1:
        reporter.section("mlexp")
        for title, group in boards(records):
            reporter.write_line(title, bold=True)
            reporter.write_line(text_table(group) + "\n")
        if any(len(metric.values) > 1 for record in records for metric in record.metrics.values()):
            reporter.write_line("± is the standard deviation over a cell's seeds and splits")
        if (line := reused_line(records, tests)) is not None:
            reporter.write_line(line)
        for line in failures(records):
            reporter.write_line(line, red=True)
    for line in (*not_finite(records), *notes(records)):
        reporter.write_line(line, yellow=True)
    _say_where(reporter, recorder)


def explain(reporter: pytest.TerminalReporter, records: Sequence[CellRecord], tests: Sequence[TestRecord]) -> None:
    """Write whether trials and evaluations were reused or made, and why; under ``-v`` for each of them a line."""
    reporter.section("mlexp: what was reused or made, and why")
    reporter.write_line(reasons_table(records, tests, each=reporter.config.get_verbosity() > 0))


def how_to_go_on(records: Sequence[CellRecord], chosen: int, options: Options) -> str:
    """What an interrupted session leaves to the next one; ``chosen`` is the number of its cells, 0 where unknown."""
    kept = sum(record.error is None and all(trial.kept for trial in record.trials) for record in records)
    of_all = f" of {chosen}" if chosen else ""
    if options.accept:
        how = "the same command begins anew, -k chooses those that are not accepted above"
        return f"interrupted after {len(records)}{of_all} cells; {how}"
    if options.store == OFF or not kept:
        why = "mlexp_store is off" if options.store == OFF else "none is kept"
        return f"interrupted after {len(records)}{of_all} cells; {why}, so that the same command begins anew"
    how = "the same command without --mlexp-fresh goes on" if options.fresh else "run the same command again to go on"
    return f"interrupted: {kept}{of_all} cells are kept; {how}"


def told_by_its_words(excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
    """How to show an exception that was raised by none of the team's code here; None for any other.

    An error of this package tells the whole story, and one from another process has its traceback as a note.
    """
    modules = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in walk_tb(excinfo.tb)]
    if OURS not in modules or not {OURS, "_pytest", "pluggy"}.issuperset(modules[modules.index(OURS) :]):
        return None
    shown = excinfo.getrepr(style="value")
    if shown.reprcrash is not None:
        shown.reprcrash.message = in_words(excinfo)
    for note in getattr(excinfo.value, "__notes__", ()):
        title, _, text = note.partition("\n")
        shown.addsection(title.rstrip(":"), text, sep="_")
    return shown


def in_words(excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """The exception as pytest's summary shows it: the words alone of those that say what kind of failure they are."""
    return str(excinfo.value) if isinstance(excinfo.value, TELLING) else excinfo.exconly(tryshort=True)


def _say_where(reporter: pytest.TerminalReporter, recorder: Recorder | None) -> None:
    if recorder is not None and recorder.trouble is not None:
        reporter.write_line(f"the journal is not complete: {recorder.trouble}", red=True, bold=True)
    if recorder is not None and recorder.trouble is None and reporter.config.get_verbosity() >= 0:
        reporter.write_line(f"session {recorder.session}: mlexp reproduce {recorder.session} runs it again")
    if recorder is None or recorder.mirrored is None:
        return
    if recorder.mirrored.failed is not None:
        reporter.write_line(f"not mirrored to MLflow: {recorder.mirrored.failed}", yellow=True)
    elif recorder.mirrored.experiments and reporter.config.get_verbosity() >= 0:
        reporter.write_line(f"open the runs: {how_to_open(recorder.shown_uri)}")
    if recorder.mirrored.damage is not None:
        reporter.write_line(f"the journal is not whole: {recorder.mirrored.damage}", red=True, bold=True)
    for note in recorder.mirrored.notes:
        reporter.write_line(f"note: {note}", yellow=True)
    if recorder.mirrored.parent_missing is not None:
        missing = f"the active run {recorder.mirrored.parent_missing} is not in {recorder.shown_uri}"
        reporter.write_line(f"{missing}: the cells have a parent of their own", yellow=True)
