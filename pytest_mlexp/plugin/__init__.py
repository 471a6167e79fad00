"""The pytest plugin: hooks only. Nothing heavy is imported before a marked test is collected with ``--mlexp``."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.plugin.options import SKIPPED, add_options, options_of

if TYPE_CHECKING:
    from pytest_mlexp.plugin.session import MlexpSession

MARKER = "mlexp(experiment): run this test once for every cell of the experiment; it takes `evaluation`"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and, in a session that runs cells, the object that runs them."""
    config.addinivalue_line("markers", MARKER)
    names = ("mlexp", "mlexp_accept", "mlexp_devices", "mlexp_tracking_uri")
    options = options_of(config) if any(config.getoption(name) for name in names) else None
    if options is not None and options.active and not config.getoption("collectonly"):
        from pytest_mlexp.plugin.session import MlexpSession

        session = MlexpSession(config, options)
        config.pluginmanager.register(session, "mlexp-session")
        config.pluginmanager.register(session.gating, "mlexp-gating")


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per cell for functions marked ``mlexp``."""
    if metafunc.definition.get_closest_marker("mlexp") is not None:
        from pytest_mlexp.plugin.collection import is_for_cells, parametrize

        if is_for_cells(metafunc):
            parametrize(metafunc)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line that cells were skipped, and how to run them."""
    reports = terminalreporter.stats.get("skipped", ())
    count = sum(isinstance(r.longrepr, tuple) and r.longrepr[2] == f"Skipped: {SKIPPED}" for r in reports)
    if count and terminalreporter.config.get_verbosity() >= 0:
        terminalreporter.write_line(f"{count} cells of experiments were skipped: --mlexp runs them")


@pytest.fixture
def evaluation(request: pytest.FixtureRequest) -> Any:
    """The evaluation of this test's cell: ``evaluation["accuracy"]``, ``evaluation.reference("majority")``."""
    from pytest_mlexp.plugin.collection import LazyEvaluation

    if not hasattr(request, "param"):
        raise pytest.UsageError(
            f"{request.node.nodeid} takes `evaluation` but belongs to no experiment: mark it with "
            "@pytest.mark.mlexp(experiment)"
        )
    session: MlexpSession | None = request.config.pluginmanager.get_plugin("mlexp-session")
    return LazyEvaluation(request.param, session)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Evaluate the cell inside the test itself, so that a model that raises is a failed test."""
    __tracebackhide__ = True
    session: MlexpSession | None = pyfuncitem.config.pluginmanager.get_plugin("mlexp-session")
    if session is not None and "evaluation" in pyfuncitem.funcargs and pyfuncitem.get_closest_marker("mlexp"):
        pyfuncitem.funcargs["evaluation"] = session.evaluate(pyfuncitem)
    return (yield)
