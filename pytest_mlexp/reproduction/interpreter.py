"""A Python with the recorded packages: a virtual environment of its own, made from the record."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.reproduction.logged import Logged
from pytest_mlexp.tracking.origins import EDITABLE, FILE, origin

OURS = "pytest-mlexp"
OTHER_WAYS = "use --python PATH for an interpreter that has them, or --here to run with this one and see what differs"

_REFUSED = re.compile(
    r"(?:No matching distribution found for|no version of|Failed to build) [`'\"]?(\S+?)[`'\"]?(?:\s|$)"
)


@dataclass(frozen=True)
class Requirements:
    """Lines for an installer, and what is to be said of them."""

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()


def requirements(logged: Logged, code: Path) -> Requirements:
    """What to install to have the recorded packages.

    Args:
        logged: what is to be had again.
        code: the worktree, for what was installed from the checkout itself.

    Raises:
        SettingsError: a package came from a folder that is not there.
    """
    origins = logged.environment.get("origins") or {}
    lines, notes = [], []
    for name, version in (logged.environment.get("packages") or {}).items():
        if name == OURS and name in origins:
            lines.append(_ours(code))
            notes.append(
                f"{OURS} {version} was a development checkout, {origins[name]}: installed is the one that runs this"
            )
        else:
            lines.append(_line(name, version, origins.get(name), code))
    return Requirements(tuple(lines), tuple(notes))


def make_environment(
    logged: Logged, code: Path, folder: Path, *, indexes: Sequence[str] = ()
) -> tuple[Path, tuple[str, ...]]:
    """Make a virtual environment with the recorded packages; uv where it is on the path, else venv and pip.

    Returns:
        its interpreter, and what is to be said of it.

    Raises:
        SettingsError: there is no such Python here, or a package cannot be installed.
    """
    wanted = requirements(logged, code)
    listing = folder.parent / "requirements.txt"
    folder.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("".join(f"{line}\n" for line in wanted.lines), encoding="utf-8")
    version = str(logged.environment.get("python"))
    uv = shutil.which("uv")
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = ["pip", "install", "--no-deps", "-r", str(listing), *(f"--extra-index-url={url}" for url in indexes)]
    if uv is not None:
        this = [sys.executable] if platform.python_version() == version else []
        _make([[uv, "venv", "--python", wish, str(folder)] for wish in (*this, version, _minor(version))], version)
        command = [uv, *install, "--python", str(python)]
    else:
        _make([[base, "-m", "venv", str(folder)] for base in _interpreters(version)], version)
        command = [str(python), "-m", *install, "--disable-pip-version-check"]
    _install(command)
    return python, wanted.notes


def _line(name: str, version: str, source: str | None, code: Path) -> str:
    if source is None:
        return f"{name}=={version}"
    kind = next((kind for kind in (EDITABLE, FILE) if source.startswith(kind)), None)
    if kind is None:
        return f"{name} @ {source}"
    path = PurePosixPath(source.removeprefix(kind))
    place = Path(path) if path.is_absolute() else code / path
    if not place.exists():
        raise SettingsError(f"package {name} {version} was installed from {place}, which is not there; {OTHER_WAYS}")
    return f"-e {place}" if kind == EDITABLE else f"{name} @ {place.resolve().as_uri()}"


def _ours(code: Path) -> str:
    """This copy of pytest-mlexp: the checkout that runs, what it was installed from, else its version."""
    above = Path(__file__).resolve().parents[2]
    if (above / "pyproject.toml").exists():
        return f"{OURS} @ {above.as_uri()}"
    installed = importlib.metadata.distribution(OURS)
    return _line(OURS, installed.version, origin(installed, code), code)


def _interpreters(version: str) -> Iterator[str]:
    minor = _minor(version)
    if minor == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield sys.executable
    yield from filter(None, [shutil.which(f"python{minor}")])


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _make(commands: Sequence[Sequence[str]], version: str) -> None:
    """Make the environment with the first command that works."""
    said = "none is on the path"
    for command in commands:
        done = _run(command)
        if not done.returncode:
            return
        said = _last(done)
    raise SettingsError(f"no environment with Python {version} can be made: {said}; {OTHER_WAYS}")


def _install(command: Sequence[str]) -> None:
    done = _run(command)
    if done.returncode:
        found = _REFUSED.search(done.stderr)
        which = f"package {found[1]}" if found else "a package"
        raise SettingsError(
            f"{which} of the record cannot be installed: {_last(done)}; another index can be named with --index URL, "
            f"{OTHER_WAYS}"
        )


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603 - built here


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return " ".join(lines[-3:])[:500] or f"exit status {done.returncode}"
