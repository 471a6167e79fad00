"""The option ``--mlexp-devices``."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from pytest_mlexp.blocks import device

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

MOVED = """
class Moved(Threshold):
    def fit(self, X, y):
        note(f"moved to {self.device}")
        self.noise = 0

@sample.model
def moved(device):
    model = Moved(9)
    model.device = device
    return model
"""


PROBE = "device.probe = lambda: ('cpu', 'cuda:0')\n"


needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="a device other than the CPU is PyTorch's")


@pytest.fixture
def on_a_machine_with(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write the project so that these devices are found."""

    def write(*devices: str) -> None:
        monkeypatch.setattr(device, "probe", lambda: devices)
        project.write(blocks=MOVED)

    return write


def test_a_device_that_is_not_here_is_a_skip_that_says_so(
    project: Project, on_a_machine_with: Callable[..., None]
) -> None:
    on_a_machine_with("cpu")
    result = project.pytest("--mlexp", "--mlexp-devices=cpu,cuda", "-rs", "-k", "hits")
    result.assert_outcomes(passed=3, skipped=1, deselected=4)
    result.stdout.fnmatch_lines(["SKIPPED*device cuda:0 is not here: *"])
    assert "moved to cuda:0" not in project.fits()


@needs_torch
def test_a_model_that_asks_for_a_device_has_a_cell_on_each(
    project: Project, on_a_machine_with: Callable[..., None]
) -> None:
    on_a_machine_with("cpu", "cuda:0", "cuda:1")
    result = project.pytest("--mlexp", "-v", "-k", "moved and hits")
    result.stdout.fnmatch_lines([f"*moved-numbers-hits-{device}] PASSED*" for device in ("cpu", "cuda:0", "cuda:1")])
    assert sorted(set(project.fits())) == ["moved to cpu", "moved to cuda:0", "moved to cuda:1"]


@needs_torch
@pytest.mark.parametrize("where", ["option", "ini"])
def test_devices_are_chosen_on_the_command_line_or_in_the_ini_file(
    project: Project, on_a_machine_with: Callable[..., None], where: str
) -> None:
    on_a_machine_with("cpu", "cuda:0", "cuda:1")
    if where == "ini":
        (project.root / "pytest.ini").write_text("[pytest]\nmlexp_devices = cuda:1\n")
    arguments = ["--mlexp-devices=cuda:1"] if where == "option" else []
    project.pytest("--mlexp", *arguments).assert_outcomes(passed=2)
    assert set(project.fits()) == {"moved to cuda:1"}


LEFT_OUT = "not run on cuda: 1 model of experiment 'sample' (threshold), for *; ask for cpu too, as in cuda,cpu, or *"


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_an_experiment_with_nothing_to_run_there_fails_and_says_why(project: Project, workers: tuple[str, ...]) -> None:
    result = project.pytest("--mlexp", "--mlexp-devices=cuda", "-q", *workers)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*[[]nothing_runs[]] *", f"nothing of experiment 'sample' runs: {LEFT_OUT}", LEFT_OUT])
    result.stdout.no_fnmatch_line("*def test_quality*")
    assert project.fits() == []


def test_an_experiment_whose_devices_are_not_here_fails_and_counts_what_was_skipped(
    project: Project, on_a_machine_with: Callable[..., None]
) -> None:
    on_a_machine_with("cpu")
    result = project.pytest("--mlexp", "--mlexp-devices=cuda")
    result.assert_outcomes(failed=1, skipped=2)
    told = "device cuda:0 is not here: *"
    result.stdout.fnmatch_lines(
        [f"nothing of experiment 'sample' runs: {told}; {LEFT_OUT}", f"2 cells were skipped: {told}", LEFT_OUT]
    )


@needs_torch
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_models_that_run_nowhere_beside_others_that_do_are_told(
    project: Project, on_a_machine_with: Callable[..., None], workers: tuple[str, ...]
) -> None:
    on_a_machine_with("cpu", "cuda:0")
    project.write(blocks=MOVED, conftest=f"from pytest_mlexp.blocks import device\n{PROBE}" if workers else "")
    result = project.pytest("--mlexp", "--mlexp-devices=cuda", *workers)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([LEFT_OUT])


def test_a_fixture_that_asks_for_the_evaluation_where_nothing_runs_is_told_why(project: Project) -> None:
    tests = "import pytest\nfrom blocks import sample\n\n@pytest.fixture\ndef best(evaluation):\n    return evaluation"
    project.write(tests=f"{tests}['accuracy']\n\n@pytest.mark.mlexp(sample)\ndef test_it(evaluation, best): ...\n")
    result = project.pytest("--mlexp", "--mlexp-devices=cuda")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*nothing of experiment 'sample' runs: {LEFT_OUT}"])


def test_an_unknown_device_is_refused_before_anything_runs(project: Project) -> None:
    result = project.pytest("--mlexp", "--mlexp-devices=gpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --mlexp-devices: device 'gpu' in 'gpu' is not a device*cuda*"])


def test_a_model_that_asks_for_no_device_does_not_import_torch(project: Project) -> None:
    project.write(conftest="import sys\ndef pytest_sessionfinish():\n    assert 'torch' not in sys.modules\n")
    project.pytest("--mlexp", process=True).assert_outcomes(passed=4)
