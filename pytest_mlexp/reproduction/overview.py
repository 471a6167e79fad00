"""What a record says of a run, in a few lines: what is about to be had again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pytest_mlexp.reporting.facts import commit_line, machine_line
from pytest_mlexp.reproduction.logged import Logged
from pytest_mlexp.reproduction.patches import stat


def overview(logged: Logged) -> str:
    """The record as aligned lines: code, packages, data, seeds, devices, machine."""
    rows = [(name, value) for name, value in _rows(logged) if value]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _rows(logged: Logged) -> Iterator[tuple[str, str]]:
    session, environment, git = logged.session, logged.environment, logged.git
    started = datetime.fromtimestamp(session.started / 1000, UTC)
    yield "session", f"{session.session}, {started:%Y-%m-%d %H:%M} UTC, from {logged.source}"
    yield "cells", _counted([cell.cell for cell in logged.cells], "cell")
    yield "damage", logged.damage or ""
    yield "command", shlex.join(session.command)
    yield "commit", commit_line(git)
    yield "diff", stat(git.get("diff")) if git.get("diff") or not git.get("dirty") else "not in the record"
    yield "untracked", _untracked(git)
    yield "note", "; ".join(git.get("unfaithful") or ())
    yield "python", f"{environment.get('implementation', '')} {environment.get('python', 'unknown')}".strip()
    yield "packages", _packages(environment)
    yield "variables", " ".join(f"{k}={v}" for k, v in (environment.get("variables") or {}).items())
    for data in {cell.dataset.name: cell.dataset for cell in logged.cells}.values():
        version = f" version {data.version}" if data.version else ""
        yield "data", f"{data.name}{version}, digest {data.digest or 'unknown'}, {data.rows} rows"
    yield "seeds", _distinct(seed for cell in logged.cells for seed in cell.seeds)
    yield "devices", _distinct(cell.device for cell in logged.cells)
    yield "machine", machine_line(environment)


def _untracked(git: Mapping[str, Any]) -> str:
    names, contents = git.get("untracked") or (), git.get("contents") or {}
    shown = [name if name in contents else f"{name} (name only)" for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def _packages(environment: Mapping[str, Any]) -> str:
    packages, origins = environment.get("packages") or {}, environment.get("origins") or {}
    odd = [f"{name} {packages[name]} ({origin})" for name, origin in origins.items() if name in packages]
    return f"{len(packages)}" + (f", not from an index: {', '.join(odd)}" if odd else "")


def _counted(names: list[str], what: str) -> str:
    more = f", {names[1]}" if len(names) == 2 else f", ... {names[-1]}" if len(names) > 2 else ""
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''}: {names[0]}{more}"


def _distinct(items: Iterable[object]) -> str:
    return ", ".join(map(str, dict.fromkeys(items)))
