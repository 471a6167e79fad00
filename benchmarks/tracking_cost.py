"""What tracking one cell costs: journal and mirror against the same content logged call by call.

Run ``python benchmarks/tracking_cost.py --cells 30``. In each round all arms log the same cells to a fresh
embedded store, in turns; what the fluent arms log is read back from the runs our arm wrote, so all leave
the same content. One fluent arm has its store as MLflow makes it, the other with our write-ahead log.
Importing MLflow and making the store are counted nowhere.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pytest_mlexp.records import CellRecord, DatasetRecord, EndRecord, SessionRecord, Summary, TestRecord
from pytest_mlexp.tracking._mlflow import mirror
from pytest_mlexp.tracking._mlflow.store import build_store
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.journal import Journal
from pytest_mlexp.tracking.predictions import TrialPredictions, predictions_table


@dataclass(frozen=True)
class Cost:
    """Milliseconds a cell."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Logged:
    """What one run of ours holds, to be logged again by the other arm."""

    run: Any
    points: list[Any]
    folder: Path


def predictions() -> bytes:
    """1,000 rows of truth, prediction, three probabilities and a score."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 1000)
    trial = TrialPredictions(
        np.arange(1000), 0, "fold-0", labels, labels[::-1], random.random((1000, 3)), random.random(1000)
    )
    return predictions_table([trial])


def cell(number: int, path: str) -> CellRecord:
    """A cell that becomes about 10 params, 12 metric points and 25 tags."""
    values = (0.8, 0.9)
    metrics = {name: Summary(name, values, 0.85, 0.07, True) for name in ("accuracy", "f1")}
    metrics |= {name: Summary(name, (0.5,), 0.5, 0.0, False) for name in ("loss", "brier")}
    return CellRecord(
        cell=f"forest-{number}-telco-discrimination-cpu",
        experiment="churn",
        model="forest",
        evaluator="discrimination",
        device="cpu",
        params={f"parameter_{k}": str(k * number) for k in range(6)},
        dataset=DatasetRecord("telco", "2024-06", "0123456789abcdef", 1000, '{"columns": []}'),
        seeds=(0, 0),
        splits=("fold-0", "fold-1"),
        metrics=metrics,
        fit_seconds=(0.5, 0.6),
        predict_seconds=(0.1, 0.1),
        fingerprints={f"part_{k}": f"{number:04d}{k}" for k in range(13)},
        started=1_700_000_000_000 + number,
        ended=1_700_000_001_000 + number,
        artifacts={"predictions.parquet": path},
    )


def write_session(root: Path, session: str, count: int) -> tuple[Path, Cost]:
    """Journal a session, with the cost of a cell."""
    folder = root / ".mlexp" / "sessions" / session
    table = predictions()
    with Journal(folder) as journal:
        journal.append(SessionRecord(session, 1_700_000_000_000, ("pytest", "--mlexp")))
        wall, cpu = time.perf_counter(), time.process_time()
        for number in range(count):
            path = journal.write_artifact(f"cell-{number}/predictions.parquet", table)
            record = cell(number, path)
            journal.append(record)
            journal.append(TestRecord(record.cell, "churn", f"test_quality[{record.cell}]", "passed", 0.1))
        cost = _since(wall, cpu, count)
        journal.append(EndRecord(1_700_000_100_000, "FINISHED"))
    return folder, cost


def ours(root: Path, count: int) -> tuple[Cost, Cost]:
    """The cost of journal and of mirror."""
    folder, journal_cost = write_session(root, "session", count)
    wall, cpu = time.perf_counter(), time.process_time()
    result = mirror(folder, default_uri(root))
    cost = _since(wall, cpu, count)
    if result.failed or result.runs_written != count + 1:
        raise SystemExit(f"the mirror did not work: {result}")
    return journal_cost, cost


def content(root: Path) -> list[Logged]:
    """What our runs hold."""
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(root))
    experiment: Any = client.get_experiment_by_name("churn")
    runs = client.search_runs([experiment.experiment_id], "tags.`mlexp.cell` LIKE '%'")
    return [
        Logged(
            run,
            [p for key in run.data.metrics for p in client.get_metric_history(run.info.run_id, key)],
            Path(run.info.artifact_uri.removeprefix("file://")),
        )
        for run in runs
    ]


def fluent(root: Path, logged: list[Logged]) -> Cost:
    """The same content by the calls that MLflow's tutorials show, one by one."""
    import mlflow
    import mlflow.data.meta_dataset
    from mlflow.data.code_dataset_source import CodeDatasetSource

    mlflow.set_tracking_uri(default_uri(root))
    mlflow.create_experiment("churn", (root / ".mlexp" / "artifacts" / "churn").as_uri())
    mlflow.set_experiment("churn")
    dataset_class: Any = mlflow.data.meta_dataset.MetaDataset
    wall, cpu = time.perf_counter(), time.process_time()
    for item in logged:
        with mlflow.start_run(run_name=item.run.info.run_name):
            for key, value in item.run.data.tags.items():
                if not key.startswith("mlflow."):
                    mlflow.set_tag(key, value)
            for key, value in item.run.data.params.items():
                mlflow.log_param(key, value)
            for point in item.points:
                mlflow.log_metric(point.key, point.value, step=point.step)
            mlflow.log_input(dataset_class(CodeDatasetSource({}), "telco", "0123456789abcdef"), "evaluation")
            for file in sorted(item.folder.iterdir()):
                mlflow.log_artifact(str(file))
    return _since(wall, cpu, len(logged))


