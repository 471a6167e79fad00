"""Two records of the same cells, metric by metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pytest_mlexp.records import CellRecord
from pytest_mlexp.reproduction.agreement import agree, repeatability
from pytest_mlexp.reproduction.causes import (
    NOT_DETERMINISTIC,
    OTHER_CODE,
    Cause,
    cause,
    changed_sources,
    of_cells,
    of_reads,
    of_sessions,
)

Status = Literal["missing", "failed", "metric gone", "different", "metric new", "within noise", "timing", "identical"]
STATUSES: tuple[Status, ...] = (
    "missing",
    "failed",
    "metric gone",
    "different",
    "metric new",
    "within noise",
    "timing",
    "identical",
)
GOOD = ("within noise", "timing", "identical")
Key = tuple[str, str]
Cells = Mapping[Key, CellRecord]


@dataclass(frozen=True)
class Finding:
    """What became of one metric of one cell, or of a whole cell (``metric`` is empty).

    Attributes:
        logged: its mean over trials; ``again`` likewise; None where it is not there.
        note: what the status rests on.
        causes: what could have made it, best evidence first; none where all is well.
    """

    experiment: str
    cell: str
    metric: str
    status: Status
    logged: float | None = None
    again: float | None = None
    note: str = ""
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class Compared:
    """The findings, worst first, and everything that was seen to differ, whether or not a number did."""

    findings: tuple[Finding, ...]
    causes: tuple[Cause, ...]

    @property
    def reproduced(self) -> bool:
        """Whether everything is identical or within noise."""
        return bool(self.findings) and all(finding.status in GOOD for finding in self.findings)


def compare(
    logged: Iterable[CellRecord],
    again: Iterable[CellRecord],
    environments: tuple[Mapping[str, Any], Mapping[str, Any]],
    *,
    imported: frozenset[str] = frozenset(),
) -> Compared:
    """Compare the cells of a logged session with those that ran again.

    Args:
        logged: the recorded cells.
        again: the cells that ran again; others than the recorded ones are left out.
        environments: of the logged session and of the new one.
        imported: names of the packages that the team's code imports.
    """
    before, after = ({(c.experiment, c.cell): c for c in cells} for cells in (logged, again))
    own = {key: of_cells(cell, after[key]) for key, cell in before.items() if key in after}
    code = any(found.kind.endswith("code changed") for causes in own.values() for found in causes)
    around = of_sessions(*environments, imported=imported, code=code)
    read = {key: of_reads(before[key], after[key]) for key in own}
    findings = [
        replace(finding, causes=_causes(finding, own.get(key, ()), {*read.get(key, ()), *around}))
        for key, cell in before.items()
        for finding in _of_cell(cell, after.get(key), alike=not own.get(key, ()))
    ]
    every = {found for causes in (*_told_once(before, after, own), *read.values(), around) for found in causes}
    return Compared(tuple(sorted(findings, key=lambda f: STATUSES.index(f.status))), tuple(sorted(every)))


def _told_once(before: Cells, after: Cells, own: Mapping[Key, tuple[Cause, ...]]) -> Iterator[Iterable[Cause]]:
    """The causes of all cells, less changed files that the changed model or evaluator of another cell stands in."""
    files = {key: set(changed_sources(before[key], after[key])) for key in own}
    roles = [key for key, causes in own.items() if files[key] and all(found.kind != OTHER_CODE for found in causes)]
    told = {name for key in roles for name in files[key]}
    for key, causes in own.items():
        yield (found for found in causes if found.kind != OTHER_CODE or not files[key] <= told)


def _causes(finding: Finding, own: tuple[Cause, ...], around: Iterable[Cause]) -> tuple[Cause, ...]:
    if finding.status in GOOD:
        return ()
    return tuple(sorted((*own, *around))) or (cause(NOT_DETERMINISTIC, "the model or the data is not deterministic"),)


def _of_cell(logged: CellRecord, again: CellRecord | None, *, alike: bool) -> Iterator[Finding]:
    whole = Finding(logged.experiment, logged.cell, "", "missing", note="it did not run again")
    if again is None:
        yield whole
    elif again.error is not None and logged.error is not None:
        same = again.error == logged.error
        yield replace(whole, status="identical" if same else "failed", note=f"failed: {again.error}")
    elif again.error is not None:
        yield replace(whole, status="failed", note=again.error)
    elif logged.error is not None:
        yield replace(whole, status="failed", note=f"it failed when it was logged, not again: {logged.error}")
    else:
        for metric in {**logged.metrics, **again.metrics}:
            yield _of_metric(logged, again, metric, alike=alike)


def _of_metric(logged: CellRecord, again: CellRecord, metric: str, *, alike: bool) -> Finding:
    one, other = logged.metrics.get(metric), again.metrics.get(metric)
    means = one.mean if one else None, other.mean if other else None
    finding = Finding(logged.experiment, logged.cell, metric, "identical", *means)
    if one is None or other is None:
        return replace(finding, status="metric gone" if other is None else "metric new")
    trials = (logged.seeds, logged.splits) == (again.seeds, again.splits)
    limit = repeatability(logged, again, metric) if alike and trials else 0.0
    found = agree(one.values, other.values, limit=limit)
    if found == "identical":
        return finding
    if logged.timed or again.timed:
        return replace(finding, status="timing", note="its evaluator asks for timings: not compared")
    notes = {"rounding": "rounding", "within noise": f"limit {limit:.2g}, from the spread between seeds"}
    return replace(finding, status="different" if found == "different" else "within noise", note=notes.get(found, ""))
