"""The accepted state: ``mlexp.lock``, a text to be reviewed in git, and beside it what pairing needs."""

from __future__ import annotations

import math
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from pytest_mlexp.errors import GateError, SettingsError
from pytest_mlexp.gates.contributions import Kind
from pytest_mlexp.gates.statistics import Side
from pytest_mlexp.gates.vectors import unpack
from pytest_mlexp.records import from_dict, to_dict

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

FILE_NAME = "mlexp.lock"
FORMAT = 1
ANCHOR = " anchor"
GROUPS = " groups"
_HEAD = """\
# What is accepted of the experiments tested here. Made by pytest-mlexp, not by hand: in the project's root
#     pytest --mlexp --mlexp-accept{option}
# writes it anew (-k selects cells), with the folder {name}.d beside it. A change here is a change of what is
# accepted: review it in the diff, as code.
"""


@dataclass(frozen=True)
class Accepted:
    """A metric as it was accepted.

    Attributes:
        value: mean over the runs; ``spread``: their sample standard deviation.
        runs: the value of each run.
        residual: variance of one contribution left when run and example are accounted for.
        kind: what was paired; ``columns``: a digest of it.
        unchanged: digests of the runs of the declared seeds; equal ones mean that nothing changed.
        hardware: for timings, where they were taken; ``pace``: the seconds of a fixed piece of work beside them.
    """

    value: float
    spread: float
    runs: tuple[float, ...]
    kind: Kind
    columns: str = ""
    residual: float = 0.0
    unchanged: tuple[str, ...] = ()
    hardware: str | None = None
    pace: float | None = None

    @property
    def finite(self) -> bool:
        """Whether there are runs, and every number is finite."""
        return bool(self.runs) and all(map(math.isfinite, (self.value, self.spread, self.residual, *self.runs)))

    @property
    def typical(self) -> float:
        """The value; of timings the median, for the first ones of a process take longer than any that follow."""
        return self.value if self.hardware is None else float(np.median(self.runs))

    def side(self, vector: FloatArray | None) -> Side:
        """The accepted runs as one side of a comparison."""
        return Side(np.array(self.runs), vector, self.residual)


@dataclass(frozen=True)
class LockedMetric:
    """A metric of a cell: its direction, what was accepted last, and the anchor where that is another value.

    ``given_up`` is the value of the better anchor that was reset last: it stays, so that a diff shows the reset.
    """

    maximize: bool
    accepted: Accepted
    anchor: Accepted | None = None
    given_up: float | None = None


@dataclass(frozen=True)
class LockedCell:
    """What an accepted cell was made of, what it is held to, and its metrics.

    Attributes:
        dataset: digest of the data; ``split``: of the splits; ``version``: the dataset's, as declared.
        evaluator: fingerprint of the evaluator; ``seeds``: how many the experiment declares.
        gates: each as written, with ``metric``, and ``informs`` where by default its margin does not fail the cell.
        contributions: digest of the file with the vectors.
    """

    dataset: str
    split: str
    evaluator: str
    seeds: int
    version: str | None = None
    gates: tuple[dict[str, Any], ...] = ()
    metrics: dict[str, LockedMetric] = field(default_factory=dict)
    contributions: str = ""


@dataclass(frozen=True)
class LockedDataset:
    """A dataset as the accepted cells used it last."""

    digest: str
    split: str
    rows: int
    version: str | None = None


@dataclass(frozen=True)
class LockedEvaluator:
    """An evaluator as the accepted cells used it last.

    Attributes:
        digest: its fingerprint; ``metrics``: the direction of each.
        description: the first line of its docstring.
        owner: as declared, as is ``business_indicator``.
    """

    digest: str
    metrics: dict[str, str]
    description: str = ""
    owner: str = ""
    business_indicator: str = ""


@dataclass(frozen=True)
class LockedExperiment:
    """The accepted state of one experiment; ``test`` is the file whose tests it was accepted by."""

    test: str = ""
    datasets: dict[str, LockedDataset] = field(default_factory=dict)
    evaluators: dict[str, LockedEvaluator] = field(default_factory=dict)
    cells: dict[str, LockedCell] = field(default_factory=dict)


