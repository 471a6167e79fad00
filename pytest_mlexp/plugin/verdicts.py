"""What a session says of gates at its end: verdicts, or what was accepted."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_mlexp.gates.anchors import GOES_ON
from pytest_mlexp.gates.comparing import ALPHA
from pytest_mlexp.gates.differences import Named
from pytest_mlexp.records import TestRecord
from pytest_mlexp.reporting.advice import next_steps, nodes_of, of_a_run
from pytest_mlexp.reporting.verdicts import (
    cost_of_correction,
    counts,
    judged,
    quiet_lines,
    short,
    verdict_table,
)

_NONE_YET = "nothing: the session was interrupted before the first cell was accepted"
_NOTHING_CHOSEN = "no cell ran, so nothing is accepted: see what -k, -m and the paths choose"


@dataclass(frozen=True)
class Told:
    """What an accepting session says: what changed, what is to be known of it, what was left out, what gates miss.

    ``session`` is the one whose run in MLflow holds the accepted state, if one does.
    """

    changed: Sequence[str]
    warnings: Sequence[str]
    left_out: Sequence[str]
    limits: Sequence[str] = ()
    session: str = ""


def show_verdicts(
    reporter: pytest.TerminalReporter, tests: Sequence[TestRecord], *, alpha: float, renames: Sequence[str] = ()
) -> None:
    """Show verdicts, the worst first, and what to do next, each advice once."""
    pairs = judged(tests)
    nodes = {where: [_from_here(node, reporter.config) for node in ids] for where, ids in nodes_of(tests).items()}
    baseline = reporter.config.getoption("mlexp_baseline") or ""
    table, steps = verdict_table(pairs), next_steps(pairs, nodes, baseline=baseline, is_all=_is_all(reporter))
    if not pairs or (reporter.config.get_verbosity() < 0 and not table and not steps):
        return
    reporter.section("mlexp gates")
    if table:
        reporter.write_line(table)
    compared = [verdict.comparison for _, verdict in pairs if verdict.status != "identical"]
    shared = [found.gates for found in compared if found is not None]
    if reporter.config.get_verbosity() >= 0:
        for line in quiet_lines(pairs):
            reporter.write_line(line)
        if shared and max(shared) > 1:
            reporter.write_line(cost_of_correction(alpha, max(shared)))
    if alpha != ALPHA:
        reporter.write_line(f"mlexp_alpha: the error rate of this session is {alpha:g}, not {ALPHA:g}", yellow=True)
    for line in (*renames, *steps):
        reporter.write_line(line, yellow=True)
    if steps and (how := of_a_run(baseline)):
        reporter.write_line(f"next: accept {how}", yellow=True)
    reporter.write_line(f"gates: {counts(pairs)}")


def gone_and_new(tests: Iterable[TestRecord]) -> tuple[set[Named], dict[Named, dict[str, float]]]:
    """The cells that vanished, and those that are new with their metrics, in a session that only judges."""
    gone, new = set(), dict[Named, dict[str, float]]()
    for test in tests:
        for verdict in test.verdicts:
            if verdict.status == "vanished":
                gone.add((test.experiment, test.cell))
            elif verdict.status == "new" and verdict.value is not None:
                new.setdefault((test.experiment, test.cell), {})[verdict.metric] = verdict.value
    return gone, new


def _is_all(reporter: pytest.TerminalReporter) -> bool:
    """Whether the session was told of no test to choose or to leave out."""
    config, given = reporter.config, ("keyword", "markexpr", "deselect", "lf", "ignore", "ignore_glob", "maxfail")
    told = any(config.getoption(name, default=None) for name in given)
    return not told and config.args_source != config.ArgsSource.ARGS and "deselected" not in reporter.stats


def _from_here(node: str, config: pytest.Config) -> str:
    """A test's id as the command line takes it in the folder where this session was started."""
    path, separator, rest = node.partition("::")
    return Path(os.path.relpath(config.rootpath / path, config.invocation_params.dir)).as_posix() + separator + rest


def nothing_accepted(exitstatus: int) -> str:
    """Why a session accepted nothing."""
    return _NONE_YET if exitstatus == pytest.ExitCode.INTERRUPTED else _NOTHING_CHOSEN


def show_accepted(reporter: pytest.TerminalReporter, told: Told, *, where: str, unwritten: bool) -> None:
    """Show each change of what is accepted, and loudly what is not accepted."""
    reporter.section(f"mlexp: {'not ' if unwritten else ''}accepted into {where}")
    for line in told.changed or ["nothing changed"]:
        reporter.write_line(line)
    if told.session:
        reporter.write_line(f"to judge against it elsewhere: --mlexp-baseline=mlflow:{told.session}")
    for line in told.warnings:
        reporter.write_line(line, yellow=True)
    if any(GOES_ON in line for line in told.warnings):
        reporter.write_line(
            "next: --mlexp-accept --mlexp-reset-anchors accepts for good what was lost since the anchor"
        )
    for line in told.limits:
        reporter.write_line(line)
    for line in told.left_out:
        reporter.write_line(line, red=True)
    if told.left_out:
        reporter.write_line("next: mend these cells, or change their bounds in the code, then accept them again")
    if unwritten:
        told_so = "this is CI: nothing was written, and the session fails; --mlexp-accept-in-ci says it is meant"
        reporter.write_line(told_so, red=True)


def left_out(tests: Iterable[TestRecord], failed: Collection[tuple[str, str]]) -> list[str]:
    """One line for each failed test of a cell that is not accepted because of it, with the reason."""
    told = [test for test in tests if test.outcome == "failed" and (test.experiment, test.cell) in failed]
    others = sorted(set(failed) - {(test.experiment, test.cell) for test in told})
    return [
        *(f"not accepted: {test.experiment}: {test.cell}: {_why(test)}" for test in told),
        *(f"not accepted: {experiment}: {cell}: a fixture of its test failed" for experiment, cell in others),
    ]


def _why(test: TestRecord) -> str:
    broken = [short(verdict) for _, verdict in judged([test]) if not verdict]
    return "; ".join(broken) or (test.message or "its test failed").partition("\n")[0]
