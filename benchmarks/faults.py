"""Faults of the store, caused for real: what do they cost a session?

``python benchmarks/faults.py [ROUNDS]`` runs the same session with each fault, in turns, and prints how long it took,
how much longer than the session that only wrote its journal, and whether its verdicts were the same.
"""

from __future__ import annotations

import shutil
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from slow_project import SlowProject

JOURNAL_ONLY = """
from pytest_mlexp.tracking import recorder
from pytest_mlexp.tracking.mirrored import Mirrored


class Nobody:
    def __init__(self, order, ready):
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


def main(rounds: int = 3) -> int:
    """Run every arm so often."""
    with tempfile.TemporaryDirectory(prefix="mlexp-faults-") as folder:
        return 0 if faults(rounds, Path(folder)) else 1


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
