"""Is a result ever stale, is one ever computed again without need, and what is a second session spared?

Run ``python benchmarks/reuse.py mutations [STRIDE] | speed [ROUNDS] | cost [ROUNDS]``.

``mutations`` a project that reaches code in every way is run, edited in one place, and run again with ``pytest
             --mlexp``: the models that were fitted again against those that had to be; every STRIDE-th edit
``speed``     the experiments of this folder, in projects of their own: later sessions against first ones
``cost``      what it costs to know what the cells of these experiments depend on
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reuse_edits import HARMLESS, MATTER, Edit
from reuse_project import write
from reuse_speed import cost, speed

HERE = Path(__file__).resolve().parent
QUIET = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider")


SCRIPT = [str(Path(sys.executable).with_name("pytest"))]
MODULE = [sys.executable, "-m", "pytest"]


def session(folder: Path, *options: str, start: list[str] = MODULE, tracking: str = "off") -> None:
    """One session in a process of its own."""
    paths = [str(HERE.parent), str(folder), str(folder / "site-packages")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"FITS": str(folder.with_name("fits.txt")), "OMP_NUM_THREADS": "1"}
    command = [*start, "--mlexp", f"--mlexp-tracking-uri={tracking}", *QUIET, *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def fitted(folder: Path) -> frozenset[str]:
    """The models that were fitted since this was asked last."""
    file = folder.with_name("fits.txt")  # the same for all copies, as models read the variable that says so
    found = frozenset(file.read_text().split()) if file.exists() else frozenset()
    file.unlink(missing_ok=True)
    return found


def outcomes(edits: list[Edit], place: Path) -> Iterator[tuple[Edit, frozenset[str]]]:
    """Each edit, on a copy of a project that was run once, and what was fitted again; how pytest is started is one."""
    base = place / "base"
    write(base)
    session(base)
    fitted(base)
    for number, edit in enumerate(edits):
        copy = place / str(number)
        shutil.copytree(base, copy)
        edit.apply(copy)
        session(copy, start=SCRIPT if number % 2 else MODULE)
        yield edit, fitted(copy)
        shutil.rmtree(copy)


def mutations(stride: int = 1) -> int:
    """Count stale results and needless fits."""
    stale = needless = 0
    edits = [*MATTER, *HARMLESS][::stride]
    with tempfile.TemporaryDirectory(prefix="mlexp-reuse-") as folder:
        for edit, again in outcomes(edits, Path(folder)):
            kept, more = edit.again - again, again - edit.again
            stale += bool(kept)
            needless += bool(more)
            told = f"STALE {sorted(kept)}" if kept else f"NEEDLESS {sorted(more)}" if more else "right"
            print(f"{edit.name:34} {told}", flush=True)
    print(f"{len(edits)} edits: {stale} stale, {needless} needless")
    return 1 if stale or needless else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["mutations", *rest]:
            raise SystemExit(mutations(*map(int, rest)))
        case ["speed", *rest]:
            raise SystemExit(speed(*map(int, rest)))
        case ["cost", *rest]:
            raise SystemExit(cost(*map(int, rest)))
        case _:
            raise SystemExit(__doc__)
