"""What to do about verdicts: advice beside each, and commands for all cells that they are for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from pytest_mlexp.gates.timings import told_of_pace
from pytest_mlexp.records import TestRecord
from pytest_mlexp.verdicts import UNACCEPTABLE, Verdict

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
_AS_BUSY = "take the timings when the machine is as idle as it was when they were accepted (--mlexp-fresh)"
_ACCEPTED = ("regressed", "not_comparable", "loosened", "new", "vanished")  # what a reviewed commit may change
_MEANT_LOSS = "or say that the margin was reviewed and this loss is meant"
_OF_ANCHOR = f"find what changed, {_MEANT_LOSS}"
_STAYS_RED = "a loss stays red against the anchor; to accept it for good: --mlexp-accept --mlexp-reset-anchors"
_MOST_NAMED = 4
_FIRST_NAMED = 3  # where there are more, and no words choose them
_WORD = re.compile(r"(?!(and|or|not)$)[\w.+]+")  # as -k takes one
_MEANT = "accept what is meant of {cells} in a reviewed commit"
_RESET = "accept for good what {cells} lost since the anchor"
_FIRST = "accept what is new of {cells} (until then its margins hold nothing)"
_KEEP = "to keep what {cells} gained"
_ANEW = "take anew the timings of {cells}, which an earlier session took"
_STEPS = {
    _ANEW: "--mlexp --mlexp-fresh",
    _MEANT: "--mlexp-accept",
    _RESET: "--mlexp-accept --mlexp-reset-anchors",
    _FIRST: "--mlexp-accept",
    _KEEP: "--mlexp-accept",
}
_ACCEPTING = {option for option in _STEPS.values() if "--mlexp-accept" in option}
_MLFLOW = "mlflow:"
Judged = tuple[str, Verdict]


def next_steps(
    pairs: Sequence[Judged], nodes: Mapping[str, Sequence[str]], *, baseline: str = "", is_all: bool = False
) -> list[str]:
    """What to do about these verdicts: one line with a command for all cells that it is for, and for no other.

    Many cells are named by nothing where they are all that there is, else by words that they alone have; where nothing
    is known of other tests, or there are no such words, the command is for the first ones and says so.

    Args:
        pairs: every verdict, with its cell.
        nodes: the ids of each cell's tests; what has none is no test that could be named, but has a keyword.
        baseline: what was asked for as such, if something was.
        is_all: whether pytest chooses the same tests where it is told none.
    """
    every = {*nodes, *(where for where, _ in pairs)} if is_all else set()
    lossy = {where for where, verdict in pairs if verdict.status == "regressed"}
    found: dict[tuple[str, bool], list[str]] = {}
    for where, verdict in _acceptable(pairs):
        found.setdefault((_step(verdict), where in nodes), []).append(where)
    lines = []
    for step, option in _STEPS.items():
        for has_nodes in (True, False):
            if cells := list(dict.fromkeys(found.get((step, has_nodes), ()))):
                count = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
                chosen, told = _chosen(cells, nodes if has_nodes else {}, every)
                told += [_STAYS_RED] if step == _MEANT and lossy & set(cells) else []
                command = " ".join(["pytest", option, *_judged_against(baseline, option), *chosen])
                lines.append(f"next: {step.format(cells=count)}: {command}{'  # ' if told else ''}{'; '.join(told)}")
    return lines


def _chosen(
    cells: Sequence[str], nodes: Mapping[str, Sequence[str]], every: AbstractSet[str]
) -> tuple[list[str], list[str]]:
    """The arguments that choose cells, and what is to be said of them; ``every`` is empty where others may be there."""
    name = partial(_by_node, nodes=nodes) if nodes else _by_keyword
    if len(cells) <= _MOST_NAMED:
        return [name(cells)], []
    if every == set(cells):
        return [], []
    if nodes and every and (words := _words(cells, nodes, every - set(cells))):
        return [f"-k {shlex.quote(words)}"], []
    return [name(cells[:_FIRST_NAMED])], [f"the first {_FIRST_NAMED} of {len(cells)}; -k chooses more at once"]


def _words(cells: Sequence[str], nodes: Mapping[str, Sequence[str]], others: AbstractSet[str]) -> str:
    """The fewest parts of ids, for ``-k``, that all tests of these cells have and no other one; empty without such."""
    wanted = [node.lower() for where in cells for node in nodes[where]]
    rest = [node.lower() for where in others for node in nodes.get(where, (where,))]

    def choose(words: Iterable[str], ids: Iterable[str]) -> list[str]:
        return [one for one in ids if all(word.lower() in one for word in words)]

    parts = [part for part in cells[0].rpartition(": ")[2].split("-") if _WORD.fullmatch(part)]
    words = [part for part in parts if choose([part], wanted) == wanted]
    for word in tuple(words):
        fewer = [other for other in words if other != word]
        words = words if choose(fewer, rest) else fewer
    return "" if choose(words, rest) else " and ".join(words)


def _judged_against(baseline: str, option: str) -> list[str]:
    """The option that names the baseline, where the session had one and its next step can have it too."""
    can_be_named = baseline and not (option in _ACCEPTING and baseline.startswith(_MLFLOW))
    return [shlex.quote(f"--mlexp-baseline={baseline}")] if can_be_named else []


def nodes_of(tests: Iterable[TestRecord]) -> dict[str, tuple[str, ...]]:
    """The ids of the tests of each ``experiment: cell``."""
    found: dict[str, dict[str, None]] = {}
    for test in tests:
        if test.node:
            found.setdefault(f"{test.experiment}: {test.cell}", {})[test.node] = None
    return {where: tuple(nodes) for where, nodes in found.items()}


def of_a_run(baseline: str) -> str:
    """How something is accepted where the baseline was read from MLflow, which no acceptance writes to."""
    if not baseline.startswith(_MLFLOW):
        return ""
    return f"without --mlexp-baseline={baseline}, into the lock file; then name the run that accepted instead"


def advices(failed: Sequence[Verdict], baseline: str) -> Iterator[str]:
    """What to do about each; nothing is to be accepted where that would be refused, nor before a slide is."""
    refused, slid = any(map(_is_refused, failed)), any(map(_slid, failed))
    option = "--mlexp-accept --mlexp-reset-anchors" if slid else "--mlexp-accept"
    how = "; ".join(filter(None, (option, of_a_run(baseline))))
    if any(verdict.reused for verdict in failed):
        yield "take the timings anew, for an earlier session took those that were judged (--mlexp-fresh)"
    for verdict in failed:
        can_be_accepted = verdict.status in _ACCEPTED or _slid(verdict)
        if not can_be_accepted:
            yield _AS_BUSY if _is_paced(verdict) else _NEXT[verdict.status]
        elif not refused:
            advice = _OF_ANCHOR if slid and verdict.status == "regressed" else _NEXT[verdict.status]
            meant = f"; {_MEANT_LOSS}" if verdict.status == "inconclusive" else ""
            stays = f"; {_STAYS_RED}" if verdict.status == "regressed" and not slid else ""
            yield f"{advice}{meant} in a reviewed commit ({how}{stays})"


def _acceptable(pairs: Sequence[Judged]) -> list[Judged]:
    """The verdicts that accepting can answer: none of a cell that is refused, of one that slid those of the slide."""
    refused = {where for where, verdict in pairs if _is_refused(verdict)}
    slid = {where for where, verdict in pairs if _slid(verdict)}
    able = {where for where, _ in pairs} - refused
    return [(w, v) for w, v in pairs if _step(v) == _ANEW or (w in able and (w not in slid or _slid(v)))]


def _step(verdict: Verdict) -> str:
    if verdict.reused and (verdict.status in ("regressed", "breach", "improved") or not verdict):
        return _ANEW
    if verdict.informs or (verdict.status not in (*_ACCEPTED, "improved") and not _slid(verdict)):
        return ""
    return {"new": _FIRST, "improved": _KEEP}.get(verdict.status, _RESET if _slid(verdict) else _MEANT)


def _by_node(cells: Iterable[str], nodes: Mapping[str, Sequence[str]]) -> str:
    return shlex.join(node for where in cells for node in nodes[where])


def _by_keyword(cells: Iterable[str]) -> str:
    return f"-k '{' or '.join('[' + where.rpartition(': ')[2] + ']' for where in cells)}'"


def _is_paced(verdict: Verdict) -> bool:
    """Whether what it could not show may be the machine's."""
    return verdict.status == "inconclusive" and bool(verdict.comparison and told_of_pace(verdict.comparison.pace))


def _is_refused(verdict: Verdict) -> bool:
    """Whether its cell cannot be accepted as it is."""
    return verdict.status in UNACCEPTABLE and not verdict


def _slid(verdict: Verdict) -> bool:
    """Whether it fails against the anchor, which accepting alone leaves as it is."""
    return verdict.status in ("regressed", "inconclusive") and verdict.against == "anchor" and not verdict
