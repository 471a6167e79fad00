"""What differs between two records of a cell, as possible causes of different numbers, best evidence first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from pytest_mlexp.records import CellRecord
from pytest_mlexp.reproduction.patches import changed_files, same_checkout
from pytest_mlexp.tracking.git import CUT

Environment = Mapping[str, Any]

DIFF_MISSING = "uncommitted diff missing"
DIFF_ALTERED = "uncommitted diff altered"
OTHER_CODE = "other code changed"
NOT_DETERMINISTIC = "nothing recorded differs"
# The order is that of the evidence: what was seen to differ in the cell itself comes before what surrounds it.
KINDS = (
    DIFF_MISSING,
    DIFF_ALTERED,
    "data changed",
    "split changed",
    "seeds changed",
    "parameters changed",
    "model code changed",
    "evaluator code changed",
    OTHER_CODE,
    "uncommitted files changed",
    "package changed",
    "Python changed",
    "environment variable changed",
    "hardware changed",
    "operating system changed",
    "commit changed",
    "other package changed",
    NOT_DETERMINISTIC,
)
MOST_NAMED = 6


@dataclass(frozen=True, order=True)
class Cause:
    """One possible cause: ``kind`` is one of KINDS, ``what`` says old -> new."""

    rank: int
    what: str

    @property
    def kind(self) -> str:
        """Its kind."""
        return KINDS[self.rank]

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def cause(kind: str, what: str) -> Cause:
    """A cause of that kind."""
    return Cause(KINDS.index(kind), what)


def of_cells(logged: CellRecord, again: CellRecord) -> tuple[Cause, ...]:
    """What differs in a cell itself: data, split, seeds, parameters, code."""
    return (*_of_data(logged, again), *_of_values(logged, again), *_of_code(logged, again))


def of_sessions(logged: Environment, again: Environment, *, imported: frozenset[str], code: bool) -> tuple[Cause, ...]:
    """What differs around the cells.

    Args:
        logged: the environment as recorded; ``again`` likewise.
        again: the environment of the reproduction.
        imported: names of the packages that the team's code imports.
        code: whether the code of a cell was seen to differ.
    """
    return (
        *_of_checkout(logged.get("git") or {}, again.get("git") or {}, code=code),
        *_of_packages(logged, again, imported),
        *_of_python(logged, again),
        *_of_variables(logged, again),
        *_of_machine(logged, again),
    )


def of_reads(logged: CellRecord, again: CellRecord) -> tuple[Cause, ...]:
    """What differs in the variables that the team's code reads, where the code is the same."""
    if logged.sources != again.sources or not logged.reads:  # a record of an earlier version knows of none
        return ()
    changed = _changed(logged.reads, again.reads)
    return tuple(cause("environment variable changed", f"{name} {change}") for name, change in changed.items())


def _of_data(logged: CellRecord, again: CellRecord) -> Iterator[Cause]:
    one, other = logged.dataset, again.dataset
    known = None not in {one.digest, other.digest, one.split, other.split}
    split = known and one.split != other.split
    content = one.content != other.content if known else one.digest != other.digest
    if content and other.digest is not None:
        versions = f", version {one.version} -> {other.version}" if one.version != other.version else ""
        digests = f"{_short(one.content or one.digest)} -> {_short(other.content or other.digest)}"
        rows = f", {one.rows} -> {other.rows} rows" if one.rows != other.rows else ""
        yield cause("data changed", f"{one.name} {digests}{rows}{versions}")
    if split or (other.digest and set(logged.splits) != set(again.splits) and again.splits and logged.splits):
        yield cause("split changed", f"{one.name} {_short(one.split)} -> {_short(other.split)}")


def _of_values(logged: CellRecord, again: CellRecord) -> Iterator[Cause]:
    if set(logged.seeds) != set(again.seeds):
        yield cause("seeds changed", f"{_listed(logged.seeds)} -> {_listed(again.seeds)}")
    before, after = ({**c.model_parameters, **c.params} for c in (logged, again))
    if again.error is None and logged.error is None and (changed := _changes(before, after)):
        yield cause("parameters changed", f"{logged.model}: {_some(changed)}")


def changed_sources(logged: CellRecord, again: CellRecord) -> list[str]:
    """The first-party files that both had loaded, and that differ."""
    shared = logged.sources.keys() & again.sources.keys()
    return sorted(name for name in shared if logged.sources[name] != again.sources[name])


