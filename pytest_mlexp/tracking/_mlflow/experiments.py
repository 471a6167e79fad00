"""An experiment of ours in MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.tracking.mirror import ExperimentPlan

if TYPE_CHECKING:
    from mlflow import MlflowClient


def experiment_id(client: MlflowClient, wanted: ExperimentPlan, location: Path | None) -> str:
    """The id of an experiment, which is made when it is not there; ``location`` is where its artifacts go.

    Raises:
        TrackingError: the experiment is there, but deleted.
    """
    from mlflow.exceptions import MlflowException

    name = wanted.name
    note = {"mlflow.note.content": wanted.description} if wanted.description else None
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name, (location / name).as_uri() if location else None, note)
        except MlflowException as error:
            # Another process was faster.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise error from None
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"MLflow experiment {name!r} is deleted: restore it with "
            f"`mlflow experiments restore -x {found.experiment_id}`"
        )
    return str(found.experiment_id)
