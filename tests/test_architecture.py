"""Who may import whom, how large a file may grow, and what an idle session must not import."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pytest_mlexp"

# A module imports from earlier rows, or from its own without a cycle. ARCHITECTURE.md shows the same rows.
RANKS = (
    ("errors", "naming", "numerals"),
    ("verdicts",),
    ("records",),
    ("blocks",),
    ("mocks",),
    ("strategies",),
    ("gates.rules", "gates.influence", "gates.statistics", "gates.power", "gates.vectors"),
    ("experiment",),
    ("matrix",),
    ("provenance",),
    ("execution",),
    ("evaluation",),
    ("tracking",),
    ("gates.contributions", "gates.measuring", "gates.flips"),
    ("reuse",),
    ("flow",),
    (
        "gates.lock",
        "gates.comparable",
        "gates.comparing",
        "gates.alpha",
        "gates.judge",
        "gates.acceptance",
        "gates.differences",
        "gates.state",
        "gates.versions",
        "gates.likeness",
        "gates.anchors",
        "gates.sights",
        "gates.timings",
    ),
    ("gates.screening",),
    ("reporting",),
    ("reproduction",),
    ("runner", "cli"),
    ("contracts",),
    ("plugin",),
)
# Experiment.run() is the second door: it starts the whole flow, which lies above the declaration.
EXCEPTIONS = {("experiment", "runner")}
# Heavy and optional: imported in the functions that need them, never when a module of ours is loaded.
LAZY = ("cpuinfo", "hypothesis", "mlflow", "pandas", "pyarrow", "pynvml", "scipy", "sklearn", "torch")
HEAVY = ("numpy", "pandas", "scipy", "sklearn", "mlflow", "torch", "hypothesis", "msgspec", "pyarrow")
PUBLIC = {
    "Cell",
    "CheckRecord",
    "ContractError",
    "DataError",
    "Dataset",
    "DeclarationError",
    "DeviceError",
    "Evaluation",
    "EvaluatorError",
    "Experiment",
    "Gate",
    "GateError",
    "Metric",
    "MlexpError",
    "ModelError",
    "RequestError",
    "Results",
    "SettingsError",
    "TorchModel",
    "TrackingError",
    "Verdict",
    "check_dataset",
    "check_evaluator",
    "check_model",
}


def name_of(path: Path) -> str:
    """``pytest_mlexp/gates/__init__.py`` is ``gates``; the package's own ``__init__.py`` is empty."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
INNER = sorted(set(MODULES) - {""})
OURS = sorted(path for folder in (PACKAGE, ROOT / "tests", ROOT / "benchmarks") for path in folder.rglob("*.py"))


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node, less what stands under ``if TYPE_CHECKING:``: types may be named in any direction."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield from runtime_nodes(child)


def imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Full names of what is imported; a name imported from a package counts as a module of it."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            yield from (f"{dots}{node.module or ''}.{alias.name}" for alias in node.names)


def all_imports(module: str) -> list[str]:
    return list(imported(runtime_nodes(ast.parse(MODULES[module].read_text(encoding="utf-8")))))


def load_time_imports(module: str) -> list[str]:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    return list(imported(node for node in runtime_nodes(tree) if id(node) not in inside))


def own_imports(module: str) -> Iterator[str]:
    """The modules of ours that a module imports, as keys of MODULES."""
    for name in all_imports(module):
        if name.startswith("pytest_mlexp."):
            inner = name.removeprefix("pytest_mlexp.")
            yield inner if inner in MODULES else inner.rpartition(".")[0]


def rank(module: str) -> int:
    for number, row in enumerate(RANKS):
        if any(module == entry or module.startswith(f"{entry}.") for entry in row):
            return number
    if any(entry.startswith(f"{module}.") for row in RANKS for entry in row):
        return 0  # the folder of ranked modules: its __init__ may import nothing of ours but errors
    pytest.fail(f"module {module!r} has no rank: give it a row in RANKS and in ARCHITECTURE.md")


