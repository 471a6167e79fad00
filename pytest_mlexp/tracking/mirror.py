"""What a journal says, put as MLflow runs: names, limits and shapes of MLflow, but nothing of MLflow itself."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import CellRecord, DatasetRecord, SessionRecord, TestRecord, to_dict
from pytest_mlexp.tracking.journal import JournalContents

UID = "mlexp.uid"
SESSION = "mlexp.session"
ACCEPTED = "accepted"
LONGEST_KEY = 250
LONGEST_PARAM = 6000
LONGEST_TAG = 5000
_ILLEGAL = re.compile(r"[^A-Za-z0-9_\-. :/]")


@dataclass(frozen=True)
class RunPlan:
    """One MLflow run as it should be.

    Attributes:
        uid: what this run is found by again.
        series: (key, value, step) of every metric point.
        files: artifact name -> the file to copy, or its content.
        status: an MLflow run status; ``started`` and ``ended`` are milliseconds since the epoch.
    """

    uid: str
    name: str
    status: str
    started: int
    ended: int
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    series: tuple[tuple[str, float, int], ...] = ()
    dataset: DatasetRecord | None = None
    files: Mapping[str, Path | bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentPlan:
    """One MLflow experiment of a session: its parent run and one run for each cell."""

    name: str
    description: str
    parent: RunPlan
    cells: tuple[RunPlan, ...]


def plan(journal: JournalContents, folder: Path) -> tuple[ExperimentPlan, ...]:
    """Say which runs a session's journal stands for.

    Raises:
        TrackingError: the journal has no session record, so nothing says what its cells belong to.
    """
    session = journal.session
    if session is None:
        raise TrackingError(f"the journal in {folder} has no session record: it was cut off before the first cell")
    common = _session_tags(session)
    by_experiment: dict[str, list[CellRecord]] = {}
    for cell in journal.cells:
        by_experiment.setdefault(cell.experiment, []).append(cell)
    tests: dict[tuple[str, str], dict[str, TestRecord]] = {}
    for test in journal.tests:  # of a test that was run again, the last time counts
        tests.setdefault((test.experiment, test.cell), {})[test.node] = test
    return tuple(
        ExperimentPlan(
            name,
            cells[0].description,
            _parent_plan(name, cells, journal, {**environment_files(session), **_accepted(folder)}, common),
            tuple(_cell_plan(c, [*tests.get((name, c.cell), {}).values()], session, folder) for c in cells),
        )
        for name, cells in by_experiment.items()
    )


def environment_files(session: SessionRecord) -> dict[str, Path | bytes]:
    """The files that say in which environment a session ran."""
    environment = dict(session.environment)
    if git := {key: value for key, value in _git(session).items() if key not in {"diff", "contents"}}:
        environment["git"] = git
    files: dict[str, Path | bytes] = {"environment.json": _json(environment), "session.json": _json(to_dict(session))}
    packages = environment.get("packages")
    if isinstance(packages, Mapping):
        lines = (f"{name}=={version}\n" for name, version in sorted(packages.items()))
        files["requirements.txt"] = "".join(lines).encode()
    if diff := _git(session).get("diff"):
        files["uncommitted.diff"] = str(diff).encode()
    return files


def stage(files: Mapping[str, Path | bytes], folder: Path) -> None:
    """Lay the files out in a folder, by link where the system lets us; a file that is gone is left out."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        elif content.exists():
            try:
                target.symlink_to(content.resolve())
            except OSError:  # Windows asks for a privilege
                shutil.copyfile(content, target)


def legal_key(name: str, taken: Iterable[str] = ()) -> str:
    """The nearest name MLflow takes; a short digest keeps two names apart that would become one."""
    key = re.sub(r"/{2,}", "/", _ILLEGAL.sub("_", name)).strip("/")
    key = re.sub(r"(?<![^/])\.{1,2}(?![^/])", "_", key) or "_"
    if len(key) <= LONGEST_KEY and key not in taken:
        return key
    return f"{key[: LONGEST_KEY - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _session_tags(session: SessionRecord) -> dict[str, str]:
    environment, git = session.environment, _git(session)
    dirty = git.get("dirty")
    found = {
        SESSION: session.session,
        "mlexp.environment": environment.get("digest"),
        "mlflow.source.name": " ".join(session.command)[:LONGEST_TAG],
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": git.get("commit"),
        "mlflow.source.git.branch": git.get("branch"),
        "mlflow.source.git.repoURL": git.get("remote"),
        "mlflow.source.git.dirty": None if dirty is None else str(bool(dirty)).lower(),
        "python": environment.get("python"),
        "platform": environment.get("platform") or platform.platform(),
    }
    return {key: _text(value)[:LONGEST_TAG] for key, value in found.items() if value not in (None, "")}


def _parent_plan(
    experiment: str,
    cells: Sequence[CellRecord],
    journal: JournalContents,
    files: Mapping[str, Path | bytes],
    common: Mapping[str, str],
) -> RunPlan:
    session, end = journal.session, journal.end
    assert session is not None  # noqa: S101 - plan() refused a journal without one
    last = max(cell.ended for cell in journal.cells)
    failed = sum(cell.error is not None for cell in cells)
    seeds = dict.fromkeys(seed for cell in cells for seed in cell.seeds)
    return RunPlan(
        uid=f"{session.session}/{experiment}",
        name=session.session,
        status=end.status if end else "KILLED",
        started=session.started,
        ended=end.ended if end else max(last, session.started),
        tags={UID: f"{session.session}/{experiment}", **common},
        params={"seeds": ", ".join(map(str, seeds))},
        series=(("cells", float(len(cells)), 0), ("failed_cells", float(failed), 0)),
        files=files,
    )


