"""Trials of a cell -> the contributions of its gated metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.errors import DataError
from pytest_mlexp.evaluation import Available, evaluate
from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.execution.seeding import seeded
from pytest_mlexp.gates import influence
from pytest_mlexp.gates.contributions import Contributions, Tested, tabulate
from pytest_mlexp.gates.rules import OPERATIONAL, SPEED, WAITED, Gate
from pytest_mlexp.matrix import Cell, Trial
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import Evaluation

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.blocks.splitting import Split

BLOCKS = 20
# Requests whose answer does not shrink with the rows: a metric that asks for them cannot be called on a part.
_WHOLE = ("model", "dataset")
_FEW_ROWS = 20  # of fewer, slices of single rows may be meant


@dataclass(frozen=True, eq=False)
class Seen:
    """One trial of a cell as its evaluator saw it, or as it would have seen some of its rows."""

    cell: Cell
    trial: Trial
    outcome: Outcome
    dataset: Dataset
    split: Split
    evaluation: Evaluation

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """The rows of the dataset that were tested on."""
        return self.split.test

    def some(self, chosen: npt.NDArray[np.intp]) -> Seen:
        """The trial with only these of its rows, evaluated anew."""
        responses = {name: take(answer, chosen) for name, answer in self.outcome.responses.items()}
        return self._again(replace(self.outcome, responses=responses), replace(self.split, test=self.rows[chosen]))

    def slower(self, deviations: float) -> Seen:
        """The trial on a machine slower by this many standard deviations of its noise, evaluated anew."""
        seconds = {
            name: getattr(self.outcome, name) * (1 + deviations * SPEED) + deviations * WAITED for name in OPERATIONAL
        }
        return self._again(replace(self.outcome, **seconds), self.split)

    def _again(self, outcome: Outcome, split: Split) -> Seen:
        with seeded(self.trial.seed):
            evaluation = self.cell.evaluator(Available(self.cell, outcome, self.dataset, split))
        return replace(self, outcome=outcome, split=split, evaluation=evaluation)


def see(cell: Cell, trial: Trial, outcome: Outcome, dataset: Dataset) -> Seen:
    """Evaluate one trial, and keep what it was evaluated on."""
    __tracebackhide__ = True
    evaluation = evaluate(cell, trial, outcome, dataset)
    return Seen(cell, trial, outcome, dataset, dataset.split(trial.split), evaluation)


def measure(seen: Sequence[Seen]) -> tuple[dict[str, Contributions], tuple[str, ...]]:
    """The contributions of every metric that a gate of the cell compares or slices, and why some are missing.

    Those of a slice are named ``metric[column=label]``. An evaluator that raises on a slice leaves out all of
    the gate's, so that the gate fails and the numbers of the cell are kept.
    """
    found: dict[str, Contributions] = {}
    missing: list[str] = []
    for gate in seen[0].cell.gates:
        try:
            found |= _of_gate(gate, seen)
        except Exception as error:  # noqa: BLE001 - the team's code is called on parts it may not know
            missing.append(f"gate '{gate}' could not be measured: {type(error).__qualname__}: {error}")
    return found, tuple(missing)


def _of_gate(gate: Gate, seen: Sequence[Seen]) -> dict[str, Contributions]:
    if gate.metric in OPERATIONAL:
        return {gate.metric: _timing(gate.metric, seen)}
    if gate.slices is None:
        return {gate.metric: _metric(gate.metric, seen)} if gate.compares else {}
    found = {}
    for label, rows in _slices(seen[0].dataset, gate.slices):
        parts = [s.some(np.flatnonzero(inside)) for s in seen if (inside := rows[s.rows]).any()]
        if parts:
            found[f"{gate.metric}[{gate.slices}={label}]"] = _metric(gate.metric, parts)
    return found


def check_slices(cell: Cell, dataset: Dataset) -> None:
    """Refuse a gate that slices by a column that is not there, or hardly has two rows alike, before anything is fitted.

    Asked for are the gates on any cell of the same dataset: its first one is fitted for them all.

    Raises:
        DataError: names the gate, the column and the candidates.
    """
    for gate in cell.experiment.gates:
        if gate.slices is None or not cell.shares_dataset_with(gate):
            continue
        values, slices = np.asarray(_column(dataset, gate.slices)), 0
        if len(values) >= _FEW_ROWS and 2 * (slices := len(set(map(str, values.tolist())))) > len(values):
            raise DataError(
                f"the gate '{gate}' slices dataset {dataset.name!r} by {gate.slices!r}, which has {slices} values in "
                f"{len(values)} rows: less than two rows each tell nothing; slice by a column of few values, as bins"
            )


def _metric(metric: str, seen: Sequence[Seen]) -> Contributions:
    dataset = seen[0].dataset
    if any(_is_timing(metric, one) for one in seen):
        return _of_this_machine(_by_run(metric, seen), seen)
    exact = _by_example(metric, seen)
    if None not in exact:
        return tabulate("examples", _whole(exact), examples=dataset.examples, groups=dataset.groups)
    blocks = _blocks(dataset)
    jackknifed = [_by_block(metric, one, blocks) for one in seen] if _can_be_called_on_rows(seen[0].cell) else [None]
    if None not in jackknifed:
        return tabulate("blocks", _whole(jackknifed), examples=np.arange(BLOCKS))
    return _by_run(metric, seen)


def _is_timing(metric: str, seen: Seen) -> bool:
    """Whether a slower machine alone gives another value; one that differs at every call says nothing of that."""
    if "timings" not in _requests(seen.cell):
        return False
    try:
        same, slower = (seen.slower(deviations).evaluation[metric] for deviations in (0.0, 1.0))
    except Exception:  # noqa: BLE001 - it was evaluated on its own timings: what it makes of others is no fault
        return False
    return same == seen.evaluation[metric] != slower


def _by_run(metric: str, seen: Sequence[Seen]) -> Contributions:
    values = [Tested(one.trial.seed, one.rows, one.evaluation[metric]) for one in seen]
    return tabulate("runs", values, examples=seen[0].dataset.examples)


def _whole(tested: Sequence[Tested | None]) -> list[Tested]:
    return [one for one in tested if one is not None]


def _by_example(metric: str, seen: Sequence[Seen]) -> list[Tested | None]:
    """Each run by example, all of them in the same way."""
    values = [one.evaluation[metric] for one in seen]
    scores = [one.evaluation.scores.get(metric) for one in seen]
    if all(s is not None and _is_mean(s, value) for s, value in zip(scores, values, strict=True)):
        vectors = [s for s in scores if s is not None]
    else:
        vectors = _reduced(metric, seen, values) or []
    if not vectors:
        return [None]
    return [Tested(o.trial.seed, o.rows, v, c) for o, v, c in zip(seen, values, vectors, strict=True)]


def _is_mean(scores: npt.NDArray[np.float64], value: float) -> bool:
    return bool(np.isclose(scores.mean(), value, rtol=1e-9, atol=1e-12))


def _reduced(metric: str, seen: Sequence[Seen], values: Sequence[float]) -> list[npt.NDArray[np.float64]] | None:
    evaluator = seen[0].cell.evaluator
    runs = list(zip(map(_answers, seen), values, strict=True))
    names = dict.fromkeys((metric, getattr(evaluator.function, "__name__", metric)))
    found = (influence.of_runs(name, runs, average=evaluator.average) for name in names)
    return next((vectors for vectors in found if vectors is not None), None)


def _answers(seen: Seen) -> influence.Answers:
    given = seen.outcome.responses
    proba, score = given.get("predict_proba"), given.get("decision_function")
    if proba is not None and np.ndim(proba) == 2 and np.shape(proba)[1] == 2:
        score = np.asarray(proba)[:, 1]
    weights = seen.dataset.sample_weight if "sample_weight" in _requests(seen.cell) else None
    truth, weights = (None if column is None else take(column, seen.rows) for column in (seen.dataset.y, weights))
    return influence.Answers(truth, given.get("predict"), proba, score, weights, seen.outcome.classes)


def _by_block(metric: str, seen: Seen, blocks: npt.NDArray[np.intp]) -> Tested | None:
    """Pseudo-values of the block jackknife (Efron and Tibshirani, 1993, chapter 11), with the metric as their mean."""
    own, value = blocks[seen.rows], seen.evaluation[metric]
    present = np.unique(own)
    if present.size < 2:  # a fold of one group: all of it is that block's
        return Tested(seen.trial.seed, present, value, np.array([value]))
    try:
        without = np.array([seen.some(np.flatnonzero(own != b)).evaluation[metric] for b in present])
    except Exception:  # noqa: BLE001 - a metric may be undefined on a part in whatever way; its runs still count
        return None
    pseudo = value - (present.size - 1) * (without - without.mean())
    return Tested(seen.trial.seed, present, value, pseudo)


def _blocks(dataset: Dataset) -> npt.NDArray[np.intp]:
    """The block of each row: by a digest of its identity or of its group, so that it depends on nothing else."""
    labels = dataset.examples.tolist() if dataset.groups is None else np.asarray(dataset.groups).tolist()
    digests = {label: hashlib.blake2b(repr(label).encode(), digest_size=8).digest() for label in set(labels)}
    rank = {label: number for number, label in enumerate(sorted(digests, key=lambda label: digests[label]))}
    return np.array([rank[label] * BLOCKS // len(rank) for label in labels], dtype=np.intp)


def _can_be_called_on_rows(cell: Cell) -> bool:
    return not set(_requests(cell)) & set(_WHOLE)


def _requests(cell: Cell) -> tuple[str, ...]:
    return (*cell.evaluator.requests, *cell.evaluator.optional)


def _timing(name: str, seen: Sequence[Seen]) -> Contributions:
    values = [Tested(one.trial.seed, one.rows, float(getattr(one.outcome, name))) for one in seen]
    return _of_this_machine(tabulate("runs", values, examples=seen[0].dataset.examples), seen)


def _of_this_machine(found: Contributions, seen: Sequence[Seen]) -> Contributions:
    from pytest_mlexp.tracking.machine import hardware

    taken = [[one.outcome.pace for one in seen if one.trial.seed == seed] for seed in found.seeds]
    pace = tuple(float(np.median(of_run)) for of_run in taken) if all(map(all, taken)) else ()
    return replace(found, hardware=hardware(), pace=pace)


def _slices(dataset: Dataset, column: str) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    labels = np.array([str(value) for value in np.asarray(_column(dataset, column)).tolist()])
    for label in np.unique(labels):
        yield str(label), labels == label


def _column(dataset: Dataset, name: str) -> Any:
    if name == "groups" and dataset.groups is not None:
        return dataset.groups
    columns = list(getattr(dataset.X, "columns", ()))
    if name in columns:
        return dataset.X[name]
    known = [str(column) for column in columns] + (["groups"] if dataset.groups is not None else [])
    raise DataError(
        f"a gate slices dataset {dataset.name!r} by {name!r}, which is neither a column of X nor its groups: "
        f"{nearest(name, known)}"
    )
