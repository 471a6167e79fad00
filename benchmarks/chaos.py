"""Faults of the store, caused for real: what do they cost a session, and is anything lost or doubled?

``python benchmarks/chaos.py server [WORKERS ...]`` starts a real ``mlflow server`` on this machine, kills it while a
session runs and starts it again, twice, for each number of workers. After ``mlexp sync`` there must be one session
run and one run for each cell, with the numbers of a session that nobody disturbed.

``python benchmarks/chaos.py faults [ROUNDS]`` runs the same session with each fault, in turns, and prints how much
longer it took than the session that only wrote its journal, and whether its verdicts were the same.

``python benchmarks/chaos.py first [WORKERS]`` starts a session on a store that nobody has made yet.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
from kills import table
from slow_project import CELLS, SlowProject

JOURNAL_ONLY = """
from pytest_mlexp.tracking import recorder
from pytest_mlexp.tracking.mirrored import Mirrored


class Nobody:
    def __init__(self, order):
        pass

    def finish(self, cells):
        return Mirrored(0, 0, ())


recorder.Beside = Nobody
"""
LIMITED = """
import resource

resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024))
"""


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


@dataclass(frozen=True)
class Arm:
    """A session with one fault: where it records, and what is done around it."""

    uri: str | None
    around: Callable[[SlowProject], AbstractContextManager[object]] = lambda _: nullcontext()
    conftest: str = ""


@contextmanager
def answering(delay: float, status: int, port: int) -> Iterator[None]:
    """A server that answers everything so late and with this status."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            time.sleep(delay)
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


@contextmanager
def mute(port: int) -> Iterator[None]:
    """A server that takes connections and never answers."""
    with socket.socket() as there:
        there.bind(("127.0.0.1", port))
        there.listen()
        yield


@contextmanager
def dies(port: int, after: float) -> Iterator[None]:
    """A server that is there at the start and gone soon."""
    with answering(0.0, 200, port):
        pass
    gone = threading.Event()

    def live() -> None:
        with answering(0.0, 200, port):
            gone.wait(after)

    threading.Thread(target=live, daemon=True).start()
    yield
    gone.set()


@contextmanager
def locked(project: SlowProject) -> Iterator[None]:
    """Another process that holds the write lock of the database."""
    with closing(sqlite3.connect(project.root / ".mlexp" / "mlflow.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.rollback()


def arms() -> dict[str, Arm]:
    """Every arm; ``journal`` is what the others are measured against."""
    ports = {name: free_port() for name in ("mute", "slow", "errors", "dies")}
    uris = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    return {
        "off": Arm("off"),
        "journal": Arm(None, conftest=JOURNAL_ONLY),
        "healthy": Arm(None),
        "unreachable": Arm(f"http://127.0.0.1:{free_port()}"),
        "mute": Arm(uris["mute"], lambda _: mute(ports["mute"])),
        "slow (3 s a reply)": Arm(uris["slow"], lambda _: answering(3.0, 200, ports["slow"])),
        "answers 500": Arm(uris["errors"], lambda _: answering(0.0, 500, ports["errors"])),
        "dies in the session": Arm(uris["dies"], lambda _: dies(ports["dies"], 2.0)),
        "sqlite locked": Arm(None, locked),
        "disk full": Arm(None, conftest=LIMITED),
    }


def one_session(folder: Path, arm: Arm, store: Path, seconds: float) -> tuple[float, str, str]:
    """Seconds, verdicts and what was said of one session."""
    project = SlowProject(folder / "project")
    project.write(seconds=seconds)
    (project.root / ".mlexp").mkdir()
    shutil.copyfile(store, project.root / ".mlexp" / "mlflow.db")
    (project.root / "conftest.py").write_text(arm.conftest)
    where = [f"--mlexp-tracking-uri={arm.uri}"] if arm.uri else []
    with arm.around(project):
        begun = time.monotonic()
        done = project.run(1, *where)
        took = time.monotonic() - begun
    lines = done.stdout.splitlines()
    said = next((line for line in lines if line.startswith(("not mirrored", "the journal"))), "")
    return took, lines[-1].partition(" in ")[0] if lines else done.stderr, said


def faults(rounds: int, folder: Path) -> bool:
    """Print what each fault costs."""
    from pytest_mlexp.tracking._mlflow.store import build_store

    store = folder / "template" / ".mlexp" / "mlflow.db"
    build_store(store)
    every = arms()
    took: dict[str, list[float]] = {name: [] for name in every}
    verdicts: dict[str, set[str]] = {name: set() for name in every}
    told: dict[str, str] = {}
    for number in range(rounds):
        for name, arm in every.items():
            place = folder / f"{number}-{name.replace(' ', '_').replace('(', '').replace(')', '')}"
            seconds, verdict, told[name] = one_session(place, arm, store, 0.5)
            took[name].append(seconds)
            verdicts[name].add(verdict)
    for name in every:
        extra = [mine - base for mine, base in zip(took[name], took["journal"], strict=True)]
        print(
            f"{name:<20} {statistics.median(took[name]):6.1f} s  {statistics.median(extra):+5.1f} s  "
            f"{', '.join(verdicts[name])}  {told[name][:90]}"
        )
    return len(set.union(*verdicts.values())) == 1


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
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with tempfile.TemporaryDirectory(prefix="mlexp-chaos-") as folder:
        given = [int(number) for number in numbers]
        if part == "faults":
            return 0 if faults(given[0] if given else 3, Path(folder)) else 1
        if part == "first":
            return 0 if first(given[0] if given else 8, Path(folder)) else 1
        done = [chaos(workers, Path(folder) / str(workers)) for workers in given or [1, 4, 8]]
        return 0 if all(done) else 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
