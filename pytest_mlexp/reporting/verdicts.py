"""Verdicts for people: a table with the worst first, and the message that explains a failure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from textwrap import shorten
from typing import get_args

from pytest_mlexp.gates.timings import told_of_pace
from pytest_mlexp.numerals import change, digits, text
from pytest_mlexp.records import TestRecord
from pytest_mlexp.reporting.advice import Judged, advices
from pytest_mlexp.verdicts import Comparison, Status, Verdict

# Worst first, which is the order in which they are declared.
_ORDER = {status: number for number, status in enumerate(get_args(Status))}
_QUIET = ("inconclusive", "pass", "identical", "other_hardware", "skipped", "new")
_WIDEST = 120


def judged(tests: Iterable[TestRecord]) -> list[Judged]:
    """Every verdict once, with ``experiment: cell``, the worst first."""
    seen = {(f"{test.experiment}: {test.cell}", v.gate, v.against): v for test in tests for v in test.verdicts}
    pairs = [(where, verdict) for (where, _, _), verdict in seen.items()]
    return sorted(pairs, key=lambda pair: (bool(pair[1]), _ORDER[pair[1].status], _chance(pair[1]), pair[0]))


def verdict_rows(pairs: Sequence[Judged], *, quiet: bool = False) -> list[dict[str, str]]:
    """One row for each verdict, with or without those that are quiet: what was compared, and what was found.

    What was not compared for the same reason in several cells is one row, with their number.
    """
    return [_row(alike) for alike in _alike(pairs, quiet=quiet)]


def verdict_table(pairs: Sequence[Judged]) -> str:
    """Those rows as a terminal table; empty where there are none."""
    from tabulate import tabulate

    rows = verdict_rows(pairs)
    return tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True) if rows else ""


def quiet_lines(pairs: Sequence[Judged]) -> list[str]:
    """One line for each comparison that showed nothing, with the smallest loss that it could have shown.

    Where an anchor is judged as well, also with the smallest loss since then: what a slow slide must have come to.
    An anchor has a line of its own where the baseline has none, that of a cell in which nothing changed for instance.
    """
    quiet = [(where, v, v.comparison) for where, v in pairs if v.status == "inconclusive" and v]
    told = {(where, verdict.gate) for where, verdict, _ in quiet if verdict.against == "baseline"}
    slides = {
        (where, verdict.gate): f", slides from {text(verdict.comparison.visible)}"
        for where, verdict in pairs
        if verdict.against == "anchor" and verdict.comparison is not None
    }
    return [
        f"{verdict.status}  {where} {_metric(verdict)}  {_change(found)}, {_seen(found)}"
        f"{slides.get((where, verdict.gate), '') if verdict.against == 'baseline' else ''}{_paced(found)}"
        for where, verdict, found in quiet
        if found is not None and (verdict.against == "baseline" or (where, verdict.gate) not in told)
    ]


def counts(pairs: Sequence[Judged]) -> str:
    """How many verdicts failed, would fail if they did more than inform, and passed; of each status, worst first."""
    groups: dict[str, dict[str, int]] = {"failing": {}, "informing": {}, "passing": {}}
    for _, verdict in pairs:
        loud = "informing" if verdict else "failing"
        found = groups["passing" if replace(verdict, informs=False) else loud]
        found[verdict.status] = found.get(verdict.status, 0) + 1
    told = {
        group: ", ".join(f"{found[status]} {status}" for status in _ORDER if status in found)
        for group, found in groups.items()
    }
    return "; ".join(f"{group}: {which}" for group, which in told.items() if which)


def cost_of_correction(alpha: float, gates: int) -> str:
    """What it costs that several gates share one error rate, in terms of the smallest visible loss."""
    from scipy.stats import norm

    single, shared = (norm.isf(level) + norm.isf(0.2) for level in (alpha, alpha / gates))
    return (
        f"{gates} comparisons share an error rate of {100 * alpha:.3g}%: each fails below p {alpha / gates:.2g}; the "
        f"smallest visible loss is about {shared / single:.1f} times that of a single one"
    )


def message(experiment: str, cell: str, verdicts: Iterable[Verdict], *, baseline: str = "") -> str:
    """What failed of a cell, the worst first; what several gates say alike stands once, and so does each advice.

    ``baseline`` is what was asked for as such, if something was.
    """
    failed = sorted(verdicts, key=lambda verdict: (_ORDER[verdict.status], _chance(verdict)))
    alike: dict[object, list[Verdict]] = {}
    for number, verdict in enumerate(failed):
        key = (verdict.status, verdict.reason) if verdict.comparison is None else number
        alike.setdefault(key, []).append(verdict)
    lines = []
    for first, *others in alike.values():
        rules = ", ".join(f"'{verdict.gate}'" for verdict in (first, *others) if verdict.metric)
        gates = f"gate{'s' if others else ''} {rules} on " if rules else ""
        lines += [short(first), f"  {gates}{cell} of experiment {experiment!r}"]
        lines += [f"  {line}" for line in _explained(first, first.comparison)] if first.comparison else []
    return "\n".join([*lines, *(f"  next: {advice}" for advice in dict.fromkeys(advices(failed, baseline)))])


def short(verdict: Verdict) -> str:
    """The verdict in one line, short enough for pytest's summary."""
    status, found = verdict.status.upper().replace("_", " "), verdict.comparison
    if found is None:
        return f"{status} {verdict.reason}"
    form = digits(found.baseline, found.candidate, found.difference)
    since = " against the anchor" if verdict.against == "anchor" else ""
    moved = f"{found.baseline:{form}} -> {found.candidate:{form}}"
    if verdict.status == "breach":
        return f"{status} {verdict.reason}; accepted: {verdict.metric} {moved}"
    return f"{status} {verdict.metric} {moved} (margin {found.margin:.4g}){since}"


