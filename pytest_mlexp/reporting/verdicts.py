"""Verdicts for people: a table with the worst first, and the block that explains a failure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from pytest_mlexp.numerals import change, digits, text
from pytest_mlexp.records import TestRecord
from pytest_mlexp.verdicts import Comparison, Status, Verdict

# Worst first, which is the order in which they are declared.
_ORDER = {status: number for number, status in enumerate(get_args(Status))}
_QUIET = ("inconclusive", "pass", "identical", "other_hardware")
_NEXT = {
    "regressed": "find what changed, or accept the loss in a reviewed commit with",
    "not_comparable": "if the change is meant, accept it in a reviewed commit with",
    "loosened": "if the change is meant, accept it in a reviewed commit with",
    "new": "accept the cell in a reviewed commit with",
    "vanished": "declare it again, or take it out in a reviewed commit with",
    "not_finite": "look at the predictions: nothing can be accepted that is not finite",
    "missing": "let an evaluator give the metric, or take the gate away",
    "breach": "the bound stands in the code, on the gate",
    "inconclusive": "test on more examples, declare more seeds, or let the gate pass what shows nothing",
}
_OF_ANCHOR = "find what changed, or say in a reviewed commit that the margin was reviewed and this loss is meant, with"
Judged = tuple[str, Verdict]


def judged(tests: Iterable[TestRecord]) -> list[Judged]:
    """Every verdict once, with ``experiment: cell``, the worst first."""
    seen = {(f"{test.experiment}: {test.cell}", v.gate, v.against): v for test in tests for v in test.verdicts}
    pairs = [(where, verdict) for (where, _, _), verdict in seen.items()]
    return sorted(pairs, key=lambda pair: (bool(pair[1]), _ORDER[pair[1].status], _chance(pair[1]), pair[0]))


def verdict_table(pairs: Sequence[Judged]) -> str:
    """One line for each verdict that is not quiet: what was compared, and what was found."""
    from tabulate import tabulate

    rows = [
        {
            "verdict": f"{verdict.status}{' (informs)' if verdict.informs else ''}",
            "cell": where,
            "metric": verdict.metric + (" (anchor)" if verdict.against == "anchor" else ""),
            **_numbers(verdict.comparison),
        }
        for where, verdict in pairs
        if verdict.status not in _QUIET or not verdict
    ]
    return tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True) if rows else ""


def quiet_lines(pairs: Sequence[Judged]) -> list[str]:
    """One line for each comparison that showed nothing, with the smallest loss that it could have shown.

    Where an anchor is judged as well, also with the smallest loss since then: what a slow slide must have come to.
    """
    slides = {
        (where, verdict.gate): f", slides from {text(verdict.comparison.visible)}"
        for where, verdict in pairs
        if verdict.against == "anchor" and verdict.comparison is not None
    }
    return [
        f"{verdict.status}  {where} {verdict.metric}  {_change(found)}, sees losses from {text(found.visible)}"
        f"{slides.get((where, verdict.gate), '')}"
        for where, verdict in pairs
        if verdict.status == "inconclusive" and verdict and verdict.against == "baseline"
        for found in [verdict.comparison]
        if found is not None
    ]


def counts(pairs: Sequence[Judged]) -> str:
    """How many verdicts of each status there are, the worst first."""
    found: dict[str, int] = {}
    for _, verdict in pairs:
        found[verdict.status] = found.get(verdict.status, 0) + 1
    return ", ".join(f"{found[status]} {status}" for status in _ORDER if status in found)


def cost_of_correction(alpha: float, gates: int) -> str:
    """What it costs that several gates share one error rate, in terms of the smallest visible loss."""
    from scipy.stats import norm

    single, shared = (norm.isf(level) + norm.isf(0.2) for level in (alpha, alpha / gates))
    return (
        f"{gates} comparisons share an error rate of {alpha:.0%}: each fails below p {alpha / gates:.2g}; the smallest "
        f"visible loss is about {shared / single:.1f} times that of a single one"
    )


def failure(experiment: str, cell: str, verdict: Verdict) -> str:
    """The block that explains one failed gate."""
    title = verdict.status.upper().replace("_", " ")
    lines = [f"{title}  gate '{verdict.gate}' on {cell} of experiment {experiment!r}", f"  {verdict.reason}"]
    if verdict.comparison is not None:
        lines += [f"  {line}" for line in _explained(verdict, verdict.comparison)]
    slid = verdict.status == "regressed" and verdict.against == "anchor"  # accepting alone leaves the anchor as it is
    if advice := _OF_ANCHOR if slid else _NEXT.get(verdict.status):
        selection = " and ".join(cell.split("="))  # -k takes no "="
        options = "--mlexp-accept --mlexp-reset-anchors" if slid else "--mlexp-accept"
        command = f" pytest {options} -k '{selection}'" if advice.endswith("with") else ""
        lines.append(f"  next: {advice}{command}")
    return "\n".join(lines)


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
        f"p {found.p:.2g}, fails below {found.limit:.2g} ({found.gates} comparisons share the error rate)",
        f"noise (standard error): examples {text(found.noise[0])}, training {text(found.noise[1])}",
        *_no_training_noise(found),
        f"sees losses from {text(found.visible)} (in 80 % of cases)",
    ]
    if found.flips is not None:
        lines.append(f"{found.flips[0]} examples went from right to wrong, {found.flips[1]} from wrong to right")
    return lines


def _no_training_noise(found: Comparison) -> list[str]:
    if found.noise[1] > 0:
        return []
    if max(found.runs) == 1:
        return ["training 0.0000: one run on each side cannot show it; --mlexp-accept or more seeds= can"]
    if len(set(found.values)) > 1:
        return ["training 0.0000: the runs differ, by no more than chance in their examples explains"]
    return [
        "training 0.0000: no spread between runs: right for a model without randomness; suspicious where the factory",
        "  takes `seed`: see that it passes it on",
    ]


def _numbers(found: Comparison | None) -> dict[str, str]:
    if found is None:
        return {"change": "", "p": "", "sees": ""}
    return {"change": _change(found), "p": f"{found.p:.2g}", "sees": text(found.visible)}


def _change(found: Comparison) -> str:
    return change(found.baseline, found.candidate, found.difference)


def _seeds(found: Comparison) -> str:
    return f", seeds {', '.join(map(str, found.seeds))}" if found.seeds else ""


def _chance(verdict: Verdict) -> float:
    return verdict.comparison.p if verdict.comparison else 0.0
