"""The recorded code in a folder of its own: a git worktree at the commit, with the uncommitted part applied."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.reproduction.logged import Logged
from pytest_mlexp.reproduction.patches import binary_files
from pytest_mlexp.tracking.git import CUT, outside_variables

HERE = "or use --here to run in this working copy and see what differs"


@contextmanager
def worktree(logged: Logged, top: Path, folder: Path, *, link: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Make the worktree and give what is to be said of it; it is removed again when the body raises.

    Args:
        logged: what is to be had again.
        top: the checkout that holds the commit.
        folder: where the worktree is made.
        link: files and folders of the checkout that git does not track, to be linked into the worktree.

    Raises:
        SettingsError: there is no git, no commit, or the recorded diff does not apply.
    """
    commit = logged.git.get("commit")
    if not commit:
        raise SettingsError(f"the record of {logged.name} names no commit to make a worktree of; {HERE}")
    _check(logged, top, folder, str(commit))
    git(top, "worktree", "add", "--detach", str(folder), str(commit))
    try:
        yield (*_apply(logged, folder), *_link(top, folder, link))
    except BaseException:
        git(top, "worktree", "remove", "--force", str(folder))
        raise


def git(folder: Path, *arguments: str, given: str | None = None) -> str:
    """Run a git command in a folder and return what it says.

    Raises:
        SettingsError: it failed; the message has its words.
    """
    program = shutil.which("git")
    if program is None:
        raise SettingsError(f"git is not installed: a worktree cannot be made; {HERE}")
    done = subprocess.run(  # noqa: S603 - a fixed program
        [program, "-C", str(folder), *arguments],
        input=None if given is None else given.encode("utf-8", "surrogateescape"),
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        env=outside_variables(),
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise SettingsError(f"git {arguments[0]} failed in {folder}: {said[:400]}")
    return done.stdout.decode("utf-8", "replace")


def _check(logged: Logged, top: Path, folder: Path, commit: str) -> None:
    if folder.exists():
        raise SettingsError(
            f"{folder} is there already: remove it with `git worktree remove --force {folder}`, or name another folder "
            "with --into"
        )
    if not (top / ".git").exists():
        raise SettingsError(
            f"{top} is no git checkout: start in a clone of {logged.git.get('remote') or 'the project'}; {HERE}"
        )
    try:
        git(top, "cat-file", "-e", f"{commit}^{{commit}}")
    except SettingsError:
        remote = logged.git.get("remote")
        where = f"; it was recorded in a clone of {remote}" if remote else ""
        raise SettingsError(
            f"commit {commit[:12]} (branch {logged.git.get('branch') or 'unknown'}) is not in this clone{where}: "
            f"`git fetch` it first, {HERE}"
        ) from None


def _apply(logged: Logged, folder: Path) -> Iterator[str]:
    unfaithful = tuple(logged.git.get("unfaithful") or ())
    yield from (f"{reason}: the code is not quite what ran" for reason in unfaithful if reason != CUT)
    diff, lost = logged.git.get("diff"), binary_files(logged.git.get("diff"))
    if CUT in unfaithful or (logged.git.get("dirty") and not diff):
        yield "the uncommitted diff is not in the record, or not whole: the commit alone is run"
    elif diff:
        yield from (f"the changed content of the binary file {name} is not in the record" for name in lost)
        left_out = [f"--exclude={name}" for name in lost]
        try:
            git(folder, "apply", "--whitespace=nowarn", *left_out, "-", given=str(diff))
        except SettingsError as error:
            raise SettingsError(f"the recorded diff does not apply to its commit: {error}; {HERE}") from None
    contents = logged.git.get("contents") or {}
    for name, text in contents.items():
        target = folder / _inside(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
    if lost := [name for name in logged.git.get("untracked") or () if name not in contents]:
        yield f"files that git did not track, whose contents are not in the record: {', '.join(lost[:10])}"


def _link(top: Path, folder: Path, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        source, target = top / _inside(name), folder / _inside(name)
        if not source.exists():
            raise SettingsError(f"--link {name}: there is no {source}")
        if target.exists():
            raise SettingsError(f"--link {name}: git tracks it, the worktree has it as it was committed")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())
        yield f"{name} is the one of this working copy"


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ".git" in path.parts:
        raise SettingsError(f"the path {name!r} leads out of the checkout")
    return path
