"""The pytest plugin: hooks only. Nothing heavy is imported before a marked test is collected with ``--mlexp``."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.plugin.options import OPENED, add_options, check_spelling, check_together, options_of
from pytest_mlexp.plugin.skipped import say_skipped

if TYPE_CHECKING:
    from pytest_mlexp.plugin.session import MlexpSession

MARKERS = (
    "mlexp(experiment): run this test once for every cell of the experiment; it takes `evaluation`",
    "mlexp_contracts(experiment, declares={}, excuses={}): run this test once for every block and law, as `contract`",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options."""
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """In a session that runs cells, note what the team's code reads from the first import on; then check options."""
    known = early_config.known_args_namespace
    if known.mlexp or known.mlexp_accept:
        from pytest_mlexp.provenance.files.opened import Opened

        opened = early_config.stash[OPENED] = Opened()
        until_the_end = ExitStack()
        until_the_end.enter_context(opened.listening())
        early_config.add_cleanup(until_the_end.close)
    yield
    check_spelling(parser, args)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and, in a session that runs cells, the object that runs them."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if not hasattr(config, "workerinput"):
        check_together(config)
    names = ("mlexp", "mlexp_accept", "mlexp_devices", "mlexp_tracking_uri")
    options = options_of(config) if any(config.getoption(name) for name in names) else None
    if options is not None and options.active and not config.getoption("collectonly"):
        from pytest_mlexp.plugin.absent import Absent
        from pytest_mlexp.plugin.session import MlexpSession
        from pytest_mlexp.plugin.vanished import Vanished

        session = MlexpSession(config, options)
        config.pluginmanager.register(Absent(config, session.gating), "mlexp-absent")  # its lines come last
        config.pluginmanager.register(session, "mlexp-session")
        config.pluginmanager.register(session.gating, "mlexp-gating")
        config.pluginmanager.register(Vanished(config, session.gating), "mlexp-vanished")


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per cell for functions marked ``mlexp``, per block and law for those marked ``mlexp_contracts``."""
    if metafunc.definition.get_closest_marker("mlexp") is not None:
        from pytest_mlexp.plugin.collection import is_for_cells, parametrize

        if is_for_cells(metafunc):
            parametrize(metafunc)
    if metafunc.definition.get_closest_marker("mlexp_contracts") is not None:
        from pytest_mlexp.plugin import contracts

        contracts.parametrize(metafunc)


@pytest.fixture
def contract(request: pytest.FixtureRequest) -> Any:
    """One law of one block: ``contract.verify()`` checks it."""
    from pytest_mlexp.plugin.contracts import Contract

    if not hasattr(request, "param"):
        raise pytest.UsageError(
            f"{request.node.nodeid} takes `contract` but belongs to no experiment: mark it with "
            "@pytest.mark.mlexp_contracts(experiment)"
        )
    return Contract(request.param, request.node)


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
    result = yield
    contract: Any = pyfuncitem.funcargs.get("contract")
    if contract is not None and pyfuncitem.get_closest_marker("mlexp_contracts"):
        contract.check_verified()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the report of a contract's test carry what it said, also from an xdist worker."""
    report = yield
    if call.when == "call" and item.get_closest_marker("mlexp_contracts") is not None:
        from pytest_mlexp.plugin.contracts import carry

        carry(item, report)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Shorten what a block that breaks many laws would print, before pytest prints it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.verbosity <= 0 and any(map(_carried, reporter.stats.get("failed", []))):
        from pytest_mlexp.plugin.contracts import shorten

        shorten(reporter)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cells were skipped, and what contracts said of each block."""
    reports = [report for kind, found in terminalreporter.stats.items() if kind != "rerun" for report in found]
    say_skipped(terminalreporter, reports)
    if carried := [report.mlexp_contract for report in reports if _carried(report)]:
        from pytest_mlexp.plugin.contracts import summarize

        summarize(terminalreporter, carried)


def _carried(report: Any) -> bool:
    """Whether a report says what a contract said."""
    return hasattr(report, "mlexp_contract")
