"""Runs as a store holds them, found by what we tagged them with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pytest_mlexp.tracking.mirror import SESSION, UID, RunPlan

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 1000
_MISSING = ("ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED", "FEATURE_DISABLED")
_MISSING_STATUS = ("404", "405", "501")
Point = tuple[str, float, int]


@dataclass
class Held:
    """What a store holds of one run."""

    id: str
    artifact_uri: str
    status: str
    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    has_inputs: bool = False

    @classmethod
    def of(cls, run: Run, tags: Mapping[str, str] | None = None) -> Self:
        """As MLflow describes it; ``tags`` are those it was created with."""
        data = run.data
        inputs = run.inputs.dataset_inputs if run.inputs is not None else ()
        told = dict(data.tags if tags is None else tags)
        return cls(
            run.info.run_id,
            run.info.artifact_uri,
            run.info.status,
            told,
            dict(data.params),
            dict(data.metrics),
            bool(inputs),
        )

    @property
    def is_complete(self) -> bool:
        """Whether it was ended, which is done when all else is written."""
        return self.status != "RUNNING"

    def lacking(self, series: Sequence[Point]) -> list[Point]:
        """The points that are not there; all of a run that was cut off, for which repeating them does no harm."""
        last = {key: value for key, value, _ in series}
        there = {key for key, value in last.items() if self.is_complete and self.metrics.get(key) == value}
        return [point for point in series if point[0] not in there]

    def complete(self, wanted: RunPlan, tags: Mapping[str, str]) -> None:
        """Note that everything wanted was written."""
        self.status = wanted.status
        self.tags.update(tags)
        self.params = {**wanted.params, **self.params}
        self.metrics.update((key, value) for key, value, _ in wanted.series)
        self.has_inputs = self.has_inputs or wanted.dataset is not None


def look_up(client: MlflowClient, experiment_ids: list[str], session: str) -> dict[str, Held]:
    """The runs of a session by their uid.

    A request whose answer was lost may have been heard all the same, so that a run is there twice: the
    complete one stays, the others are deleted.
    """
    found: dict[str, Held] = {}
    for run in _runs(client, experiment_ids, session):
        uid = run.tags.get(UID, "")
        other = found.get(uid)
        if other is not None:
            discard(client, other if run.is_complete and not other.is_complete else run)
        if other is None or (run.is_complete and not other.is_complete):
            found[uid] = run
    return found


def discard(client: MlflowClient, run: Held) -> None:
    """Delete a run that another one stands for; in a store that deletes none, let nobody find it as ours."""
    from mlflow.exceptions import MlflowException

    try:
        client.delete_run(run.id)
    except MlflowException as error:
        if not is_unsupported(error):
            raise
        for tag in (SESSION, UID):
            client.set_tag(run.id, tag, "replaced")


def is_unsupported(error: Exception) -> bool:
    """Whether an error says that the store has no such call."""
    code = str(getattr(error, "error_code", ""))
    return code in _MISSING or any(f"error code {status}" in str(error) for status in _MISSING_STATUS)


def _runs(client: MlflowClient, experiment_ids: list[str], session: str) -> Iterable[Held]:
    runs: list[Held] = []
    token: str | None = None
    while True:
        page = client.search_runs(experiment_ids, f"tags.{SESSION} = '{session}'", max_results=PAGE, page_token=token)
        runs.extend(map(Held.of, page))
        token = page.token
        if not token:
            return runs
