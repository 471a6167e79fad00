"""kill -9 at random moments: after one more run, is everything as if nothing had happened?

Run ``python benchmarks/kills.py KILLS WORKERS [SEED]``. Each time a session of twelve cells is killed with all its
processes at a random moment, the same command is run again, then ``mlexp sync``. The result table must be that of a
session that nobody killed, without timings byte for byte, and MLflow must hold one session run and one run for each
cell; two of each where the killed session was over and only its process was left. Told besides: whether the session
went on, and how many trials were fitted twice. Every other time the store is a fresh one, so that the kill may hit
it while it is being made.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from slow_project import CELLS, SlowProject

TRIALS = 12


@dataclass(frozen=True)
class Outcome:
    """What one kill led to."""

    seconds: float
    cells_before: int
    fits_before: int
    fitted_again: int
    was_over: bool
    sessions: int
    is_table_equal: bool
    runs: int
    is_whole: bool

    @property
    def good(self) -> bool:
        """Whether table and runs are as they should be."""
        return self.is_table_equal and self.is_whole


def kill_tree(process: subprocess.Popen[str]) -> None:
    """Kill a session with its workers and with what mirrors it."""
    parent = psutil.Process(process.pid)
    for victim in (parent, *parent.children(recursive=True)):
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def table(project: SlowProject) -> bytes:
    """The result table as bytes."""
    return json.dumps(project.results(), sort_keys=True).encode()


def one_kill(project: SlowProject, workers: int, after: float, wanted: bytes) -> Outcome:
    """Kill a session ``after`` so many seconds, run it again, and look at what is left."""
    process = subprocess.Popen(
        project.command(workers),
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    time.sleep(after)
    kill_tree(process)
    before = len(project.results()) if project.sessions() else 0
    fits = project.fits()
    was_over = bool(project.sessions()) and not list(project.root.glob(".mlexp/sessions/*/writer.lock"))
    done = project.run(workers)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    project.sync()
    runs = project.runs()
    statuses = [status for found in runs.values() for status in found]
    return Outcome(
        after,
        before,
        sum(fits.values()),
        sum(count - 1 for count in project.fits().values()),
        was_over,
        len(project.sessions()),
        table(project) == wanted,
        len(statuses),
        len(runs) == CELLS + (2 if was_over else 1) and statuses == ["FINISHED"] * (CELLS + 1) * (2 if was_over else 1),
    )


def main(kills: int, workers: int, seed: int = 0) -> int:
    """Print one line a kill, then the sum."""
    moments = random.Random(seed)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="mlexp-kills-") as folder:
        whole = SlowProject(Path(folder) / "whole" / "project")
        whole.write()
        begun = time.monotonic()
        whole.run(workers)
        seconds = time.monotonic() - begun
        wanted = table(whole)
        print(f"{CELLS} cells, {TRIALS} trials, {workers} workers; a whole session takes {seconds:.1f} s")
        for number in range(kills):
            project = SlowProject(Path(folder) / str(number) / "project")
            project.write()
            if number % 2:
                shutil.copytree(
                    whole.root / ".mlexp",
                    project.root / ".mlexp",
                    ignore=shutil.ignore_patterns("sessions", "artifacts", "store"),
                )
                forget_runs(project)
            outcomes.append(one_kill(project, workers, moments.uniform(0.5, seconds), wanted))
            print(outcomes[-1], flush=True)
            shutil.rmtree(project.root.parent)
    good = sum(outcome.good for outcome in outcomes)
    again = sum(outcome.fitted_again for outcome in outcomes)
    at_most = len(outcomes) * max(workers, 1)
    went_on = sum(outcome.sessions == 1 for outcome in outcomes)
    print(f"{good} of {kills} as if nothing had happened; {went_on} left one session")
    print(f"{again} trials fitted twice; {at_most} would be those in flight")
    return 0 if good == kills else 1


def forget_runs(project: SlowProject) -> None:
    """Empty a store that was copied."""
    import sqlite3

    connection = sqlite3.connect(project.root / ".mlexp" / "mlflow.db")
    for name in ("metrics", "latest_metrics", "params", "tags", "runs", "inputs", "input_tags", "datasets"):
        connection.execute(f"DELETE FROM {name}")  # noqa: S608 - names of tables
    connection.execute("DELETE FROM experiments WHERE experiment_id != '0'")
    connection.commit()
    connection.close()


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
