"""A lock and its vectors as they are in a folder, or as they were in a commit."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.gates.lock import FILE_NAME, Lock, parse, vectors_path
from pytest_mlexp.gates.vectors import unpack
from pytest_mlexp.naming import nearest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]


MLFLOW = "mlflow:"
_KEPT = {".mlexp"}  # what sessions leave there is theirs, and no name that somebody meant


@dataclass(frozen=True)
class Version:
    """One version of the accepted state.

    Attributes:
        name: as it was asked for.
        path: of the lock; ``commit``: where it is read from, None for the file on disk.
    """

    name: str
    path: Path
    commit: str | None = None

    def lock(self) -> Lock:
        """The lock itself.

        Raises:
            SettingsError: there is none, or it cannot be read.
        """
        data = self._read(self.path)
        if data is None:
            where = f"commit {self.commit} has no {self.path}" if self.commit else f"there is no file {self.path}"
            there = nearest(self.path.as_posix(), _locks(self.commit))
            raise SettingsError(
                f"{self.name}: {where}: {there}. --lock says where the lock is, --mlexp-accept makes one"
            )
        if not data.strip():
            raise SettingsError(
                f"{self.name}: {self.path} is empty, so it is no lock: restore it from git, or write it with "
                "--mlexp-accept"
            )
        return parse(data.decode(), where=self.name)

    def vectors(self, experiment: str, cell: str, *, digest: str) -> dict[str, FloatArray]:
        """The contributions of a cell; empty where they are not to be had.

        Raises:
            GateError: they are not those that the lock was written with.
        """
        file = vectors_path(self.path, experiment, cell)
        data = self._read(file)
        return {} if data is None or not digest else unpack(data, digest=digest, where=f"{self.name}: {file}")

    def is_not_as_here(self) -> bool:
        """Whether this is the commit that is checked out, and the lock on disk is another."""
        head = _git("rev-parse", "HEAD")
        if self.commit is None or head is None or head.decode().strip() != self.commit or not self.path.is_file():
            return False
        return self.path.read_bytes().splitlines() != (self._read(self.path) or b"").splitlines()

    def _read(self, path: Path) -> bytes | None:
        if self.commit is None:
            return path.read_bytes() if path.is_file() else None
        # ./ makes the path relative to the current folder, not to the top of the repository
        return _git("show", f"{self.commit}:./{path.as_posix()}")


class Runs(Protocol):
    """Where the accepted states of runs are."""

    def lock(self, name: str) -> Path | None:
        """The lock that a session or an MLflow run left; None when no such thing is known."""

    def names(self) -> list[str]:
        """The sessions here that left one."""


def version(name: str, *, lock: str = FILE_NAME, runs: Runs | None = None) -> Version:
    """The version that a name stands for: a lock's path or folder, else a commit, branch or tag, else a run.

    Raises:
        SettingsError: it is none of them.
    """
    path = Path(name)
    if path.is_file():
        return Version(name, path)
    if path.is_dir() and (path / lock).is_file():
        return Version(name, path / lock)
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit is not None:
        return Version(name, Path(lock), commit.decode().strip())
    if runs is not None and (found := runs.lock(name)) is not None:
        return Version(name, found)
    sessions = [] if runs is None else runs.names()
    raise SettingsError(
        f"{name!r} is no lock file, no folder with a {lock}, no commit, branch or tag here, and no run with "
        f"--mlexp-accept: {nearest(name, [*_branches_and_tags(), *_locks(None), *sessions])}. {MLFLOW}RUN and "
        f"{MLFLOW}MODEL@ALIAS are looked for in MLflow"
    )


def versions(names: list[str], *, lock: str = FILE_NAME, runs: Runs | None = None) -> tuple[Version, Version]:
    """Two versions from two names, or from one ``before..after`` as in git; an empty side is the file on disk.

    Raises:
        SettingsError: not two, or one that cannot be found.
    """
    if len(names) == 1 and ".." in names[0] and not Path(names[0]).exists():
        names = [part or lock for part in names[0].split("..", 1)]
    if len(names) != 2:
        raise SettingsError(f"two versions are compared, {len(names)} given: write main..HEAD, two locks, or two runs")
    return version(names[0], lock=lock, runs=runs), version(names[1], lock=lock, runs=runs)


def _locks(commit: str | None) -> list[str]:
    """The paths of the locks below the current folder: in a commit, or those that git tracks or could track now."""
    here = ("ls-files", "--cached", "--others", "--exclude-standard")
    listed = ("ls-tree", "-r", "--name-only", commit) if commit else here
    paths = (_git(*listed) or b"").decode(errors="replace").splitlines()
    return [path for path in paths if path.rpartition("/")[2] == FILE_NAME and not _KEPT & set(path.split("/"))]


def _branches_and_tags() -> list[str]:
    found = _git("for-each-ref", "--sort=-committerdate", "--count=20", "--format=%(refname:short)", "refs/")
    return (found or b"").decode(errors="replace").split()


def _git(*arguments: str) -> bytes | None:
    """What a git command that only reads says; None when it fails or is not installed."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607 - reads only
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
