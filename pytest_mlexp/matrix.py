"""Experiment -> cells: model variant x dataset x evaluator x device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_mlexp.blocks.evaluator import EvaluatorBlock
from pytest_mlexp.blocks.model import ModelVariant
from pytest_mlexp.experiment import DatasetBlock, Experiment
from pytest_mlexp.gates.rules import Gate


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
        """The experiment's gates on metrics of this cell's evaluator."""
        given = {metric.name for metric in self.evaluator.metrics}
        return tuple(gate for gate in self.experiment.gates if gate.metric in given)

    def trials(self, splits: Iterable[str]) -> list[Trial]:
        """The cell's trials, seed by seed and within each split by split."""
        names = list(splits)
        return [
            Trial(self.experiment.name, self.variant, self.dataset.name, self.device, seed, split)
            for seed in self.experiment.seeds
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
