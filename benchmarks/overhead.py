"""What the plugin itself costs, each figure beside the same work without it.

Run ``python benchmarks/overhead.py``. Counted are the CPU seconds of whole processes, the contestants in turn, so
that other work on the machine disturbs little and meets both; medians and their ratios are printed. Bytecode is
written, as it is wherever nobody forbids it.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

TRIVIAL = "def test_trivial(): pass\n"
PLAIN = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_plain(number):
    pass
"""
CELLS = """
import numpy as np
import pytest
from pytest_mlexp import Dataset, Experiment

noop = Experiment("noop")

@noop.dataset
def tiny():
    return Dataset.from_arrays(np.zeros((4, 1)), np.zeros(4), split=[(np.array([0, 1]), np.array([2, 3]))])

@noop.model(params={{"number": list(range({count}))}})
def constant(number):
    return lambda inputs: np.zeros(len(inputs))

@noop.evaluator(maximize="one")
def nothing(y_pred):
    return 1.0

@pytest.mark.mlexp(noop)
def test_cell(evaluation):
    pass
"""
RUN_CELLS = ("--mlexp", "--mlexp-tracking-uri=off")
NEW_STORE = "--new-store"  # stands for a folder that no session has kept anything in


def main() -> None:
    """Measure and print the three comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle-rounds", type=int, default=21)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cells", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        files = {"trivial": TRIVIAL, "plain": PLAIN.format(count=options.cells)}
        files |= {f"cells_{n}": CELLS.format(count=n) for n in (1, options.cells, 5 * options.cells)}
        for stem, text in files.items():
            (folder / f"test_{stem}.py").write_text(text)
        idle(folder, options.idle_rounds)
        running(folder, options.rounds, options.cells)
        collecting(folder, options.rounds, options.cells)


def idle(folder: Path, rounds: int) -> None:
    """A session with one trivial test, with the plugin and without it."""
    medians = race(folder, rounds, {"without": ["test_trivial.py", "-p", "no:mlexp"], "with": ["test_trivial.py"]})
    cost = (medians["with"] - medians["without"]) * 1000
    report("idle session", medians, f"the plugin costs {cost:.1f} ms")


def running(folder: Path, rounds: int, count: int) -> None:
    """Cells that do nothing against parametrised tests that do nothing."""
    cells = [f"test_cells_{count}.py", *RUN_CELLS]
    medians = race(
        folder,
        rounds,
        {
            "plain tests": ["test_plain.py", "-p", "no:mlexp"],
            "cells, nothing kept yet": [*cells, NEW_STORE],
            "cells, all kept": cells,
            "cells, store off": [*cells, "-o", "mlexp_store=off"],
            "one cell": ["test_cells_1.py", *RUN_CELLS],
        },
    )
    plain, first = medians["plain tests"], medians["cells, nothing kept yet"]
    ratios = ", ".join(f"{name} {medians[name] / plain:.2f}" for name in medians if name.startswith("cells"))
    marginal = (first - medians["one cell"]) / (count - 1) * 1000
    report(f"{count} run", medians, f"times plain tests: {ratios}; {marginal:.2f} ms for each further new cell")


def collecting(folder: Path, rounds: int, count: int) -> None:
    """Collection only: the cost of a further cell must not grow with their number."""
    medians = race(
        folder,
        rounds,
        {f"{n} cells": [f"test_cells_{n}.py", *RUN_CELLS, "--collect-only"] for n in (1, count, 5 * count)},
    )
    start = medians["1 cells"]
    small, large = ((medians[f"{n} cells"] - start) / (n - 1) * 1e6 for n in (count, 5 * count))
    report(
        "collection",
        medians,
        f"{small:.0f} us a cell at {count}, {large:.0f} us at {5 * count}: ratio {large / small:.2f}",
    )


def race(folder: Path, rounds: int, contestants: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Median seconds of whole pytest processes, in turn, after one round that only warms up.

    A new store gets a new folder: where many files were removed just now, ext4 makes new ones ten times as slowly.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, arguments in contestants.items():
            store = ["-o", f"mlexp_store={folder / f'store-{number}'}"]
            chosen = [part for argument in arguments for part in (store if argument == NEW_STORE else [argument])]
            taken = time_session(folder, chosen)
            if number:
                seconds[name].append(taken)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def time_session(folder: Path, arguments: Sequence[str]) -> float:
    """CPU seconds of one pytest process, which must pass."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTEST_ADDOPTS": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *arguments]
    before = _used()
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    taken = _used() - before
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {run.returncode}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return taken


def _used() -> float:
    """CPU seconds of all processes that were waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def report(title: str, medians: Mapping[str, float], conclusion: str) -> None:
    rows = [(name, f"{seconds:.3f}") for name, seconds in medians.items()]
    print(tabulate(rows, headers=[title, "median CPU s"], disable_numparse=True))
    print(f"{conclusion}\n")


if __name__ == "__main__":
    main()
