"""A broken law of a dataset or evaluator comes with lines that show it again, in any Python without pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BLOCKS = """
import itertools
import numpy as np
from pytest_mlexp import Dataset, Experiment

trials = Experiment("trials")
loads = itertools.count()

@trials.dataset
def restless():
    X = np.random.default_rng(next(loads)).normal(size=(40, 2))
    return Dataset.from_arrays(X, X.sum(axis=1), split=0.25)

@trials.evaluator(maximize="closeness", minimize="rows")
def upside_down(y_true, y_pred):
    return {"closeness": float(np.mean(np.abs(y_true - y_pred))), "rows": 1.0}
"""
SCRIPT = """
from blocks import trials
from pytest_mlexp.contracts.checks import checks_of

(record,) = [
    check.run() for check in checks_of(trials, declares={{"upside_down": {{"task": "regression"}}}})
    if check.id == {check!r}
]
print(record.message)
"""


def test_a_failing_dataset_is_shown_again(tmp_path: Path) -> None:
    _shown_again(tmp_path, "restless-loads_alike", "restless breaks the law loads_alike", "dataset breaks the law")


def test_a_failing_evaluator_is_shown_again(tmp_path: Path) -> None:
    words = "upside_down breaks the law worse_is_not_better"
    _shown_again(tmp_path, "upside_down-worse_is_not_better", words, words)


def _shown_again(folder: Path, check: str, words: str, again: str) -> None:
    (folder / "blocks.py").write_text(BLOCKS, encoding="utf-8")
    message = _printed(SCRIPT.format(check=check), folder)
    assert words in message
    snippet = "\n".join(line.strip() for line in message.partition("without pytest:\n")[2].splitlines())
    assert again in _printed(snippet, folder)


def _printed(script: str, folder: Path) -> str:
    return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True).stdout
