"""Marked test functions -> one test per cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_mlexp.blocks.device import resolve
from pytest_mlexp.errors import DeclarationError, DeviceError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.matrix import Cell, expand, left_out
from pytest_mlexp.plugin.options import Options, options_of
from pytest_mlexp.plugin.skipped import REASON

if TYPE_CHECKING:
    from pytest_mlexp.gates.state import MissingCell
    from pytest_mlexp.plugin.session import MlexpSession
    from pytest_mlexp.records import Evaluation

EXPERIMENTS = pytest.StashKey[dict[str, tuple[Experiment, str]]]()


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrize ``evaluation`` over the cells of the marker's experiment.

    Raises:
        pytest.Collector.CollectError: the marker or the experiment is not usable; the message says where and why.
    """
    experiment = _experiment_of(metafunc)
    options = options_of(metafunc.config)
    places = _places(experiment, options)
    try:
        cells = expand(experiment, places)
    except DeclarationError as error:
        raise pytest.Collector.CollectError(f"{metafunc.definition.nodeid}: {error}") from None
    session: MlexpSession | None = metafunc.config.pluginmanager.get_plugin("mlexp-session")
    expected = [*cells, *(session.gating.missing_cells(experiment, cells) if session is not None else ())]
    params = [pytest.param(cell, marks=_marks(cell, options), id=cell.id) for cell in expected]
    if options.active:
        params += _of_devices(experiment, cells, metafunc.config)
    metafunc.parametrize("evaluation", params, indirect=True)


def is_for_cells(metafunc: pytest.Metafunc) -> bool:
    """Whether the test is meant: a mark on its module or class leaves tests without ``evaluation`` alone."""
    on_itself = any(marker.name == "mlexp" for marker in metafunc.definition.own_markers)
    return on_itself or "evaluation" in metafunc.fixturenames


def _places(experiment: Experiment, options: Options) -> tuple[str, ...]:
    """The devices to expand over; they are looked up (which imports PyTorch) only where a model asks for one."""
    if not options.active:
        return ("cpu",)
    if any(variant.asks_for_device for variant in experiment.models.values()):
        return resolve(options.devices)
    return tuple(place for place in ("cpu",) if {"auto", place} & set(options.devices))


def _of_devices(experiment: Experiment, cells: Sequence[Cell], config: pytest.Config) -> list[Any]:
    """Note the models that run on none of the devices; one more test, which fails, where no cell of them all does."""
    from pytest_mlexp.plugin.absent import LEFT_OUT, why_none

    asked = options_of(config).devices
    if told := left_out(experiment, asked):
        config.stash.setdefault(LEFT_OUT, {})[experiment.name] = told
    reason = why_none(experiment, cells, asked)
    return [pytest.param(NoCell(reason), id="nothing_runs")] if reason else []


def _marks(cell: Cell | MissingCell, options: Options) -> tuple[pytest.MarkDecorator, ...]:
    """A skip with its reason; a cell that a gate wants to fail where it cannot run is left to fail."""
    from pytest_mlexp.plugin.absent import verdicts_of_absent, why_absent

    if not options.active:
        return (pytest.mark.skip(reason=REASON),)
    reason = why_absent(cell)
    if reason is None or not (options.accept or all(verdicts_of_absent(cell))):
        return ()
    return (pytest.mark.skip(reason=reason),)


def _experiment_of(metafunc: pytest.Metafunc) -> Experiment:
    marker = metafunc.definition.get_closest_marker("mlexp")
    assert marker is not None  # noqa: S101 - the hook asked already
    where = metafunc.definition.nodeid
    if marker.kwargs or len(marker.args) != 1 or not isinstance(marker.args[0], Experiment):
        given = ", ".join([*map(repr, marker.args), *(f"{k}={v!r}" for k, v in marker.kwargs.items())])
        raise pytest.Collector.CollectError(
            f"{where}: the marker takes one Experiment, @pytest.mark.mlexp(experiment), not mlexp({given})"
        )
    if "evaluation" not in metafunc.fixturenames:
        raise pytest.Collector.CollectError(
            f"{where} is marked mlexp but does not take `evaluation`: add that parameter"
        )
    experiment = marker.args[0]
    first, place = metafunc.config.stash.setdefault(EXPERIMENTS, {}).setdefault(experiment.name, (experiment, where))
    if first is not experiment:
        raise pytest.Collector.CollectError(
            f"{where} and {place} use two different experiments that are both named {experiment.name!r}: their runs "
            "and results would be mixed up; rename one, or declare it once and import it in both"
        )
    return experiment


@dataclass(frozen=True)
class NoCell:
    """Stands for the cells of an experiment of which none can run here: a session that judges nothing fails."""

    reason: str

    def refuse(self) -> NoReturn:
        """Fail for it.

        Raises:
            DeviceError: always.
        """
        __tracebackhide__ = True
        raise DeviceError(self.reason)


class LazyEvaluation:
    """Stands for a cell's evaluation in other fixtures; evaluates when it is first used."""

    def __init__(self, cell: Cell | NoCell, session: MlexpSession | None) -> None:
        self.cell = cell
        self._session = session

    def resolve(self) -> Evaluation:
        """The evaluation itself."""
        __tracebackhide__ = True
        if self._session is None:
            raise pytest.UsageError("cells are evaluated only with --mlexp")
        if isinstance(self.cell, NoCell):
            self.cell.refuse()
        return self._session.flow.evaluate(self.cell)

    def __getitem__(self, metric: str) -> float:
        __tracebackhide__ = True
        return self.resolve()[metric]

    def __contains__(self, metric: object) -> bool:
        __tracebackhide__ = True
        return metric in self.resolve()

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.resolve(), name)
