"""The gate's rule on scores that are there already: what a session does with a cell, without training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from gate_pools import Pool

from pytest_mlexp.gates.comparing import CONFIRM, SCREEN, Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.screening import is_suspicious
from pytest_mlexp.gates.statistics import Side, compare
from pytest_mlexp.verdicts import Verdict

RUNS = 5
LOOKS = [1 + CONFIRM * number for number in range(len(SCREEN) + 1)]
Scores = npt.NDArray[np.float64]
Locked = tuple[Accepted, Scores]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A cell in one session: runs of the baseline, and the runs that a candidate would have if asked for all."""

    baseline: Scores
    candidate: Scores

    def worse(self, drop: float, rng: np.random.Generator) -> Drawn | None:
        """The same with a true drop; None where too few rows can be lost.

        Each row that every run had right is lost by chance, as the rows of a test set are: ``drop`` is what
        would be lost on infinitely many.
        """
        right = self.candidate.all(axis=0)
        chance = drop / max(right.mean(), 1e-9)
        if chance > 1:
            return None
        lost = right & (rng.random(right.size) < chance)
        return Drawn(self.baseline, np.where(lost, 0.0, self.candidate))


def draw(pool: Pool, rng: np.random.Generator, runs: int = LOOKS[-1]) -> Drawn:
    seeds = rng.permutation(len(pool.right))[: RUNS + runs]
    scores = pool.right[seeds].astype(float)
    return Drawn(scores[:RUNS], scores[RUNS:])


def accepted(scores: Scores) -> Locked:
    """Runs as the lock holds them."""
    side = table(scores).side
    assert side.mean is not None
    found = Accepted(side.value, float(side.runs.std()), tuple(side.runs.tolist()), "examples", "", side.residual)
    return found, side.mean


def table(scores: Scores) -> Contributions:
    return Contributions("examples", scores.mean(axis=1), tuple(range(len(scores))), scores)


def look(baseline: Locked, candidate: Scores, gate: Gate, terms: Terms, later: Locked | None = None) -> Verdict:
    return against(gate, gate.metric, table(candidate), (*baseline, True), terms, later=later)


def is_quiet(drawn: Drawn) -> bool:
    """Whether the first look is the last."""
    return compare(Side.of(drawn.baseline), Side.of(drawn.candidate[: LOOKS[0]])).p >= SCREEN[0]


def judge(baseline: Locked, candidate: Scores, gate: Gate, terms: Terms, later: Locked | None = None) -> Verdict:
    """All the looks that a session would take; ``later`` is what was accepted after an anchor."""
    verdict = look(baseline, candidate[: terms.first], gate, terms, later)
    for number, level in enumerate(SCREEN):
        if not is_suspicious(verdict, level, whole=number > 0):
            return verdict
        verdict = look(baseline, candidate[: terms.first + CONFIRM * (number + 1)], gate, terms, later)
    return verdict
