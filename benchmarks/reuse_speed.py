"""What a later session is spared on the experiments of this folder, and what knowing that costs: see ``reuse.py``."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

from tabulate import tabulate

HERE = Path(__file__).resolve().parent
EXPERIMENTS = ("classification", "mixed", "regression", "text")
LATER = 2
QUIET = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider")
COST = """
import importlib, time
from pytest_mlexp.execution.kept import KeptStore
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.flow import Flow
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.matrix import expand
from pytest_mlexp.tracking.description import _fingerprint
from pathlib import Path

modules = [importlib.import_module(name) for name in {experiments!r}]
experiments = [value for module in modules for value in vars(module).values() if isinstance(value, Experiment)]
cells = [cell for experiment in experiments for cell in expand(experiment, ("cpu",))]
flow = Flow(OutcomeStore(kept=KeptStore(Path("store"), session="s")), record=lambda *_: None)
datasets = {{id(cell.dataset): flow.dataset(cell) for cell in cells}}

def keys():
    for cell in cells:
        dataset = datasets[id(cell.dataset)]
        for trial in cell.trials(split.name for split in dataset.splits):
            flow._sought(cell.experiment, trial, dataset).provenance.key
        flow.reuse._evaluator(cell).digest

def told():
    for cell in cells:
        _fingerprint(cell.variant.factory), _fingerprint(cell.evaluator.function)

def look():
    flow.reuse.look_at(experiments)

for work in (look, look, keys, keys, told, told):
    started = time.process_time()
    work()
    print((time.process_time() - started) * 1000 / len(cells))
print(len(cells))
"""


def environment(folder: Path) -> dict[str, str]:
    """That of a process of its own in a copy of this folder, where bytecode is written as nobody forbids it."""
    path = os.pathsep.join([str(HERE.parent), str(folder)])
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**given, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTEST_ADDOPTS": ""}


def project(place: Path) -> Path:
    """The experiments of this folder in a project of their own, in which nothing has run."""
    place.mkdir()
    for file in HERE.glob("*.py"):
        shutil.copy(file, place)
    (place / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    return place


def timed(folder: Path, *arguments: str) -> float:
    """Seconds of a process that must succeed."""
    begun = time.perf_counter()
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - begun


def session(folder: Path, *, recording: bool = True) -> tuple[float, float]:
    """Seconds of a whole session, which records in the embedded store, and of those the ones within tests."""
    report = folder / "junit.xml"
    uri = f"sqlite:///{folder}/.mlexp/mlflow.db" if recording else "off"
    options = ("--mlexp", f"--mlexp-tracking-uri={uri}", f"--junitxml={report}")
    whole = timed(folder, "-m", "pytest", *QUIET, *options)
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - written by pytest just now
    return whole, sum(float(case.get("time", "0")) for case in cases)


def speed(rounds: int = 3) -> int:
    """Compare later sessions with first ones, in turn; medians.

    Of a later session is told what the same session spends where the plugin sleeps (pytest, the modules of the
    experiments), and what one spends that reuses and records nothing; the rest is waiting for the process beside.
    """
    first, later, unrecorded, asleep = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="mlexp-reuse-") as name:
        for number in range(rounds):
            folder = project(Path(name).resolve() / str(number))
            first.append(session(folder))
            for _ in range(LATER):
                later.append(session(folder))
                unrecorded.append(session(folder, recording=False)[0])
                asleep.append(timed(folder, "-m", "pytest", *QUIET))
            print(f"round {number + 1}: first {first[-1][0]:.1f} s, later {later[-1][0]:.1f} s", flush=True)
    floor, reusing = statistics.median(asleep), statistics.median(unrecorded)
    ways: dict[str, Callable[[tuple[float, float]], float]] = {
        "within tests": lambda seconds: seconds[1],
        "whole process": lambda seconds: seconds[0],
        "whole, less the same asleep": lambda seconds: seconds[0] - floor,
    }
    rows = []
    for what, of in ways.items():
        before, after = statistics.median(map(of, first)), statistics.median(map(of, later))
        rows.append((what, f"{before:.2f}", f"{after:.2f}", f"{before / after:.1f}"))
    headers = ("", f"first s (of {len(first)})", f"later s (of {len(later)})", "times faster")
    print(tabulate(rows, headers, disable_numparse=True))
    whole = statistics.median(seconds for seconds, _ in later)
    print(f"a later session: asleep {floor:.2f} s, reusing {reusing - floor:.2f} s, recording {whole - reusing:.2f} s")
    return 0


def cost(rounds: int = 5) -> int:
    """CPU milliseconds a cell of knowing what it depends on, in processes of their own; medians."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="mlexp-reuse-") as name:
        folder = project(Path(name).resolve() / "project")
        for _ in range(rounds):
            command = [sys.executable, "-c", COST.format(experiments=EXPERIMENTS)]
            done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, check=True)
            figures.append([float(line) for line in done.stdout.split()])
    *costs, cells = map(statistics.median, zip(*figures, strict=True))
    parts = (
        "looking at the code of all blocks",
        "keys of a cell's trials and of its evaluator",
        "fingerprints for the record of a cell",
    )
    rows = [*zip(parts, costs[::2], costs[1::2], strict=True), ("together", sum(costs[::2]), sum(costs[1::2]))]
    print(tabulate(rows, (f"CPU ms a cell, {cells:.0f} cells", "cold", "cached"), floatfmt=".3f"))
    return 0
