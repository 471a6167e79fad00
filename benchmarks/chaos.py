"""A real server killed while sessions write to it, and many workers on a new store: is anything lost or doubled?

``python benchmarks/chaos.py server [WORKERS ...]`` starts a real ``mlflow server`` on this machine, kills it while a
session runs and starts it again, twice, for each number of workers. After ``mlexp sync`` there must be one session
run and one run for each cell, with the numbers of a session that nobody disturbed.

``python benchmarks/chaos.py first [WORKERS]`` starts a session on a store that nobody has made yet.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from kills import table
from slow_project import CELLS, SlowProject


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """A real MLflow server, light: one worker, no jobs."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        folder.mkdir(parents=True)
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        store = ["--backend-store-uri", f"sqlite:///{self._folder}/server.db"]
        files = ["--artifacts-destination", str(self._folder / "artifacts")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *arguments, *store, *files],
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        from urllib.request import urlopen

        while self._process.poll() is None:
            try:
                with urlopen(f"{self.uri}/health", timeout=5):  # noqa: S310 - our own server
                    return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("mlflow server did not start")

    def kill(self) -> None:
        """Kill it with its workers."""
        parent = psutil.Process(self._process.pid)
        for victim in (parent, *parent.children(recursive=True)):
            victim.kill()
        self._process.wait()


def chaos(workers: int, folder: Path) -> bool:
    """Kill the server twice while a session runs."""
    quiet = SlowProject(folder / "quiet" / "project")
    quiet.write(seconds=1.0)
    quiet.run(workers, "--mlexp-tracking-uri=off")
    server = Server(folder / "server")
    project = SlowProject(folder / "loud" / "project")
    project.write(seconds=1.0)
    undisturbed = project.run(workers, f"--mlexp-tracking-uri={server.uri}")
    before = table(project)
    known = project.runs(server.uri)
    process = subprocess.Popen(
        project.command(workers, f"--mlexp-tracking-uri={server.uri}"),
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    for _ in range(2):
        time.sleep(5.0)
        server.kill()
        time.sleep(0.5)
        server.start()
    output, _ = process.communicate()
    told = [line for line in output.splitlines() if line.startswith("not mirrored")]
    project.sync()
    project.sync()
    names = [status for found in project.runs(server.uri).values() for status in found]
    server.kill()
    same = table(project) == before
    good = len(names) == 2 * (CELLS + 1) and set(names) == {"FINISHED"} and len(known) == CELLS + 1 and same
    print(
        f"{workers} workers: exit {undisturbed.returncode} and {process.returncode}, {len(names)} runs of "
        f"{2 * (CELLS + 1)} for two sessions, {set(names)}, numbers equal: {same}; {told or 'all in the session'}",
        flush=True,
    )
    return good


def first(workers: int, folder: Path) -> bool:
    """A first session with many workers on a store that is not there."""
    project = SlowProject(folder / "first" / "project")
    project.write()
    done = project.run(workers)
    runs = project.runs()
    statuses = [status for found in runs.values() for status in found]
    whole = len(runs) == CELLS + 1 and statuses == ["FINISHED"] * (CELLS + 1)
    print(f"{workers} workers on a fresh store: exit {done.returncode}, {len(statuses)} runs, whole: {whole}")
    return whole


def main(part: str, *numbers: str) -> int:
    """Run one part."""
    with tempfile.TemporaryDirectory(prefix="mlexp-chaos-") as folder:
        given = [int(number) for number in numbers]
        if part == "first":
            return 0 if first(given[0] if given else 8, Path(folder)) else 1
        done = [chaos(workers, Path(folder) / str(workers)) for workers in given or [1, 4, 8]]
        return 0 if all(done) else 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