def _accepted(folder: Path) -> dict[str, Path | bytes]:
    """The lock that the session wrote, with its vectors; nothing when it accepted nothing."""
    root = folder / ACCEPTED
    return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}


def _cell_plan(cell: CellRecord, tests: list[TestRecord], session: SessionRecord, folder: Path) -> RunPlan:
    long: dict[str, str] = {}
    tags = _shortened(_cell_tags(cell, tests, session), LONGEST_TAG, long, "tag ")
    files: dict[str, Path | bytes] = {name: folder / path for name, path in cell.artifacts.items()}
    flips = folder / "flips" / cell.experiment / f"{cell.cell}.csv"
    if flips.exists():
        files["flips.csv"] = flips
    files.setdefault("evaluation.json", _json({**to_dict(cell), "tests": [to_dict(test) for test in tests]}))
    params = _shortened(_cell_params(cell), LONGEST_PARAM, long, "param ")
    if cell.traceback:
        files["traceback.txt"] = cell.traceback.encode()
    if long:
        files["long_values.json"] = _json(long)
    failed = cell.error is not None or any(test.outcome == "failed" for test in tests)
    return RunPlan(
        uid=tags[UID],
        name=cell.cell,
        status="FAILED" if failed else "FINISHED",
        started=cell.started,
        ended=cell.ended,
        tags=tags,
        params=params,
        series=_series(cell),
        dataset=cell.dataset if cell.dataset.digest else None,
        files=files,
    )


def _cell_tags(cell: CellRecord, tests: list[TestRecord], session: SessionRecord) -> dict[str, str]:
    outcomes = {test.outcome for test in tests}
    worst = next((o for o in ("failed", "passed", "skipped") if o in outcomes), None)
    bad = sorted(name for name, metric in cell.metrics.items() if not metric.finite)
    verdicts = {
        f"mlexp.gate.{v.gate}{' (anchor)' if v.against == 'anchor' else ''}": f"{v.status}: {v.reason}"
        for test in tests
        for v in test.verdicts
    }
    found = {
        UID: f"{session.session}/{cell.experiment}/{cell.cell}",
        SESSION: session.session,
        "mlexp.cell": cell.cell,
        "mlexp.model": cell.model,
        "mlexp.dataset": cell.dataset.name,
        "mlexp.dataset.version": cell.dataset.version,
        "mlexp.dataset.digest": cell.dataset.digest,
        "mlexp.evaluator": cell.evaluator,
        "mlexp.device": cell.device,
        "mlexp.environment": session.environment.get("digest"),
        "mlflow.source.git.commit": _git(session).get("commit"),
        "mlexp.test": " ".join(test.node for test in tests),
        "mlexp.outcome": worst,
        "mlexp.message": next((test.message for test in tests if test.outcome == "failed"), None),
        "mlexp.error": cell.error,
        "mlexp.not_finite": ", ".join(bad),
        "mlexp.notes": "\n".join(cell.notes),
        "mlexp.maximize": ", ".join(sorted(n for n, m in cell.metrics.items() if m.maximize)),
        **{f"mlexp.fingerprint.{role}": digest for role, digest in cell.fingerprints.items()},
        **verdicts,
    }
    return {key: _text(value) for key, value in found.items() if value not in (None, "")}


def _cell_params(cell: CellRecord) -> dict[str, str]:
    described = {
        "seeds": ", ".join(str(seed) for seed in dict.fromkeys(cell.seeds)),
        "splits": ", ".join(dict.fromkeys(cell.splits)),
        "model": cell.model,
        "device": cell.device,
    }
    return {**{name: value for name, value in described.items() if value}, **cell.model_parameters, **cell.params}


def _series(cell: CellRecord) -> tuple[tuple[str, float, int], ...]:
    """Mean, spread and the value of each trial; a single trial has neither spread nor series."""
    keys: dict[str, str] = {}
    for name in cell.metrics:
        keys[name] = legal_key(name, keys.values())
    taken = set(keys.values())
    points: list[tuple[str, float, int]] = []
    for name, metric in cell.metrics.items():
        points.append((keys[name], metric.mean, 0))
        if len(metric.values) > 1:
            points.append((legal_key(f"{keys[name]}.std", taken), metric.spread, 0))
            trials = legal_key(f"{keys[name]}.trials", taken)
            points.extend((trials, value, step) for step, value in enumerate(metric.values))
    for name, seconds in (("fit_seconds", cell.fit_seconds), ("predict_seconds", cell.predict_seconds)):
        if seconds and name not in taken:
            points.append((name, math.fsum(seconds) / len(seconds), 0))
    return tuple(points)


def _shortened(values: Mapping[str, str], longest: int, long: dict[str, str], prefix: str) -> dict[str, str]:
    """The values under legal keys, cut where they are too long; what was cut goes whole into ``long``."""
    short: dict[str, str] = {}
    for name, value in values.items():
        key = legal_key(name, short)
        if len(value) > longest:
            long[prefix + name] = value
        short[key] = value if len(value) <= longest else value[: longest - 3] + "..."
    return short


def _git(session: SessionRecord) -> Mapping[str, Any]:
    git = session.environment.get("git")
    return git if isinstance(git, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, default=str, ensure_ascii=False).encode()