@dataclass(frozen=True)
class Lock:
    """The accepted state of all experiments of a project; ``alpha`` is the error rate where it is not the default."""

    format: int = FORMAT
    experiments: dict[str, LockedExperiment] = field(default_factory=dict)
    alpha: float | None = None

    def cell(self, experiment: str, cell: str) -> LockedCell | None:
        """The accepted state of a cell, None when it is new."""
        found = self.experiments.get(experiment)
        return None if found is None else found.cells.get(cell)

    def with_experiment(self, name: str, experiment: LockedExperiment) -> Lock:
        """The lock with one experiment exchanged; one without cells is left out."""
        others = {key: value for key, value in self.experiments.items() if key != name}
        return replace(self, experiments={**others, name: experiment} if experiment.cells else others)


def parse(text: str, *, where: str) -> Lock:
    """Read the text of a lock.

    Raises:
        SettingsError: the text is no lock, a newer pytest-mlexp wrote it, or an accepted metric is not finite.
    """
    try:
        data = tomllib.loads(text)
        if data.get("format", FORMAT) > FORMAT:
            raise SettingsError(f"{where} was written by a newer pytest-mlexp: install that one")
        lock = from_dict(data, Lock)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(
            f"{where} cannot be read ({error}): restore it from git; after a merge conflict accept the cells anew"
        ) from None
    if "format" not in data:
        raise SettingsError(
            f"{where} is empty, or was not written by --mlexp-accept, and would hold nothing: restore it from git, "
            "or take the file away to begin anew"
        )
    for odd in _not_finite(lock):
        raise SettingsError(
            f"{where}: {odd} is not finite, or has no runs, and would hold nothing: restore it from git, or take that "
            "cell out of the lock and accept it anew"
        )
    return lock


def _not_finite(lock: Lock) -> Iterator[str]:
    for name, experiment in lock.experiments.items():
        for title, cell in experiment.cells.items():
            for metric, locked in cell.metrics.items():
                yield from (
                    f"{name}: {title}: {metric}{suffix}"
                    for suffix, accepted in (("", locked.accepted), (ANCHOR, locked.anchor))
                    if accepted is not None and not accepted.finite
                )


def read(path: Path) -> Lock:
    """Read a lock; one that is not there is empty.

    Raises:
        SettingsError: as :func:`parse`.
    """
    return parse(path.read_text(encoding="utf-8"), where=str(path)) if path.exists() else Lock()


def dump(lock: Lock, *, name: str = FILE_NAME) -> str:
    """The text of a lock in a file of that name, seen from the project's root; the same state gives the same text."""
    import tomli_w

    option = "" if name == FILE_NAME else f" {shlex.quote(f'--mlexp-baseline={name}')}"
    return _HEAD.format(option=option, name=name) + tomli_w.dumps(_sorted(to_dict(lock)))


def vectors_path(path: Path, experiment: str, cell: str) -> Path:
    """Where the vectors of a cell are: in a folder beside the lock."""
    # A device may hold a colon, which not every file system takes.
    return path.with_name(f"{path.name}.d") / experiment / f"{cell.replace(':', '_')}.bin"


def read_vectors(path: Path, experiment: str, cell: str, *, digest: str) -> dict[str, FloatArray]:
    """The vectors of an accepted cell by metric; those of anchors have `` anchor`` after the name.

    The number of each example's group, where the dataset has groups, has `` groups`` after the name.

    Raises:
        GateError: the file is gone, or is not the one that the lock was written with.
    """
    file = vectors_path(path, experiment, cell)
    if not digest:
        return {}
    if not file.exists():
        raise GateError(f"{file} is missing, and {path.name} needs it: restore it from git, or accept the cell anew")
    return unpack(file.read_bytes(), digest=digest, where=str(file))


def write(path: Path, lock: Lock, vectors: Mapping[tuple[str, str], bytes], *, name: str = "") -> None:
    """Write the lock and the vectors of newly accepted cells; files of cells that are gone are removed.

    ``name`` is the lock's in the project's root, where that is another than the file's.
    """
    for (experiment, cell), data in vectors.items():
        file = vectors_path(path, experiment, cell)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(dump(lock, name=name or path.name), encoding="utf-8")
    draft.replace(path)
    kept = {vectors_path(path, name, cell) for name, found in lock.experiments.items() for cell in found.cells}
    for file in vectors_path(path, "x", "x").parent.parent.glob("*/*.bin"):
        if file not in kept:
            file.unlink()


def _sorted(value: Any) -> Any:
    """Keys in order, what is None or empty left out."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value) if value[key] not in (None, "", (), [], {})}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
