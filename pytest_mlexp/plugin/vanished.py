"""Accepted experiments of which no test was collected: each stands as a test that fails until that is accepted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_mlexp.naming import nearest
from pytest_mlexp.plugin.collection import EXPERIMENTS
from pytest_mlexp.plugin.gating import Gating

_TOLD = "mlexp_not_collected"


class VanishedExperiment(pytest.Item):
    """Stands for an accepted experiment whose test file was asked for and has no test of it any more."""

    def __init__(self, *, experiment: str, gating: Gating, **given: Any) -> None:
        super().__init__(**given)
        self.experiment = experiment
        self._gating = gating
        self.add_marker("mlexp")  # -m mlexp chooses it, as it does the tests of cells
        self.extra_keyword_matches.add(f"[{self.name}]")  # chooses it alone: no other one's name has it inside

    def runtest(self) -> None:
        """Fail, or take the experiment out of the lock.

        Raises:
            GateError: it was not accepted that the experiment is gone.
        """
        __tracebackhide__ = True
        locked = self._gating.lock.experiments[self.experiment]
        if self._gating.takes_out(self.experiment, locked.cells):
            pytest.skip("accepted that this experiment is gone")
        place = f" (it was accepted in {locked.test})" if locked.test else ""
        known = nearest(self.experiment, _collected(self.config))
        cells = ", ".join(sorted(locked.cells))
        reason = f"no test is marked with experiment {self.experiment!r} any more{place}: {known}; its cells: {cells}"
        self._gating.miss(self.experiment, self.name, reason)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The lock, for there is no test file to point at."""
        return self._gating.path, None, self.name


class Vanished:
    """Looks for accepted experiments without a test; the same in every process, for all collect the same tests."""

    def __init__(self, config: pytest.Config, gating: Gating) -> None:
        self._config = config
        self._gating = gating
        self._uncollected: set[str] = set()
        self._not_collected: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that was skipped or could not be imported: what is in it has not vanished."""
        if not report.passed:
            self._uncollected.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add one test for each vanished experiment, before ``-k`` and the like choose among all tests."""
        for name in self._missing():
            if self._is_asked_for(self._gating.lock.experiments[name].test):
                title = f"vanished-{name}"
                place = f"{self._gating.path.name}::{title}"
                items.append(
                    VanishedExperiment.from_parent(
                        session, name=title, nodeid=place, experiment=name, gating=self._gating
                    )
                )

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the experiments without a test that are not judged here, a worker for the controlling process."""
        judged = {item.experiment for item in session.items if isinstance(item, VanishedExperiment)}
        self._not_collected = [name for name in self._missing() if name not in judged]
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_TOLD] = self._not_collected

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn from a worker which experiments were not collected."""
        self._not_collected = getattr(node, "workeroutput", {}).get(_TOLD, self._not_collected)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which accepted experiments have no test among those collected, without a verdict on them."""
        if self._not_collected and terminalreporter.config.get_verbosity() >= 0:
            names = ", ".join(self._not_collected)
            terminalreporter.write_line(f"accepted experiments without a test among those asked for: {names}")

    def _missing(self) -> list[str]:
        return sorted(set(self._gating.lock.experiments) - _collected(self._config))

    def _is_asked_for(self, test: str) -> bool:
        """Whether the session's arguments take in the test file, and nothing leaves it out."""
        path = Path(os.path.normpath(self._config.rootpath / test))
        given = [
            Path(os.path.normpath(self._config.invocation_params.dir / argument)) for argument in self._config.args
        ]
        around = [place for place in given if place == path or place in path.parents]
        if not around or self._config.getoption("lf", default=False):
            return False
        if any(test == place or test.startswith(f"{place}/") for place in self._uncollected if place):
            return False
        inside = [part for part in (path, *path.parents) if around[0] in part.parents] or [path]
        ignores = self._config.hook.pytest_ignore_collect
        return not any(ignores(collection_path=part, config=self._config) for part in inside)


def _collected(config: pytest.Config) -> set[str]:
    found = config.stash.get(EXPERIMENTS, {})
    return set(found)