def _since(wall: float, cpu: float, count: int) -> Cost:
    return Cost((time.perf_counter() - wall) * 1e3 / count, (time.process_time() - cpu) * 1e3 / count)


def _fresh(base: Path, template: Path, name: str, *, journal_mode: str = "WAL") -> Path:
    root = base / name
    (root / ".mlexp").mkdir(parents=True)
    shutil.copyfile(template, root / ".mlexp" / "mlflow.db")
    connection = sqlite3.connect(root / ".mlexp" / "mlflow.db")
    connection.execute(f"PRAGMA journal_mode={journal_mode}")
    connection.close()
    return root


def _row(name: str, costs: list[Cost]) -> Cost:
    middle = Cost(statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs))
    print(f"{name:24}{middle.wall:10.2f}{middle.cpu:10.2f}")
    return middle


def _profile(root: Path, count: int) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    ours(root, count)
    profiler.disable()
    print("\nwhere ours goes (cumulative, with the profiler's own cost):")
    stats = pstats.Stats(profiler)
    wanted = ("_begin", "_fill", "_log_files", "create_run", "log_batch", "log_inputs", "set_terminated", "append")
    for (file, _, name), (_, calls, _own, total, _) in sorted(stats.stats.items(), key=lambda s: -s[1][3]):  # type: ignore[attr-defined]
        sqlite = "sqlite3" in name and ("commit" in name or "execute" in name)
        if sqlite or (name in wanted and ("pytest_mlexp" in file or "sqlalchemy_store" in file)):
            print(f"  {Path(file).stem + '.' + name:58}{calls / count:8.1f} calls{total * 1e3 / count:9.2f} ms a cell")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cells", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    arms: dict[str, list[Cost]] = {"journal": [], "mirror": [], "ours": []}
    arms |= {"fluent, one by one": [], "fluent, with our WAL": []}
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        template = base / "template" / ".mlexp" / "mlflow.db"
        build_store(template)
        ours(_fresh(base, template, "warm"), 2)
        fluent(_fresh(base, template, "warm-fluent"), content(base / "warm"))
        for number in range(options.rounds):
            root = _fresh(base, template, f"ours-{number}")
            journal, mirrored = ours(root, options.cells)
            arms["journal"].append(journal)
            arms["mirror"].append(mirrored)
            arms["ours"].append(Cost(journal.wall + mirrored.wall, journal.cpu + mirrored.cpu))
            logged = content(root)
            plain = _fresh(base, template, f"fluent-{number}", journal_mode="DELETE")
            arms["fluent, one by one"].append(fluent(plain, logged))
            arms["fluent, with our WAL"].append(fluent(_fresh(base, template, f"wal-{number}"), logged))
        data = logged[0].run.data
        tags = [tag for tag in data.tags if not tag.startswith("mlflow.")]
        print(
            f"{options.cells} cells, {options.rounds} rounds; a run: {len(data.params)} params, "
            f"{len(logged[0].points)} metric points, {len(tags)} tags, 1 dataset, 2 artifacts\n"
        )
        print(f"{'median ms a cell':24}{'wall':>10}{'cpu':>10}")
        middles = {name: _row(name, costs) for name, costs in arms.items()}
        mine = middles["ours"]
        for name in ("fluent, one by one", "fluent, with our WAL"):
            other = middles[name]
            print(f"{'ratio ' + name:28}{other.wall / mine.wall:6.1f}{other.cpu / mine.cpu:10.1f}")
        _profile(_fresh(base, template, "profile"), options.cells)


if __name__ == "__main__":
    main()