def _alike(pairs: Sequence[Judged], *, quiet: bool) -> Iterable[list[Judged]]:
    """The verdicts; together what has the same status and reason, where nothing was compared."""
    found: dict[object, list[Judged]] = {}
    for number, (where, verdict) in enumerate(pairs):
        if quiet or verdict.status not in _QUIET or not verdict:
            same = (verdict.status, verdict.informs, verdict.reason)
            found.setdefault(same if verdict.comparison is None else number, []).append((where, verdict))
    return found.values()


def _row(alike: Sequence[Judged]) -> dict[str, str]:
    _, first = alike[0]
    return {
        "verdict": f"{first.status}{' (informs)' if first.informs else ''}",
        "cell": _several([where for where, _ in alike], "cells"),
        "metric": _several([_metric(verdict) for _, verdict in alike], "metrics"),
        **_numbers(first),
    }


def _several(names: Iterable[str], what: str) -> str:
    """The only one of several names, or how many there are and the first."""
    first, *others = dict.fromkeys(filter(None, names)) or [""]
    return f"{len(others) + 1} {what}: {first}, ..." if others else first


def _metric(verdict: Verdict) -> str:
    told = {" (anchor)": verdict.against == "anchor", " (reused)": verdict.reused > 0}
    return verdict.metric + "".join(word for word, holds in told.items() if holds)


def _explained(verdict: Verdict, found: Comparison) -> list[str]:
    before, now = found.runs
    form = digits(found.baseline, found.candidate, found.difference)

    def between(interval: tuple[float, float]) -> str:
        return f"{interval[0]:{form}} to {interval[1]:{form}}"

    what = f"{found.examples} paired examples" if found.examples else "runs alone, no examples"
    lines = [
        f"{verdict.against:9} {found.baseline:{form}}  (95 %: {between(found.baseline_interval)}), {before} runs",
        f"candidate {found.candidate:{form}}  (95 %: {between(found.candidate_interval)}), {now} runs{_seeds(found)}",
        f"difference {found.difference:+{form}}  (95 %: {between(found.interval)}), margin {found.margin:.4g}, {what}",
        f"p {found.p:.2g}, fails below {found.limit:.2g}"
        + (f" ({found.gates} comparisons share the error rate)" if found.gates > 1 else ""),
        f"noise (standard error): {_sampled(found)}training {text(found.noise[1])}",
        *_no_training_noise(found),
        _seen(found) + ("" if found.blind else " (in 80 % of cases)"),
    ]
    if verdict.reused:
        lines.append(f"timings of {verdict.reused} of {now} runs are reused from an earlier session")
    if told := told_of_pace(found.pace):
        lines.append(told)
    if found.flips is not None:
        lines.append(f"{found.flips[0]} examples went from right to wrong, {found.flips[1]} from wrong to right")
    return lines


def _paced(found: Comparison) -> str:
    return f" ({told})" if (told := told_of_pace(found.pace)) else ""


def _sampled(found: Comparison) -> str:
    """The noise beside that of runs: of the examples, or of the machine that took timings."""
    if found.examples:
        return f"examples {text(found.noise[0])}, "
    return f"machine {text(found.noise[0])}, " if found.noise[0] else ""


def _no_training_noise(found: Comparison) -> list[str]:
    if found.noise[1] > 0 or (found.noise[0] > 0 and not found.examples):
        return []
    if max(found.runs) == 1:
        return ["training 0.0000: one run on each side cannot show it; --mlexp-accept or more seeds= can"]
    if len(set(found.values)) > 1:
        return ["training 0.0000: the runs differ no more than the chance in their examples explains"]
    return [
        "training 0.0000: no spread between runs: right for a model without randomness; suspicious where the factory",
        "  takes `seed`: see that it passes it on",
    ]


def _seen(found: Comparison) -> str:
    return f"THIS GATE CAN SHOW NO LOSS: {found.blind}" if found.blind else f"sees losses from {text(found.visible)}"


def _numbers(verdict: Verdict) -> dict[str, str]:
    """The columns of numbers; what was not compared has its reason there instead."""
    if (found := verdict.comparison) is None:
        return {"change": shorten(verdict.reason, _WIDEST, placeholder=" ..."), "p": "", "sees losses from": ""}
    return {"change": _change(found), "p": f"{found.p:.2g}", "sees losses from": text(found.visible)}


def _change(found: Comparison) -> str:
    return change(found.baseline, found.candidate, found.difference)


def _seeds(found: Comparison) -> str:
    return f", seeds {', '.join(map(str, found.seeds))}" if found.seeds else ""


def _chance(verdict: Verdict) -> float:
    return verdict.comparison.p if verdict.comparison else 0.0
