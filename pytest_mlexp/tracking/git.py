"""What git says of a folder: commit, branch, remote, and what is not committed yet."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from pytest_mlexp.tracking.place import checkout
from pytest_mlexp.tracking.secrets import redact_diff, redact_uri
from pytest_mlexp.tracking.untracked import contents

TIMEOUT = 4.0
LONGEST_DIFF = 1_000_000
MOST_UNTRACKED = 1_000
CUT = "the diff was cut"

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# A git hook sets these for its own repository and index; the folder asked about decides here.
_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


@dataclass(frozen=True)
class GitState:
    """The state of a checkout. A field is None where git is not there, or could not say it in time.

    Attributes:
        commit: full hash; None also before the first commit.
        branch: None also for a detached head.
        dirty: whether a tracked file differs from the commit, staged or not.
        remote: address of ``origin``, or of the first remote, without credentials.
        diff: tracked changes against the commit, staged ones included, as a patch. Credentials in URIs,
            well-known tokens, private keys and what added lines give a secret name are hidden, and a longer diff is
            cut after a million characters.
        untracked: files git neither tracks nor ignores, relative to the top of the checkout.
        contents: the texts of the small source and configuration files among them.
        unfaithful: why the diff or a content is not what it was: ``CUT``, or where secrets were hidden.
    """

    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    remote: str | None = None
    diff: str | None = None
    untracked: tuple[str, ...] | None = None
    contents: dict[str, str] = field(default_factory=dict)
    unfaithful: tuple[str, ...] = ()


def git_state(root: Path) -> GitState:
    """Read the state of the checkout that holds ``root``. Never raises; gives up after four seconds."""
    deadline = time.monotonic() + TIMEOUT
    status = ["status", "--porcelain=v2", "--branch", "-z"]
    listing = _git(root, [*status, "--untracked-files=all"], deadline - TIMEOUT / 2)
    known = listing is not None
    if listing is None and time.monotonic() > deadline - TIMEOUT / 2:  # a folder with very many loose files
        listing = _git(root, [*status, "--untracked-files=no"], deadline)
    if listing is None:
        return GitState()
    header, changed, untracked = _parse(listing)
    commit = header.get("branch.oid")
    commit = None if commit == "(initial)" else commit
    branch = header.get("branch.head")
    diff, unfaithful = _diff(root, commit, deadline) if changed else ("", ())
    texts, redacted = contents(checkout(root), untracked) if known else ({}, ())
    return GitState(
        commit=commit,
        branch=None if branch == "(detached)" else branch,
        dirty=changed,
        remote=_remote(root, deadline),
        diff=diff,
        untracked=untracked if known else None,
        contents=texts,
        unfaithful=(*unfaithful, *(f"secrets hidden in {name}" for name in redacted)),
    )


def _parse(listing: str) -> tuple[dict[str, str], bool, tuple[str, ...]]:
    """Split ``git status --porcelain=v2 -z`` into header, whether a tracked file changed, and loose files."""
    header: dict[str, str] = {}
    untracked: list[str] = []
    changed = False
    entries = iter(listing.split("\0"))
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            header[name] = value
        elif kind == "?":
            untracked.append(rest)
        elif kind in {"1", "2", "u"}:
            changed = True
            if kind == "2":
                next(entries, None)  # a renamed entry is followed by its former path
    if len(untracked) > MOST_UNTRACKED:
        untracked[MOST_UNTRACKED:] = [f"... and {len(untracked) - MOST_UNTRACKED} more"]
    return header, changed, tuple(untracked)


def _remote(root: Path, deadline: float) -> str | None:
    listing = _git(root, ["config", "--null", "--get-regexp", r"^remote\..*\.url$"], deadline)
    pairs = [entry.partition("\n") for entry in (listing or "").split("\0") if entry]
    remotes = {key: address for key, _, address in reversed(pairs)}
    address = remotes.get("remote.origin.url") or (pairs[0][2] if pairs else None)
    return redact_uri(address) if address else None


def _diff(root: Path, commit: str | None, deadline: float) -> tuple[str | None, tuple[str, ...]]:
    """The diff as it may be recorded, and what makes it unfaithful."""
    command = ["diff", "--no-color", "--no-ext-diff", "--no-textconv", commit or _EMPTY_TREE]
    diff = _git(root, command, deadline)
    if diff is None:
        return None, ()
    shown = redact_diff(diff[:LONGEST_DIFF])
    hidden = ("secrets hidden in the diff",) if shown != diff[:LONGEST_DIFF] else ()
    if len(diff) <= LONGEST_DIFF:
        return shown, hidden
    return f"{shown}\n... cut, {len(diff) - LONGEST_DIFF} more characters\n", (CUT, *hidden)


def outside_variables() -> dict[str, str]:
    """The environment for a git command on a folder of its own, also where a git hook started us."""
    return {key: value for key, value in os.environ.items() if key not in _INHERITED} | _QUIET


def _git(root: Path, arguments: list[str], deadline: float) -> str | None:
    """Output of a git command that only reads; None when it failed, is not installed or came too late."""
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands that only read
            [program, "-c", "core.fsmonitor=false", "-C", os.fspath(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=outside_variables(),
            timeout=max(deadline - time.monotonic(), 0.01),
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", errors="replace")