@pytest.mark.parametrize("module", INNER)
def test_imports_go_to_earlier_steps_only(module: str) -> None:
    upward = [
        target for target in own_imports(module) if rank(target) > rank(module) and (module, target) not in EXCEPTIONS
    ]
    assert not upward, f"{module} imports from later steps: {', '.join(upward)}"


def test_no_import_cycle_even_through_functions() -> None:
    graph = {
        module: {t for t in own_imports(module) if t != module and (module, t) not in EXCEPTIONS} for module in INNER
    }
    cycle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = error.args[1]
    assert not cycle, f"import cycle: {' -> '.join(cycle)}"


@pytest.mark.parametrize("module", INNER)
def test_the_package_root_is_never_imported_from_inside(module: str) -> None:
    from_root = [
        name
        for name in all_imports(module)
        if name == "pytest_mlexp"
        or name.startswith(".")
        or (name.startswith("pytest_mlexp.") and name.removeprefix("pytest_mlexp.") in PUBLIC)
    ]
    assert not from_root, f"{module} imports {from_root}: write from pytest_mlexp.<module> import <name>"


@pytest.mark.parametrize("module", INNER)
def test_pytest_and_mlflow_each_have_one_place(module: str) -> None:
    tops = {name.partition(".")[0] for name in all_imports(module)}
    if module != "plugin" and not module.startswith("plugin."):
        assert not tops & {"pytest", "_pytest", "pluggy", "xdist"}
    assert not tops & {"_pytest"}, "pytest's private modules change without notice"
    if not module.startswith("tracking._mlflow"):
        assert "mlflow" not in tops


@pytest.mark.parametrize("module", INNER)
def test_heavy_libraries_are_imported_where_they_are_used(module: str) -> None:
    tops = {name.partition(".")[0] for name in load_time_imports(module)}
    assert not tops & set(LAZY)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    assert lines <= 300, f"{lines} lines: make it a folder with the same job"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 50, f"{node.name} has {length} lines"


def test_the_architecture_page_shows_the_same_ranks() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = [line.split("|")[2] for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert [tuple(name.strip(" `") for name in row.split(",")) for row in rows] == list(RANKS)


def test_public_names_are_locked() -> None:
    package = importlib.import_module("pytest_mlexp")
    assert set(package.__all__) == PUBLIC
    assert set(dir(package)) >= PUBLIC
    for name in PUBLIC:
        assert getattr(package, name).__name__ == name


def modules_of_an_idle_session(folder: Path, *plugins: str) -> set[str]:
    """Run one trivial test in a fresh process, with these plugins only, and return what was imported."""
    (folder / "test_trivial.py").write_text("def test_trivial(): pass\n", encoding="utf-8")
    (folder / "conftest.py").write_text(
        "import json, pathlib, sys\n"
        "def pytest_unconfigure():\n"
        "    pathlib.Path(__file__).with_name('seen.json').write_text(json.dumps(sorted(sys.modules)))\n",
        encoding="utf-8",
    )
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    arguments = [option for plugin in plugins for option in ("-p", plugin)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return set(json.loads((folder / "seen.json").read_text(encoding="utf-8")))


def test_an_idle_session_imports_nothing_heavy_through_us(tmp_path: Path) -> None:
    without = modules_of_an_idle_session(tmp_path, "no:mlexp")
    added = modules_of_an_idle_session(tmp_path, "mlexp") - without
    assert "pytest_mlexp.plugin" in added
    assert not {name for name in added if name.partition(".")[0] in HEAVY}


def test_an_idle_session_leaves_no_file(tmp_path: Path) -> None:
    modules_of_an_idle_session(tmp_path, "mlexp")
    left = {path.name for path in tmp_path.iterdir()} - {"__pycache__", ".pytest_cache"}
    assert left == {"test_trivial.py", "conftest.py", "pytest.ini", "seen.json"}
