"""The dataset of a cell as an input of its run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_mlexp.records import DatasetRecord
from pytest_mlexp.tracking._mlflow.held import is_unsupported

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

NOTE = "this store keeps no datasets of runs: their name, version and digest are tags of the runs"
LONGEST_SCHEMA = 1_000_000


def log_dataset(client: MlflowClient, run_id: str, dataset: DatasetRecord) -> str | None:
    """Log the dataset; where the store knows no inputs of runs, say so: its name and digest are tags as well."""
    from mlflow.exceptions import MlflowException

    inputs = [_dataset_input(dataset)]
    try:
        client.log_inputs(run_id, inputs)
    except NotImplementedError:
        return NOTE
    except MlflowException as error:
        if is_unsupported(error):
            return NOTE
        # MLflow looks the dataset up before it inserts it; another process was between the two.
        if "unique" not in str(error).lower():
            raise
        client.log_inputs(run_id, inputs)
    return None


def _dataset_input(dataset: DatasetRecord) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = {"name": dataset.name, "version": dataset.version, "digest": dataset.digest}
    entity = Dataset(
        name=dataset.name,
        digest=dataset.digest or "",
        source_type="mlexp",
        source=json.dumps(source),
        schema=dataset.schema if len(dataset.schema or "") <= LONGEST_SCHEMA else None,
        profile=json.dumps({"num_rows": dataset.rows}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", "evaluation")])
