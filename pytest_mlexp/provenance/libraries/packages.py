"""Installed distributions: which one a module is from, its version, and what it requires."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Any

from pytest_mlexp.provenance.libraries.contents import content
from pytest_mlexp.provenance.libraries.folders import OWN_FOLDER, is_library

OWN_DISTRIBUTION = "pytest-mlexp"
_OUR_CODE = (
    "blocks",
    "execution",
    "gates",
    "mocks",
    "records",
    "evaluation.py",
    "tracking/description.py",
    "tracking/predictions.py",
)  # what a number of a trial, and a file of a cell, can depend on


def versions(root: str) -> dict[str, str]:
    """The distributions that give the top-level module ``root``, and all that they require: name -> version.

    Only what is installed counts, with the requirements that hold here. A module that no distribution
    claims, which lies in a library folder all the same, has the version ``unknown``.
    """
    if is_own(root):
        return {OWN_DISTRIBUTION: own_version()}
    found: dict[str, str] = {}
    for name in owners(root):
        found |= dict(_with_requirements(name))
    return found or {root: "unknown"}


@functools.cache
def version_of(module: str) -> str:
    """The version of the distribution a module is from; the standard library has Python's, we have none."""
    root = module.partition(".")[0]
    if is_own(module):
        return OWN_DISTRIBUTION
    if is_standard(root) or root == "":
        return f"python {sys.version_info.major}.{sys.version_info.minor}"
    return " ".join(f"{name} {version}" for name, version in sorted(versions(root).items()))


@functools.cache
def own_version() -> str:
    """Our version; where we are not installed but worked on, with a digest of the code that numbers depend on."""
    version = metadata.version(OWN_DISTRIBUTION)
    if is_library(OWN_FOLDER):
        return version
    folder = Path(OWN_FOLDER)
    files = sorted(file for name in _OUR_CODE for file in [folder / name, *(folder / name).rglob("*.py")])
    content = b"".join(file.read_bytes() for file in files if file.is_file())
    return f"{version}+{blake2b(content, digest_size=4).hexdigest()}"


def is_standard(root: str) -> bool:
    """Whether a top-level module is of the standard library, by its name."""
    return root in sys.stdlib_module_names


def is_own(module: str) -> bool:
    """Whether a module is of this package."""
    return module.partition(".")[0] == __name__.partition(".")[0]


@functools.cache
def owners(root: str) -> tuple[str, ...]:
    """The distributions that hold a top-level module; by its own name first, which is quick."""
    with suppress(metadata.PackageNotFoundError, ValueError):
        if name := named(metadata.distribution(root))[0]:
            return (normal(name),)
    return tuple(sorted({name for name, there in _claims() if _claimed(root, *there)}))


@functools.cache
def _claims() -> tuple[tuple[str, tuple[str, str]], ...]:
    """Each distribution with its ``top_level.txt`` and, where it has none, its list of files."""
    found = []
    for distribution in metadata.distributions():
        names = distribution.read_text("top_level.txt") or ""
        files = "" if names else distribution.read_text("RECORD") or ""
        if name := named(distribution)[0]:
            found.append((normal(name), (names, files)))
    return tuple(found)


def _claimed(root: str, names: str, files: str) -> bool:
    own_file = rf"^{re.escape(root)}(/|\.[^,/]*(py|so|pyd),)"
    return root in names.split() or re.search(own_file, files, re.MULTILINE) is not None


@functools.cache
def _with_requirements(name: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    waiting = [(name, frozenset[str]())]
    while waiting:
        current, extras = waiting.pop()
        try:
            distribution = metadata.distribution(current)
        except metadata.PackageNotFoundError:
            continue
        if current not in found or extras:
            what = content(distribution)
            found[current] = f"{named(distribution)[1]} ({what})" if what else named(distribution)[1]
            waiting += [(n, e) for n, e in _requirements(distribution, extras) if n not in found]
    return tuple(sorted(found.items()))


def _requirements(distribution: metadata.Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    from packaging.requirements import InvalidRequirement, Requirement

    for line in distribution.requires or ():
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield normal(wanted.name), frozenset(wanted.extras)


def named(distribution: metadata.Distribution) -> tuple[str, str]:
    """The name and the version of a distribution, empty where an installer left none.

    They are looked up in the heading: ``distribution.metadata`` parses the whole description, for ten times as long.
    """
    heading = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    name, version = (re.search(rf"^{field}:[ \t]*(\S+)[ \t]*$", heading, re.MULTILINE) for field in ("Name", "Version"))
    if name is not None and version is not None:
        return name[1], version[1]
    described: Any = distribution.metadata
    return (described["Name"] or "", described["Version"] or "") if described else ("", "")


def normal(name: str) -> str:
    """A distribution's name as all its spellings have it in common."""
    return re.sub(r"[-_.]+", "-", name).lower()
