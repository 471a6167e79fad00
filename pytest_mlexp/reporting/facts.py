"""What a session's record says of where it ran, in a line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def commit_line(git: Mapping[str, Any]) -> str:
    """The commit, its branch, whether there were uncommitted changes, and where it is from."""
    if not git.get("commit"):
        return "not recorded"
    state = {True: "with uncommitted changes", False: "clean"}.get(git.get("dirty") or False, "")
    where = f", {git['remote']}" if git.get("remote") else ""
    return f"{git['commit'][:12]} on {git.get('branch') or 'no branch'}, {state}{where}"


def machine_line(environment: Mapping[str, Any]) -> str:
    """Processor, cores, platform and accelerators."""
    found = environment.get("machine") or {}
    accelerators = [str(one.get("name")) for one in environment.get("accelerators") or ()]
    parts = [found.get("cpu"), f"{found.get('usable_cores')} cores", environment.get("platform"), *accelerators]
    return ", ".join(str(part) for part in parts if part)
