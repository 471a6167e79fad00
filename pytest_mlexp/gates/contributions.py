"""A cell's gated metrics as tables: one row a run, one column an example."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.gates.statistics import Side

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_mlexp.records import Evaluation

    FloatArray: TypeAlias = npt.NDArray[np.float64]

Kind = Literal["examples", "blocks", "runs"]


@dataclass(frozen=True, eq=False)
class Contributions:
    """One metric of a cell, run by run.

    Attributes:
        kind: what the columns are: examples, blocks of examples (of a metric that can only be called), or
            nothing, where there is only a number a run.
        runs: the metric of each run, shape ``(runs,)``.
        seeds: the seed of each run.
        table: contributions, shape ``(runs, columns)``; None for ``runs``.
        examples: identities of the columns in sorted order, shape ``(columns,)``.
        groups: for each column the number of its group, where the dataset has groups.
        hardware: for timings, the machine that they were taken on.
        pace: for timings, the seconds that a fixed piece of work took beside each run; empty where that was not taken.
        reused: for timings, the seeds of the runs that an earlier session took.
    """

    kind: Kind
    runs: FloatArray
    seeds: tuple[int, ...]
    table: FloatArray | None = None
    examples: npt.NDArray[Any] | None = None
    groups: npt.NDArray[np.intp] | None = field(default=None, repr=False)
    hardware: str | None = None
    pace: tuple[float, ...] = ()
    reused: tuple[int, ...] = ()

    @property
    def side(self) -> Side:
        """The runs as one side of a comparison."""
        return Side(self.runs) if self.table is None else Side.of(self.table)

    @property
    def finite(self) -> bool:
        """Whether every number is finite."""
        return bool(np.isfinite(self.runs).all() and (self.table is None or np.isfinite(self.table).all()))

    @property
    def columns(self) -> str:
        """A digest of what the columns stand for, in their order."""
        return "" if self.examples is None else digest_of(self.examples.tolist())[:16]

    def run_digests(self) -> tuple[str, ...]:
        """One digest a run: equal ones mean that nothing at all changed; of a timing, that it is the reused one."""
        rows = (self.runs[:, None] if self.table is None else self.table) + 0.0  # no negative zero
        return tuple(hashlib.blake2b(row.tobytes(), digest_size=8).hexdigest() for row in rows)

    def joined(self, more: Contributions) -> Contributions:
        """These runs and more runs of the same cell; a number a run where not all of them could be measured by more."""
        if self.kind != more.kind:
            return self._by_run().joined(more._by_run())
        table = None if self.table is None or more.table is None else np.concatenate([self.table, more.table])
        runs = np.concatenate([self.runs, more.runs])
        pace = (*self.pace, *more.pace) if self.pace and more.pace else ()
        reused = (*self.reused, *more.reused)
        return replace(self, runs=runs, seeds=(*self.seeds, *more.seeds), table=table, pace=pace, reused=reused)

    def first(self, runs: int) -> Contributions:
        """Its first runs alone."""
        table = None if self.table is None else self.table[:runs]
        return replace(self, runs=self.runs[:runs], seeds=self.seeds[:runs], table=table, pace=self.pace[:runs])

    def _by_run(self) -> Contributions:
        return replace(self, kind="runs", table=None, examples=None, groups=None)


def with_reused(found: Mapping[str, Contributions], seeds: Iterable[int]) -> dict[str, Contributions]:
    """Let the timings say which of their runs an earlier session took."""
    earlier = tuple(dict.fromkeys(seeds))
    return {name: one if one.hardware is None else replace(one, reused=earlier) for name, one in found.items()}


def with_timings(found: Evaluation, taken: Evaluation) -> Evaluation:
    """An evaluation with the timings of another one of the same trials."""
    timed = {name: one for name, one in taken.contributions.items() if one.hardware is not None}
    metrics = {name: taken.metrics[name] for name in timed if name in taken.metrics}
    return replace(found, metrics={**found.metrics, **metrics}, contributions={**found.contributions, **timed})


def is_of(name: str, metric: str, slices: str | None) -> bool:
    """Whether a name is what a gate is about: the metric, or one of its slices, ``metric[column=label]``."""
    return name == metric if slices is None else name.startswith(f"{metric}[{slices}=") and name.endswith("]")


def join(first: Mapping[str, Contributions], more: Mapping[str, Contributions]) -> dict[str, Contributions]:
    """Join the runs of the same cell, metric by metric; one that could not be measured of both is left out."""
    return {name: found.joined(more[name]) for name, found in first.items() if name in more}


@dataclass(frozen=True, eq=False)
class Tested:
    """What one trial gave: the rows it was tested on and one value a row (or a block), with their mean."""

    seed: int
    rows: npt.NDArray[np.intp]
    value: float
    vector: FloatArray | None = None


def tabulate(kind: Kind, tested: Sequence[Tested], *, examples: npt.NDArray[Any], groups: Any = None) -> Contributions:
    """Put what the trials of a cell gave into one table.

    An example that several splits of one seed tested counts once, with its mean.

    Args:
        kind: what the vectors hold; for ``blocks`` the rows are numbers of blocks.
        tested: the trials, seed by seed.
        examples: identities of all rows of the dataset (or block numbers), shape ``(rows,)``.
        groups: the group labels of all rows, or None.
    """
    seeds = tuple(dict.fromkeys(t.seed for t in tested))
    by_seed = [[t for t in tested if t.seed == seed] for seed in seeds]
    if kind == "runs":
        return Contributions(kind, np.array([np.mean([t.value for t in trials]) for trials in by_seed]), seeds)
    seen = np.unique(np.concatenate([t.rows for t in by_seed[0]]))
    columns = seen[_sorted(examples[seen])]
    table = np.array([_averaged(trials, len(examples))[columns] for trials in by_seed])
    numbers = None if groups is None else np.unique(_labels(groups)[columns], return_inverse=True)[1]
    return Contributions(kind, table.mean(axis=1), seeds, table, examples[columns], numbers)


def _averaged(trials: Iterable[Tested], size: int) -> FloatArray:
    total, count = np.zeros(size), np.zeros(size)
    for trial in trials:
        total[trial.rows] += 0.0 if trial.vector is None else trial.vector
        count[trial.rows] += 1
    averaged: FloatArray = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
    return averaged


def _labels(values: Any) -> npt.NDArray[np.str_]:
    return np.array([f"{value!r}" for value in np.asarray(values).tolist()])


def _sorted(examples: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    if examples.dtype.kind in "OV":
        labels = [f"{type(value).__name__} {value!r}" for value in examples.tolist()]
        return np.argsort(np.array(labels), kind="stable")
    return np.argsort(examples, kind="stable")
