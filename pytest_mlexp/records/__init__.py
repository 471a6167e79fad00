"""The records that travel between the steps, and their only wire format."""

from __future__ import annotations

from pytest_mlexp.records.cell import CellRecord, DatasetRecord, EvaluationRecord, Summary, TestRecord, TrialRecord
from pytest_mlexp.records.evaluation import Evaluation, Metric
from pytest_mlexp.records.session import ContinuedRecord, EndRecord, SessionRecord
from pytest_mlexp.records.wire import FORMAT, from_dict, to_dict

__all__ = [
    "FORMAT",
    "CellRecord",
    "ContinuedRecord",
    "DatasetRecord",
    "EndRecord",
    "Evaluation",
    "EvaluationRecord",
    "Metric",
    "SessionRecord",
    "Summary",
    "TestRecord",
    "TrialRecord",
    "from_dict",
    "to_dict",
]
