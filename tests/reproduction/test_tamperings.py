"""Whatever is tampered with between a run and its reproduction is named as the cause. Real records, real edits."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_mlexp.reproduction.conclusion import conclusion
from pytest_mlexp.reproduction.steps import distributions
from pytest_mlexp.tracking import machine
from pytest_mlexp.tracking.git import CUT
from tests.reproduction.project import Checkout, Recorded, git

EDITS = {
    "data byte": ("numbers.csv", "19\n", "18\n", "data changed", "numbers"),
    "split": ("blocks.py", "range(0, 20, 2), range(1, 20, 2)", "range(10), range(10, 20)", "split changed", "numbers"),
    "seed": ("blocks.py", "seeds=(0, 1)", "seeds=(0, 2)", "seeds changed", "0, 1 -> 0, 2"),
    "hyperparameter": ("blocks.py", "shrink=30.0", "shrink=31.0", "parameters changed", "shrink 30.0 -> 31.0"),
    "model code": ("blocks.py", "return Slope(shrink)", "return Slope(shrink / 2)", "model code changed", "blocks.py"),
    "method of a model": ("blocks.py", "X[:, 0] * self.slope", "X[:, 0] + self.slope", "code changed", "blocks.py"),
    "evaluator code": ("blocks.py", "np.mean(np.abs", "np.max(np.abs", "evaluator code changed", "blocks.py"),
    "helper code": ("helpers.py", "X / 2", "X / 2.5", "code changed", "helpers.py"),
}


def only_cause(logged: Recorded, again: Recorded) -> str:
    compared = logged.against(again)
    worst = compared.findings[0]
    assert not compared.reproduced
    return str(worst.causes[0])


def altered(recorded: Recorded, **changes: Any) -> Recorded:
    return replace(recorded, environment={**recorded.environment, **changes})


def worse(recorded: Recorded) -> Recorded:
    """The numbers as they might be elsewhere: what surrounds a cell changed, not the cell."""
    cells = []
    for cell in recorded.cells:
        error = cell.metrics["error"]
        moved = replace(error, values=tuple(v + 1 for v in error.values), mean=error.mean + 1)
        cells.append(replace(cell, metrics={"error": moved}))
    return replace(recorded, cells=tuple(cells))


def test_an_untouched_checkout_is_reproduced_bit_for_bit(checkout: Checkout) -> None:
    compared = checkout.record().against(checkout.record())
    assert {found.status for found in compared.findings} == {"identical"}
    assert compared.causes == ()
    assert conclusion(compared) == "reproduced: 3 identical"


def test_comments_docstrings_and_layout_change_nothing(checkout: Checkout) -> None:
    logged = checkout.record()
    checkout.edit("helpers.py", "    return X / 2", '    """Halves."""\n\n    # by two\n    return (X / 2)')
    compared = logged.against(checkout.record())
    assert compared.reproduced
    assert [found.kind for found in compared.causes] == ["uncommitted files changed"]


@pytest.mark.parametrize(("name", "old", "new", "kind", "told"), EDITS.values(), ids=list(EDITS))
def test_an_edit_is_named(checkout: Checkout, name: str, old: str, new: str, kind: str, told: str) -> None:
    logged = checkout.record()
    checkout.edit(name, old, new)
    found = only_cause(logged, checkout.record())
    assert kind in found
    assert told in found


def test_a_lost_diff_is_named(checkout: Checkout) -> None:
    checkout.edit("blocks.py", "shrink=30.0", "shrink=31.0")
    logged = checkout.record()
    git(checkout.root, "checkout", "--", ".")
    for change in ({"diff": None}, {"diff": "diff --git", "unfaithful": (CUT,)}):
        lost = altered(logged, git={**logged.environment["git"], **change})
        assert only_cause(lost, checkout.record()).startswith("uncommitted diff missing")


def test_a_package_of_one_version_and_other_content_is_named(checkout: Checkout) -> None:
    one, other = (
        altered(checkout.record(), packages={"numpy": "1.0"}, contents={"numpy": f"git {commit}"}) for commit in "ab"
    )
    assert only_cause(one, worse(other)) == "package changed: numpy 1.0 (git a) -> 1.0 (git b)"
    assert only_cause(altered(one, contents={}), worse(other)) == "package changed: numpy 1.0 -> 1.0 (git b)"


def test_variables_that_code_reads_are_named_and_not_shown(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    named = "os.getenv('API_TOKEN'), os.getenv('MY_KEY'), os.getenv('HOOK')"
    reads = f"import os\nRATE = os.environ.get('RATE')\n{named}\n"
    checkout.edit("helpers.py", "def halved", f"{reads}\ndef halved")
    seen = []
    for number in "12":
        monkeypatch.setenv("API_TOKEN", f"s3cret{number}")
        monkeypatch.setenv("MY_KEY", f"s3cret{number}")
        monkeypatch.setenv("UNREAD", number)
        monkeypatch.setenv("RATE", f"0.{number}")
        monkeypatch.setenv("HOOK", f"s3cret{number}")
        seen.append(checkout.record())
    compared = seen[0].against(worse(seen[1]))
    hooks = [f"text {sha256(f's3cret{number}'.encode()).hexdigest()[:8]}" for number in "12"]
    assert list(map(str, compared.findings[0].causes)) == [
        f"environment variable changed: HOOK {hooks[0]} -> {hooks[1]}",
        "environment variable changed: RATE 0.1 -> 0.2",
    ]
    assert compared.findings[0].causes == compared.causes
    assert "s3cret" not in repr(seen)
    monkeypatch.delenv("RATE")
    absent = seen[1].against(worse(checkout.record())).causes
    assert [str(found) for found in absent] == ["environment variable changed: RATE 0.2 -> absent"]


def test_an_altered_diff_is_named(checkout: Checkout) -> None:
    checkout.edit("blocks.py", "shrink=30.0", "shrink=31.0")
    logged = checkout.record()
    checkout.edit("blocks.py", "shrink=31.0", "shrink=32.0")
    again = checkout.record()
    forged = altered(logged, git=again.environment["git"])
    assert only_cause(forged, again).startswith("uncommitted diff altered")


def test_a_package_is_named(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    logged, real = checkout.record(), importlib.metadata.distributions
    newer = SimpleNamespace(metadata={"Name": "numpy", "Version": "99.0"}, read_text=lambda _: None, files=())
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: iter([newer, *real()]))
    found = only_cause(logged, worse(checkout.record()))
    assert found.startswith("package changed: numpy")
    assert found.endswith("-> 99.0")


def test_packages_are_found_by_what_is_imported() -> None:
    found = distributions({"sklearn", "numpy", "of_nobody"})
    assert found == {"scikit-learn", "numpy", "of-nobody"}


def test_a_package_that_the_code_does_not_import_is_weak_evidence(checkout: Checkout) -> None:
    logged = checkout.record()
    packages = {**logged.environment["packages"], "ruff": "0.0.1"}
    again = altered(worse(checkout.record()), packages=packages, python="3.99.0")
    causes = logged.against(again).findings[0].causes
    assert [found.kind for found in causes] == ["Python changed", "other package changed"]


def test_python_is_named(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = checkout.record()
    monkeypatch.setattr(platform, "python_version", lambda: "9.9.9")
    assert only_cause(logged, worse(checkout.record())).endswith("-> CPython 9.9.9")


def test_an_environment_variable_is_named(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    logged = checkout.record()
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = only_cause(logged, worse(checkout.record()))
    assert found == "environment variable changed: OMP_NUM_THREADS 1 -> 7"


def test_another_processor_is_named(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = checkout.record()
    monkeypatch.setattr(machine, "_cpu_model", lambda: "another")
    assert only_cause(logged, worse(checkout.record())).startswith("hardware changed: CPU")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"accelerators": [{"name": "H100", "driver": "1"}]}, "accelerators none -> H100 (driver 1)"),
        ({"machine": {"system": "Linux", "base": "glibc 9"}}, "hardware changed"),
        ({"git": {"commit": "c0ffee"}}, "commit changed"),
        ({"git": {"untracked": ()}}, "nothing recorded differs"),
    ],
)
def test_what_surrounds_the_cells_is_named(checkout: Checkout, change: dict[str, Any], told: str) -> None:
    logged = checkout.record()
    given = {key: {**logged.environment[key], **value} if key == "git" else value for key, value in change.items()}
    assert told in only_cause(logged, altered(worse(checkout.record()), **given))


@pytest.fixture(autouse=True)
def no_accelerators(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr("pytest_mlexp.tracking.environment.accelerators", lambda: ())
    return lambda: None
