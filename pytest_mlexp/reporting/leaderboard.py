"""Leaderboards: per experiment, dataset and evaluator, the best model first."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_mlexp.records import CellRecord, Summary

if TYPE_CHECKING:
    import pandas as pd

Board = tuple[str, list[CellRecord]]


def boards(records: Iterable[CellRecord]) -> list[Board]:
    """Group the evaluated cells under ``experiment: dataset, evaluator``, each group ranked by its metrics in turn."""
    groups: dict[str, list[CellRecord]] = {}
    for record in records:
        if record.error is None and record.metrics:
            groups.setdefault(f"{record.experiment}: {record.dataset.name}, {record.evaluator}", []).append(record)
    return [(title, sorted(group, key=_rank)) for title, group in sorted(groups.items())]


def table(group: Sequence[CellRecord]) -> list[dict[str, str]]:
    """The rows of one leaderboard: model, device, metrics as ``mean ± spread``, seconds to fit and predict."""
    several_devices = len({record.device for record in group}) > 1
    return [
        {
            "model": f"{record.model} *" if record.reused else record.model,
            **({"device": record.device} if several_devices else {}),
            **{f"{summary.name} {_arrow(summary)}": _number(summary) for summary in record.metrics.values()},
            "fit s": f"{_mean(record.fit_seconds):.3f}",
            "predict s": f"{_mean(record.predict_seconds):.4f}",
        }
        for record in group
    ]


def text_table(group: Sequence[CellRecord]) -> str:
    """One leaderboard as a terminal table."""
    from tabulate import tabulate

    return tabulate(table(group), headers="keys", tablefmt="simple", disable_numparse=True)


def failures(records: Iterable[CellRecord]) -> list[str]:
    """One line for each cell that could not be evaluated."""
    return [f"failed: {r.experiment}: {r.cell}: {r.error}" for r in records if r.error is not None]


def to_frame(records: Iterable[CellRecord]) -> pd.DataFrame:
    """One row a cell and metric, with the variant's parameters; a cell that failed is one row with its error."""
    import pandas as pd

    rows: list[dict[str, object]] = []
    for record in records:
        names: dict[str, object] = {
            "cell": record.cell,
            "model": record.model,
            "dataset": record.dataset.name,
            "evaluator": record.evaluator,
            "device": record.device,
            **{f"params.{name}": value for name, value in record.params.items()},
        }
        rows += [
            {
                **names,
                "metric": summary.name if summary else None,
                "mean": summary.mean if summary else math.nan,
                "spread": summary.spread if summary else math.nan,
                "maximize": summary.maximize if summary else None,
                "fit_seconds": _mean(record.fit_seconds),
                "predict_seconds": _mean(record.predict_seconds),
                "reused": record.reused,
                "error": record.error,
            }
            for summary in record.metrics.values() or [None]
        ]
    return pd.DataFrame(rows)


def to_html(records: Iterable[CellRecord], problems: Iterable[str]) -> str:
    """All leaderboards as HTML tables, and a paragraph for each problem, for a notebook."""
    from tabulate import tabulate

    parts = [f"<h4>{t}</h4>{tabulate(table(g), headers='keys', tablefmt='html')}" for t, g in boards(records)]
    return "".join([*parts, *(f"<p>{html.escape(line)}</p>" for line in problems)])


def _rank(record: CellRecord) -> tuple[list[tuple[bool, float]], str]:
    costs = [-metric.mean if metric.maximize else metric.mean for metric in record.metrics.values()]
    return [(math.isnan(cost), 0.0 if math.isnan(cost) else cost) for cost in costs], record.model


def _arrow(summary: Summary) -> str:
    return "↑" if summary.maximize else "↓"


def _number(summary: Summary) -> str:
    spread = f" ± {summary.spread:.4f}" if len(summary.values) > 1 else ""
    return f"{summary.mean:.4f}{spread}"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