def _of_code(logged: CellRecord, again: CellRecord) -> Iterator[Cause]:
    files = changed_sources(logged, again)
    roles = [
        (role, name)
        for role, name in (("model", logged.model), ("evaluator", logged.evaluator))
        if logged.fingerprints and again.fingerprints and logged.fingerprints.get(role) != again.fingerprints.get(role)
    ]
    for role, name in roles:
        yield cause(f"{role} code changed", f"{name}{f' (in {_some(files)})' if files else ''}")
    if files and not roles:
        yield cause(OTHER_CODE, _some(files))


def _of_checkout(logged: Environment, again: Environment, *, code: bool) -> Iterator[Cause]:
    unfaithful = logged.get("unfaithful") or ()
    if logged.get("dirty") and (not logged.get("diff") or CUT in unfaithful) and (code or not again.get("dirty")):
        why = CUT if CUT in unfaithful else "the record says that tracked files were changed, and holds no diff"
        yield cause(DIFF_MISSING, why)
    elif logged.get("commit") is not None and same_checkout(logged, again):
        if code:
            yield cause(
                DIFF_ALTERED,
                "the code is not what the recorded commit and diff give: they were altered, or git ignores the file",
            )
    elif logged.get("commit") != again.get("commit"):
        if logged.get("commit") and again.get("commit"):
            yield cause("commit changed", f"{_short(logged['commit'])} -> {_short(again['commit'])}")
    elif changed := changed_files(logged, again):
        yield cause("uncommitted files changed", _some(changed))


def _of_packages(logged: Environment, again: Environment, imported: frozenset[str]) -> Iterator[Cause]:
    known = [environment.get("contents") for environment in (logged, again)]
    both = set() if None in known else {name for contents in known for name in contents or {}}
    changed = _changed(_versions(logged, both), _versions(again, both))
    for name in sorted(changed.keys() & imported):
        yield cause("package changed", f"{name} {changed[name]}")
    if others := [f"{name} {change}" for name, change in sorted(changed.items()) if name not in imported]:
        yield cause("other package changed", ", ".join(others))


def _versions(environment: Environment, known: AbstractSet[str]) -> dict[str, str]:
    """The versions of packages, with what tells two of one version apart, where both records know it."""
    packages, contents = environment.get("packages") or {}, environment.get("contents") or {}
    return {
        name: f"{version} ({contents[name]})" if name in contents and name in known else version
        for name, version in packages.items()
    }


def _of_python(logged: Environment, again: Environment) -> Iterator[Cause]:
    one, other = (f"{e.get('implementation', 'Python')} {e.get('python')}" for e in (logged, again))
    if one != other:
        yield cause("Python changed", f"{one} -> {other}")


def _of_variables(logged: Environment, again: Environment) -> Iterator[Cause]:
    for change in _changes(logged.get("variables") or {}, again.get("variables") or {}):
        yield cause("environment variable changed", change)


def _of_machine(logged: Environment, again: Environment) -> Iterator[Cause]:
    one, other = logged.get("machine") or {}, again.get("machine") or {}
    hardware = {"cpu": "CPU", "architecture": "architecture", "usable_cores": "usable cores"}
    for name, told in hardware.items():
        if one.get(name) != other.get(name):
            yield cause("hardware changed", f"{told} {one.get(name)} -> {other.get(name)}")
    before, after = (
        [f"{a.get('name')} (driver {a.get('driver')})" for a in e.get("accelerators") or ()] for e in (logged, again)
    )
    if before != after:
        yield cause("hardware changed", f"accelerators {_listed(before)} -> {_listed(after)}")
    systems = [f"{m.get('system')} {m.get('base')}" for m in (one, other)]
    if systems[0] != systems[1]:
        yield cause("operating system changed", f"{systems[0]} -> {systems[1]}")


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    return {
        name: f"{before.get(name, 'absent')} -> {after.get(name, 'absent')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [f"{name} {change}" for name, change in _changed(before, after).items()]


def _some(items: list[str]) -> str:
    more = f" and {len(items) - MOST_NAMED} more" if len(items) > MOST_NAMED else ""
    return ", ".join(items[:MOST_NAMED]) + more


def _listed(items: Any) -> str:
    return ", ".join(map(str, dict.fromkeys(items))) or "none"


def _short(digest: str | None) -> str:
    return (digest or "unknown")[:8]
