"""What the README promises is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import pytest

from pytest_mlexp.contracts.catalogue import model_laws
from pytest_mlexp.contracts.checks import DATASET_LAWS, EVALUATOR_LAWS
from pytest_mlexp.contracts.datasets import DatasetDeclarations
from pytest_mlexp.contracts.declarations import Declarations
from pytest_mlexp.contracts.evaluators import EvaluatorDeclarations
from pytest_mlexp.contracts.law import Law
from pytest_mlexp.contracts.laws.flow import model_runs_through
from pytest_mlexp.verdicts import Status

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRACTS = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def code(words: str) -> str:
    """The one block of code that holds these words."""
    (found,) = (block for block in PYTHON if words in block)
    return str(found)


def run_pytest(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PYTEST_"))}
    environment |= {"PYTEST_ADDOPTS": "-p no:randomly -p no:anyio", **variables}  # slow to import, and not in question
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_its_example_runs_as_it_stands(tmp_path: Path) -> None:
    blocks, test, script, evaluation = PYTHON[:4]
    (tmp_path / "tumours.py").write_text(blocks)
    (tmp_path / "test_tumours.py").write_text(test)
    without = {"PYTEST_ADDOPTS": "-p no:randomly -p no:anyio -p no:hypothesispytest"}
    done = run_pytest("--mlexp", "--mlexp-tracking-uri=off", folder=tmp_path, **without)
    assert re.search(r"6 passed in", done.stdout), done.stdout + done.stderr
    done = run_pytest("-rs", folder=tmp_path, **without)
    assert "6 skipped" in done.stdout
    script = script.replace(".run()", ".run(tracking_uri='off')")
    imports = "import pandas as pd\nfrom pytest_mlexp import Evaluation\nfrom tumours import tumours\n"
    subprocess.run([sys.executable, "-c", imports + evaluation + script], cwd=tmp_path, check=True)


def test_its_contracts_and_mock_blocks_run_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "tumours.py").write_text(PYTHON[0])
    (tmp_path / "test_contracts.py").write_text(code("contract.verify()"))
    (tmp_path / "test_features.py").write_text(code("frames_like"))
    done = run_pytest("-k", "majority or features or breast_cancer", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^majority +\d\d laws run: (\d\d) passed, 0 failed", done.stdout, flags=re.MULTILINE)


def test_its_first_command_runs_real_models_into_a_store(tmp_path: Path, template: Path) -> None:
    from mlflow import MlflowClient

    assert ".venv/bin/pytest --mlexp benchmarks\n" in README
    store = tmp_path / ".mlexp" / "mlflow.db"
    store.parent.mkdir()
    store.write_bytes(template.read_bytes())
    # Elsewhere than in this repository, so that a test leaves nothing behind.
    done = run_pytest("--mlexp", "benchmarks", f"--rootdir={tmp_path}", folder=ROOT, PYTHONPATH="benchmarks")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("tumours: breast_cancer, accuracy", "digits: handwritten, f1_macro", "progression: diabetes, errors"):
        assert words in done.stdout
    client = MlflowClient(f"sqlite:///{store}")
    experiments = [e for e in client.search_experiments() if e.name != "Default"]
    assert {e.name for e in experiments} == {"tumours", "digits", "progression", "headlines", "cellar"}
    runs = client.search_runs([e.experiment_id for e in experiments], max_results=1000)
    assert {run.info.status for run in runs} == {"FINISHED"}
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    cells = [run for run in runs if "mlexp.cell" in run.data.tags]
    telling_of_torch = 2 if find_spec("torch") is not None else 0
    assert len(cells) == int(passed[1]) - telling_of_torch
    assert len(runs) == len(cells) + len(experiments)
    query = code("search_runs")
    query = query.replace("sqlite:///.mlexp/mlflow.db", f"sqlite:///{store}")
    assert str(store) in query
    found = subprocess.run(
        [sys.executable, "-c", f"{query}\nprint(len(runs))"], capture_output=True, text=True, check=True
    )
    assert found.stdout.split()[-1] == "4"  # two forests, two evaluators


def test_ci_runs_its_test_command_exactly() -> None:
    (command,) = re.findall(r"^\$ (python3 -m venv .* && \.venv/bin/pytest -n 3)$", README, flags=re.MULTILINE)
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_verdict_is_explained() -> None:
    page = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    assert [status for status in get_args(Status) if f"| `{status}` |" not in page] == []


@pytest.mark.parametrize(
    ("kind", "laws"),
    [
        ("datasets", DATASET_LAWS),
        ("models", (*model_laws(), model_runs_through)),
        ("evaluators", EVALUATOR_LAWS),
    ],
    ids=["datasets", "models", "evaluators"],
)
def test_every_law_is_listed_with_its_sentence_and_no_other(kind: str, laws: tuple[Law, ...]) -> None:
    section = CONTRACTS.partition(f"## Laws of {kind}\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, flags=re.MULTILINE)
    assert sorted(listed) == sorted((law.name, _told(law)) for law in laws)


def _told(law: Law) -> str:
    own = " (*own code*)" if "own_code" in law.needs else ""
    return law.sentence + own + (" (`thorough`)" if law.thorough else "")


@pytest.mark.parametrize(
    ("section", "declarations"),
    [
        ("models", Declarations),
        ("datasets", DatasetDeclarations),
        ("evaluators", EvaluatorDeclarations),
    ],
)
def test_everything_that_can_be_declared_is_explained(section: str, declarations: Any) -> None:
    parts = re.findall(rf"^### Of {section}\b.*?(?=^##)", CONTRACTS, flags=re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^\| `(\w+)`", "".join(parts), flags=re.MULTILINE)
    assert sorted(listed) == sorted(field.name for field in fields(declarations))


def test_its_page_on_contracts_runs_as_it_stands(tmp_path: Path) -> None:
    test, script = re.findall(r"```python\n(.*?)```", CONTRACTS, flags=re.DOTALL)
    (tmp_path / "tumours.py").write_text(PYTHON[0])
    (tmp_path / "test_contracts.py").write_text(test)
    done = run_pytest("-k", "majority-batch_vs_rows", folder=tmp_path)
    assert " 1 passed" in done.stdout, done.stdout
    script += "print(sorted({record.block for record in records}))\n"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['LogisticRegression', 'dataset', 'discrimination', 'majority']\n"
