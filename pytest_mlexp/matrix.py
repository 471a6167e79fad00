"""Experiment -> cells: model variant x dataset x evaluator x device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_mlexp.blocks.dataset_block import DatasetBlock
from pytest_mlexp.blocks.evaluator import EvaluatorBlock
from pytest_mlexp.blocks.model import ModelVariant
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.gates.rules import Gate

_OF_TIMINGS = frozenset({"duration", "latency", "ms", "second", "seconds", "speed", "throughput", "time", "times"})


@dataclass(frozen=True)
class Trial:
    """What is built, fitted and predicted once: model variant x dataset x device x seed x split."""

    experiment: str
    variant: ModelVariant
    dataset: str
    device: str
    seed: int
    split: str

    @property
    def id(self) -> str:
        """Unique within a session; readable in a progress line."""
        where = f"{self.variant.name}-{self.dataset}-{self.device}"
        return f"{self.experiment}-{where}-seed={self.seed}-{self.split}"


@dataclass(frozen=True)
class Cell:
    """Model variant x dataset x evaluator x device: one pytest test and one MLflow run."""

    experiment: Experiment = field(repr=False, compare=False)
    variant: ModelVariant
    dataset: DatasetBlock
    evaluator: EvaluatorBlock
    device: str

    @property
    def id(self) -> str:
        """The part of the test id in brackets; names baseline entries and runs as well."""
        return f"{self.variant.name}-{self.dataset.name}-{self.evaluator.name}-{self.device}"

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The experiment's gates that cover this cell and are on a metric that it has."""
        given = self.experiment.gateable_metrics(self.evaluator)
        return tuple(gate for gate in self.experiment.gates if gate.metric in given and self.is_covered(gate))

    def is_covered(self, gate: Gate) -> bool:
        """Whether the gate's ``on`` names this cell, or its model and dataset."""
        names = set(gate.on)
        datasets = names & set(self.experiment.datasets)
        models = names & {name for v in self.experiment.models.values() for name in (v.name, v.block)}
        if not names or self.id in names:
            return True
        fits = (
            not datasets or self.dataset.name in datasets,
            not models or bool(models & {self.variant.name, self.variant.block}),
        )
        return bool(datasets or models) and all(fits)

    def shares_dataset_with(self, gate: Gate) -> bool:
        """Whether the gate covers this cell or another one on its dataset."""
        names, models = set(gate.on), self.experiment.models.values()
        if not names or self.dataset.name in names:
            return True
        whole = tuple(f"{variant.name}-{self.dataset.name}-" for variant in models)
        is_of_model = not names.isdisjoint(name for variant in models for name in (variant.name, variant.block))
        of_others = not names.isdisjoint(self.experiment.datasets)
        return (is_of_model and not of_others) or any(name.startswith(whole) for name in names)

    def informs(self, gate: Gate) -> bool:
        """Whether what the gate finds against a baseline does not fail this cell.

        One margin is the primary one for a model and dataset: the first declared, unless others say so. A margin on
        what is, or may be, a timing is it only where there is no other, so that it never silences one. A gate that
        asks to fail when nothing is shown fails as well when a loss is.
        """
        if gate.primary is not None or not gate.compares or gate.inconclusive == "fail":
            return gate.primary is False
        rivals = [rival for rival in self.experiment.gates if rival.compares and self.is_covered(rival)]
        likely = {rival: self._likely_timing(rival) for rival in rivals}
        rivals = [rival for rival in rivals if likely[rival] == min(likely.values())]
        return any(rival.primary for rival in rivals) or gate is not next(
            (r for r in rivals if r.primary is None), None
        )

    def _likely_timing(self, gate: Gate) -> int:
        """How likely a gate is on a timing: 0 for never, 3 for certainly.

        What an evaluator makes of timings and of more is known only once it is measured, and every process must choose
        before that: there the name decides between metrics of such evaluators.
        """
        givers = [e for e in self.experiment.evaluators.values() if gate.metric in {m.name for m in e.metrics}]
        made_of = {request for evaluator in givers for request in (*evaluator.requests, *evaluator.optional)}
        if gate.is_operational or ("timings" in made_of and made_of <= {"timings", "device"}):
            return 3
        if "timings" not in made_of:
            return 0
        return 2 if _OF_TIMINGS & set(gate.metric.lower().split("_")) else 1

    def trials(self, splits: Iterable[str], *, seeds: Iterable[int] | None = None) -> list[Trial]:
        """The cell's trials, seed by seed and within each split by split; of the declared seeds, or of others."""
        names = list(splits)
        return [
            Trial(self.experiment.name, self.variant, self.dataset.name, self.device, seed, split)
            for seed in (self.experiment.seeds if seeds is None else seeds)
            for split in names
        ]


def expand(experiment: Experiment, devices: Iterable[str]) -> tuple[Cell, ...]:
    """Every cell of an experiment, dataset by dataset in the order of declaration.

    A model whose factory asks for ``device`` runs on every device; any other model on ``cpu`` alone.

    Raises:
        DeclarationError: the experiment is not complete.
    """
    experiment.validate()
    places = tuple(devices)
    return tuple(
        Cell(experiment, variant, dataset, evaluator, device)
        for dataset in experiment.datasets.values()
        for variant in experiment.models.values()
        for device in (places if variant.asks_for_device else [place for place in places if place == "cpu"])
        for evaluator in experiment.evaluators.values()
    )


def left_out(experiment: Experiment, devices: Iterable[str]) -> str:
    """Which models have no cell on the devices that were asked for, why, and what to do; empty where all have one."""
    asked = tuple(devices)
    names = tuple(dict.fromkeys(v.block for v in experiment.models.values() if not v.asks_for_device))
    if not names or {"auto", "cpu"} & set(asked):
        return ""
    several, shown = "s" if len(names) > 1 else "", ", ".join((*names[:3], *(["..."] if len(names) > 3 else [])))
    return (
        f"not run on {','.join(asked)}: {len(names)} model{several} of experiment {experiment.name!r} ({shown}), for "
        "without `device` among its factory's parameters a model runs on cpu alone; ask for cpu too, as in "
        f"{','.join((*asked, 'cpu'))}, or let the factory take `device`"
    )
