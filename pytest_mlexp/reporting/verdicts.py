"""Verdicts for people: a table with the worst first, and the message that explains a failure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import shorten
from typing import get_args

from pytest_mlexp.numerals import change, digits, text
from pytest_mlexp.records import TestRecord
from pytest_mlexp.verdicts import UNACCEPTABLE, Comparison, Status, Verdict

# Worst first, which is the order in which they are declared.
_ORDER = {status: number for number, status in enumerate(get_args(Status))}
_QUIET = ("inconclusive", "pass", "identical", "other_hardware", "skipped", "new")
_NEXT = {
    "regressed": "find what changed, or accept the loss",
    "not_comparable": "if the change is meant, accept it",
    "loosened": "if the change is meant, accept it",
    "new": "accept the cell",
    "vanished": "declare it again, or take it out",
    "not_finite": "look at the predictions: nothing can be accepted that is not finite",
    "missing": "let an evaluator give the metric, or take the gate away",
    "breach": "mend the model, or change the bound in the code: --mlexp-accept accepts no number beyond it",
    "other_hardware": "judge it on the hardware that it was accepted on, or let the gate inform alone (primary=False)",
    "skipped": "run it where its device is, or let the gate pass what shows nothing",
    "inconclusive": "test on more examples, declare more seeds, or let the gate pass what shows nothing",
}
_ACCEPTED = ("regressed", "not_comparable", "loosened", "new", "vanished")  # what a reviewed commit may change
_MEANT_LOSS = "or say that the margin was reviewed and this loss is meant"
_OF_ANCHOR = f"find what changed, {_MEANT_LOSS}"
_MOST_CHOSEN = 8
_WIDEST = 80
_MEANT = "accept what is meant of {cells} in a reviewed commit"
_RESET = "accept for good what {cells} lost since the anchor"
_FIRST = "accept {cells} for the first time (until then margins hold nothing)"
_KEEP = "to keep what {cells} gained"
_ANEW = "take anew the timings of {cells}, which an earlier session took"
_STEPS = {
    _ANEW: "--mlexp-fresh",
    _MEANT: "--mlexp-accept",
    _RESET: "--mlexp-accept --mlexp-reset-anchors",
    _FIRST: "--mlexp-accept",
    _KEEP: "--mlexp-accept",
}
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
            "metric": verdict.metric
            + (" (anchor)" if verdict.against == "anchor" else "")
            + (" (reused)" if verdict.reused else ""),
            **_numbers(verdict),
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
        f"{verdict.status}  {where} {verdict.metric}  {_change(found)}, {_seen(found)}"
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
    return "\n".join([*lines, *(f"  next: {advice}" for advice in dict.fromkeys(_advices(failed, baseline)))])


def next_steps(pairs: Sequence[Judged], nodes: Mapping[str, Sequence[str]]) -> list[str]:
    """What to do about these verdicts: one line with a command for all cells that it is for, and for no other.

    ``nodes`` are the ids of each cell's tests; what has none is no test that could be named, but has a keyword.
    """
    found: dict[tuple[str, bool], list[str]] = {}
    for where, verdict in _acceptable(pairs):
        found.setdefault((_step(verdict), where in nodes), []).append(where)
    lines = []
    for step, option in _STEPS.items():
        for has_nodes in (True, False):
            if cells := list(dict.fromkeys(found.get((step, has_nodes), ()))):
                count = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
                chosen = _by_node(cells, nodes) if has_nodes else _by_keyword(cells)
                choice = chosen if len(cells) <= _MOST_CHOSEN else "(the ids of tests choose cells)"
                lines.append(f"next: {step.format(cells=count)}: pytest {option} {choice}")
    return lines


def nodes_of(tests: Iterable[TestRecord]) -> dict[str, tuple[str, ...]]:
    """The ids of the tests of each ``experiment: cell``."""
    found: dict[str, dict[str, None]] = {}
    for test in tests:
        if test.node:
            found.setdefault(f"{test.experiment}: {test.cell}", {})[test.node] = None
    return {where: tuple(nodes) for where, nodes in found.items()}


def _by_node(cells: Iterable[str], nodes: Mapping[str, Sequence[str]]) -> str:
    return shlex.join(node for where in cells for node in nodes[where])


def _by_keyword(cells: Iterable[str]) -> str:
    return f"-k '{' or '.join('[' + where.rpartition(': ')[2] + ']' for where in cells)}'"


def _step(verdict: Verdict) -> str:
    if verdict.reused and (verdict.status in ("regressed", "breach", "improved") or not verdict):
        return _ANEW
    if verdict.informs or (verdict.status not in (*_ACCEPTED, "improved") and not _slid(verdict)):
        return ""
    return {"new": _FIRST, "improved": _KEEP}.get(verdict.status, _RESET if _slid(verdict) else _MEANT)


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


def of_a_run(baseline: str) -> str:
    """How something is accepted where the baseline was read from MLflow, which no acceptance writes to."""
    if not baseline.startswith("mlflow:"):
        return ""
    return f"without --mlexp-baseline={baseline}, into the lock file; then name the run that accepted instead"


def _acceptable(pairs: Sequence[Judged]) -> list[Judged]:
    """The verdicts that accepting can answer: none of a cell that is refused, of one that slid those of the slide."""
    refused = {where for where, verdict in pairs if _is_refused(verdict)}
    slid = {where for where, verdict in pairs if _slid(verdict)}
    able = {where for where, _ in pairs} - refused
    return [(w, v) for w, v in pairs if _step(v) == _ANEW or (w in able and (w not in slid or _slid(v)))]


def _advices(failed: Sequence[Verdict], baseline: str) -> Iterator[str]:
    """What to do about each; nothing is to be accepted where that would be refused, nor before a slide is."""
    refused, slid = any(map(_is_refused, failed)), any(map(_slid, failed))
    option = "--mlexp-accept --mlexp-reset-anchors" if slid else "--mlexp-accept"
    how = "; ".join(filter(None, (option, of_a_run(baseline))))
    if any(verdict.reused for verdict in failed):
        yield "take the timings anew, for an earlier session took those that were judged (--mlexp-fresh)"
    for verdict in failed:
        can_be_accepted = verdict.status in _ACCEPTED or _slid(verdict)
        if not can_be_accepted:
            yield _NEXT[verdict.status]
        elif not refused:
            advice = _OF_ANCHOR if slid and verdict.status == "regressed" else _NEXT[verdict.status]
            meant = f"; {_MEANT_LOSS}" if verdict.status == "inconclusive" else ""
            yield f"{advice}{meant} in a reviewed commit ({how})"


def _is_refused(verdict: Verdict) -> bool:
    """Whether its cell cannot be accepted as it is."""
    return verdict.status in UNACCEPTABLE and not verdict


def _slid(verdict: Verdict) -> bool:
    """Whether it fails against the anchor, which accepting alone leaves as it is."""
    return verdict.status in ("regressed", "inconclusive") and verdict.against == "anchor" and not verdict


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
    if found.flips is not None:
        lines.append(f"{found.flips[0]} examples went from right to wrong, {found.flips[1]} from wrong to right")
    return lines


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
