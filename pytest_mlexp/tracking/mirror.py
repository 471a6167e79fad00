"""What a journal says, put as MLflow runs: names, limits and shapes of MLflow, but nothing of MLflow itself."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import CellRecord, DatasetRecord, SessionRecord, TestRecord, to_dict
from pytest_mlexp.tracking.journal import JournalContents
from pytest_mlexp.tracking.limits import FOLDER_VARIABLE, MLFLOW, Limits, experiment_name, fitted
from pytest_mlexp.tracking.points import points_of
from pytest_mlexp.tracking.results import result_digest

UID = "mlexp.uid"
SESSION = "mlexp.session"
ACCEPTED = "accepted"
REPORT = "report.html"
LONG_VALUES = "long_values.json"
RESULT = "mlexp.result"


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


def plan(
    journal: JournalContents, folder: Path, limits: Limits = MLFLOW, cells: Collection[CellRecord] | None = None
) -> tuple[ExperimentPlan, ...]:
    """Say which runs a session's journal stands for, in a store with these limits; ``cells`` are all by default.

    Raises:
        TrackingError: the journal has no session record, so nothing says what its cells belong to, or the
            store wants its experiments in a folder.
    """
    session = journal.session
    if session is None:
        why = "it is damaged" if journal.damage else "it was cut off before the first cell"
        raise TrackingError(f"the journal in {folder} has no session record: {why}")
    by_experiment: dict[str, list[CellRecord]] = {}
    for cell in journal.cells:
        by_experiment.setdefault(cell.experiment, []).append(cell)
    tests = tests_by_cell(journal)
    wanted = {(cell.experiment, cell.cell) for cell in (journal.cells if cells is None else cells)}
    return tuple(
        ExperimentPlan(
            experiment_name(name, session.experiment_folder or os.environ.get(FOLDER_VARIABLE), limits),
            every[0].description,
            _parent_plan(name, every, journal, {**environment_files(session), **_session_files(folder)}, limits),
            tuple(
                _cell_plan(c, tests.get((name, c.cell), ()), session, folder, limits)
                for c in every
                if (name, c.cell) in wanted
            ),
        )
        for name, every in by_experiment.items()
    )


def tests_by_cell(journal: JournalContents) -> dict[tuple[str, str], tuple[TestRecord, ...]]:
    """The tests of each cell; of a test that was run again, the last time counts."""
    tests: dict[tuple[str, str], dict[str, TestRecord]] = {}
    for test in journal.tests:
        tests.setdefault((test.experiment, test.cell), {})[test.node] = test
    return {cell: tuple(found.values()) for cell, found in tests.items()}


def uid_of(session: str, cell: CellRecord) -> str:
    """What the run of a cell is found by again."""
    return f"{session}/{cell.experiment}/{cell.cell}"


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


def _session_tags(session: SessionRecord, continued: int) -> dict[str, str]:
    environment, git = session.environment, _git(session)
    dirty = git.get("dirty")
    found = {
        SESSION: session.session,
        "mlexp.environment": environment.get("digest"),
        "mlflow.source.name": " ".join(session.command),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": git.get("commit"),
        "mlflow.source.git.branch": git.get("branch"),
        "mlflow.source.git.repoURL": git.get("remote"),
        "mlflow.source.git.dirty": None if dirty is None else str(bool(dirty)).lower(),
        "python": environment.get("python"),
        "platform": environment.get("platform") or platform.platform(),
        "mlexp.continued": continued or None,
    }
    return {key: _text(value) for key, value in found.items() if value not in (None, "")}


def _parent_plan(
    experiment: str,
    cells: Sequence[CellRecord],
    journal: JournalContents,
    files: Mapping[str, Path | bytes],
    limits: Limits,
) -> RunPlan:
    session, end = journal.session, journal.end
    assert session is not None  # noqa: S101 - plan() refused a journal without one
    absent = {"mlexp.absent": told} if (told := _absent(experiment, cells, journal.tests)) else {}
    tags = {UID: f"{session.session}/{experiment}", **_session_tags(session, journal.continued), **absent}
    shown = fitted(tags, limits.tag, limits, most=limits.tags)
    seeds = dict.fromkeys(seed for cell in cells for seed in cell.seeds)
    params = fitted({"seeds": ", ".join(map(str, seeds))}, limits.param, limits)
    if long := {**_prefixed("tag ", shown.long), **_prefixed("param ", params.long)}:
        files = {**files, LONG_VALUES: _json(long)}
    last = max(cell.ended for cell in journal.cells)
    failed = sum(cell.error is not None for cell in cells)
    return RunPlan(
        uid=f"{session.session}/{experiment}",
        name=session.session,
        status=end.status if end else "KILLED",
        started=session.started,
        ended=end.ended if end else max(last, session.started),
        tags=shown.values,
        params=params.values,
        series=(("cells", float(len(cells)), 0), ("failed_cells", float(failed), 0)),
        files=files,
    )


def _absent(experiment: str, cells: Iterable[CellRecord], tests: Iterable[TestRecord]) -> str:
    """The cells of an experiment that have a verdict and no run: skipped, vanished."""
    there = {cell.cell for cell in cells}
    absent = [test for test in tests if test.experiment == experiment and test.cell not in there]
    found = {f"{test.cell}: {verdict.status}": None for test in absent for verdict in test.verdicts}
    return "; ".join(found)


def _session_files(folder: Path) -> dict[str, Path | bytes]:
    """The report on a session that has ended, and the lock that it wrote, with its vectors, if it accepted anything."""
    root, report = folder / ACCEPTED, folder / REPORT
    found = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {**found, REPORT: report} if report.exists() else {**found}


def _cell_plan(
    cell: CellRecord, tests: Sequence[TestRecord], session: SessionRecord, folder: Path, limits: Limits
) -> RunPlan:
    tags = fitted(_cell_tags(cell, tests, session), limits.tag, limits, most=limits.tags)
    files: dict[str, Path | bytes] = {name: folder / path for name, path in cell.artifacts.items()}
    flips = folder / "flips" / cell.experiment / f"{cell.cell}.csv"
    if flips.exists():
        files["flips.csv"] = flips
    files.setdefault("evaluation.json", _json({**to_dict(cell), "tests": [to_dict(test) for test in tests]}))
    params = fitted(_cell_params(cell), limits.param, limits)
    if cell.traceback:
        files["traceback.txt"] = cell.traceback.encode()
    if long := {**_prefixed("tag ", tags.long), **_prefixed("param ", params.long)}:
        files[LONG_VALUES] = _json(long)
    failed = cell.error is not None or any(test.outcome == "failed" for test in tests)
    return RunPlan(
        uid=tags.values[UID],
        name=cell.cell,
        status="FAILED" if failed else "FINISHED",
        started=cell.started,
        ended=cell.ended,
        tags=tags.values,
        params=params.values,
        series=points_of(cell, tests, limits),
        dataset=cell.dataset if cell.dataset.digest else None,
        files=files,
    )


def _cell_tags(cell: CellRecord, tests: Sequence[TestRecord], session: SessionRecord) -> dict[str, str]:
    outcomes = {test.outcome for test in tests}
    worst = next((o for o in ("failed", "passed", "skipped") if o in outcomes), None)
    bad = sorted(name for name, metric in cell.metrics.items() if not metric.finite)
    verdicts = {
        f"mlexp.gate.{v.gate}{' (anchor)' if v.against == 'anchor' else ''}": f"{v.status}: {v.reason}"
        for test in tests
        for v in test.verdicts
    }
    found = {
        UID: uid_of(session.session, cell),
        SESSION: session.session,
        RESULT: result_digest(cell),
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
        "mlexp.reused": f"{cell.reused} of {len(cell.trials)} trials" if cell.reused else None,
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


def _prefixed(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    return {prefix + name: value for name, value in values.items()}


def _git(session: SessionRecord) -> Mapping[str, Any]:
    git = session.environment.get("git")
    return git if isinstance(git, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, default=str, ensure_ascii=False).encode()
