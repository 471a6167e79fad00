"""Marked test functions -> one test per cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.blocks.device import absent_reason, resolve
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.matrix import Cell, expand
from pytest_mlexp.plugin.options import read_options

if TYPE_CHECKING:
    from pytest_mlexp.plugin.gating import VanishedCell
    from pytest_mlexp.plugin.session import MlexpSession
    from pytest_mlexp.records import Evaluation

SKIPPED = "a benchmark cell: run with --mlexp"


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrize ``evaluation`` over the cells of the marker's experiment.

    Raises:
        pytest.UsageError: the marker or the experiment is not usable; the message says where and why.
    """
    experiment = _experiment_of(metafunc)
    options = read_options(metafunc.config)
    places = resolve(options.devices) if options.active else ("cpu",)
    try:
        cells = expand(experiment, places)
    except DeclarationError as error:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}") from None
    session: MlexpSession | None = metafunc.config.pluginmanager.get_plugin("mlexp-session")
    expected = [*cells, *(session.gating.vanished_cells(experiment) if session is not None else ())]
    absent = {place: reason for place in places if (reason := absent_reason(place)) is not None}
    metafunc.parametrize(
        "evaluation",
        [pytest.param(cell, marks=_marks(cell, absent, active=options.active)) for cell in expected],
        ids=[cell.id for cell in expected],
        indirect=True,
    )


def _marks(cell: Cell | VanishedCell, absent: dict[str, str], *, active: bool) -> tuple[pytest.MarkDecorator, ...]:
    if not active:
        return (pytest.mark.skip(reason=SKIPPED),)
    if cell.device in absent:
        return (pytest.mark.skip(reason=f"device {cell.device} is not here: {absent[cell.device]}"),)
    return ()


def _experiment_of(metafunc: pytest.Metafunc) -> Experiment:
    marker = metafunc.definition.get_closest_marker("mlexp")
    assert marker is not None  # noqa: S101 - the hook asked already
    where = metafunc.definition.nodeid
    if marker.kwargs or len(marker.args) != 1 or not isinstance(marker.args[0], Experiment):
        given = ", ".join([*map(repr, marker.args), *(f"{k}={v!r}" for k, v in marker.kwargs.items())])
        raise pytest.UsageError(
            f"{where}: the marker takes one Experiment, @pytest.mark.mlexp(experiment), not mlexp({given})"
        )
    if "evaluation" not in metafunc.fixturenames:
        raise pytest.UsageError(f"{where} is marked mlexp but does not take `evaluation`: add that parameter")
    return marker.args[0]


class LazyEvaluation:
    """Stands for a cell's evaluation in other fixtures; evaluates when it is first used."""

    def __init__(self, cell: Cell, session: MlexpSession | None) -> None:
        self.cell = cell
        self._session = session

    def resolve(self) -> Evaluation:
        """The evaluation itself."""
        __tracebackhide__ = True
        if self._session is None:
            raise pytest.UsageError("cells are evaluated only with --mlexp")
        return self._session.flow.evaluate(self.cell)

    def __getitem__(self, metric: str) -> float:
        return self.resolve()[metric]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.resolve(), name)
