"""The option ``--mlexp``: cells as tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

BLOCKS_IDS = [
    "threshold-at=9-numbers-hits-cpu",
    "threshold-at=9-numbers-mistakes-cpu",
    "threshold-at=5-numbers-hits-cpu",
    "threshold-at=5-numbers-mistakes-cpu",
]


def test_without_it_cells_are_skipped_and_say_why(project: Project) -> None:
    result = project.pytest("-rs")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["SKIPPED*a benchmark cell: run with --mlexp"])
    result.stdout.fnmatch_lines(["4 cells of experiments were skipped: --mlexp runs them"])
    assert project.fits() == []
    assert not (project.root / ".mlexp").exists()


def test_there_is_one_test_for_each_cell(project: Project) -> None:
    result = project.pytest("--mlexp", "-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines([f"test_it.py::test_quality[[]{cell}[]] PASSED*" for cell in BLOCKS_IDS])


def test_a_trial_is_fitted_once_for_all_evaluators_and_test_functions(project: Project) -> None:
    project.write(
        tests="""
        import pytest
        from blocks import sample

        @pytest.mark.mlexp(sample)
        def test_one(evaluation):
            assert evaluation.metrics

        @pytest.mark.mlexp(sample)
        class TestMore:
            @pytest.mark.parametrize("times", [1, 2])
            def test_two(self, evaluation, times):
                assert evaluation.metrics
        """
    )
    project.pytest("--mlexp").assert_outcomes(passed=12)
    assert sorted(project.fits()) == ["threshold=5"] * 4 + ["threshold=9"] * 4  # two seeds, two splits


def test_cells_are_selected_as_tests_always_are(project: Project) -> None:
    project.pytest("--mlexp", "-k", "9 and hits").assert_outcomes(passed=1, deselected=3)
    assert set(project.fits()) == {"threshold=9"}
    project.pytest("--mlexp", "-m", "not mlexp").assert_outcomes(deselected=4)
    project.pytest("--mlexp", f"test_it.py::test_quality[{BLOCKS_IDS[3]}]").assert_outcomes(passed=1)


def test_collecting_computes_and_writes_nothing(project: Project) -> None:
    result = project.pytest("--mlexp", "--collect-only", "-q", tracking=None)
    result.stdout.fnmatch_lines([f"test_it.py::test_quality[[]{cell}[]]" for cell in BLOCKS_IDS])
    assert project.fits() == []
    assert not (project.root / ".mlexp").exists()


def test_a_test_reads_metrics_and_refers_to_other_models(project: Project) -> None:
    project.write(
        tests="""
        import pytest
        from blocks import sample

        @pytest.mark.mlexp(sample)
        def test_quality(evaluation):
            if "accuracy" in evaluation.metrics:
                assert len(evaluation.values("accuracy")) == 4
                assert evaluation["accuracy"] >= evaluation.reference("threshold-at=5")["accuracy"]
            with pytest.raises(KeyError, match="no metric 'auc'"):
                evaluation["auc"]
        """
    )
    project.pytest("--mlexp", "-k", "hits").assert_outcomes(passed=2, deselected=2)
    assert sorted(project.fits()) == ["threshold=5"] * 4 + ["threshold=9"] * 4


def test_a_model_that_raises_fails_only_its_own_cells_and_is_fitted_once(project: Project) -> None:
    project.write_broken()
    result = project.pytest("--mlexp")
    result.assert_outcomes(passed=4, failed=2, errors=0)
    assert project.fits().count("broken") == 1
    result.stdout.fnmatch_lines(["failed: sample: broken-numbers-hits-cpu: RuntimeError: no convergence"])


def test_the_traceback_of_a_failed_cell_starts_in_the_teams_code(project: Project) -> None:
    project.write_broken()
    result = project.pytest("--mlexp", "-k", "broken")
    result.stdout.fnmatch_lines(["*def fit(self, X, y):", "*raise RuntimeError*", "E * no convergence", "blocks.py:*"])
    assert "pytest_mlexp/" not in result.stdout.str()


def test_failed_cells_are_what_last_failed_runs(project: Project) -> None:
    project.write_broken()
    project.pytest("--mlexp")
    project.pytest("--mlexp", "--lf").assert_outcomes(failed=2)
    project.pytest("--mlexp", "-x").assert_outcomes(passed=4, failed=1)


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("@pytest.mark.mlexp\ndef test_it(evaluation): pass", "*the marker takes one Experiment*not mlexp()*"),
        ("@pytest.mark.mlexp('sample')\ndef test_it(evaluation): pass", "*not mlexp('sample')*"),
        ("@pytest.mark.mlexp(sample, n=1)\ndef test_it(evaluation): pass", "*takes one Experiment*n=1*"),
        ("@pytest.mark.mlexp(sample)\ndef test_it(): pass", "*does not take `evaluation`: add that parameter*"),
        ("def test_it(evaluation): pass", "*belongs to no experiment: mark it with*"),
        (
            "from pytest_mlexp import Experiment\n@pytest.mark.mlexp(Experiment('e'))\ndef test_it(evaluation): pass",
            "*experiment 'e' declares no dataset: add one with .dataset(...)*",
        ),
    ],
    ids=["bare", "name", "keyword", "no_fixture", "no_marker", "empty"],
)
def test_a_marker_that_cannot_work_is_explained(project: Project, tests: str, words: str) -> None:
    project.write(tests=f"import pytest\nfrom blocks import sample\n{tests}\n")
    result = project.pytest("--mlexp")
    assert result.ret != 0
    result.stdout.fnmatch_lines([words])


def test_two_experiments_of_one_name_are_refused(project: Project) -> None:
    project.write_twice()
    result = project.pytest("--mlexp")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*two different experiments that are both named 'sample'*"])


def test_another_fixture_may_use_the_evaluation(project: Project) -> None:
    project.write(
        tests="""
        import pytest
        from blocks import sample

        @pytest.fixture
        def accuracy(evaluation):
            return evaluation["accuracy"]

        @pytest.mark.mlexp(sample)
        def test_quality(accuracy, evaluation):
            assert accuracy == evaluation["accuracy"]
        """
    )
    project.pytest("--mlexp", "-k", "hits").assert_outcomes(passed=2, deselected=2)


def test_gates_are_judged_after_recording(project: Project) -> None:
    project.write(blocks="\nsample.gate('accuracy', at_least=0.95)\nsample.gate('misses', at_most=3)\n")
    result = project.pytest("--mlexp")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "BREACH accuracy is 0.*, at least 0.95 is asked",
            "  gate 'accuracy at_least=0.95' on threshold-at=5-numbers-hits-cpu of experiment 'sample'",
            "  next: mend the model, or change the bound in the code: *",
            "threshold-at=5 *",  # the leaderboard has the numbers all the same
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_a_metric_that_is_not_finite_never_passes_a_gate(project: Project) -> None:
    blocks = """
@sample.evaluator(maximize="ratio")
def ratio(y_true, y_pred):
    return float("nan")

sample.gate("ratio", at_least=0.0)
"""
    project.write(blocks=blocks)
    result = project.pytest("--mlexp", "-k", "ratio")
    result.assert_outcomes(failed=2, deselected=4)
    result.stdout.fnmatch_lines(
        ["*ratio is not finite*", "not finite: sample: threshold-at=9-numbers-ratio-cpu: ratio"]
    )


def test_a_mark_on_a_module_leaves_tests_without_an_evaluation_alone(project: Project) -> None:
    project.write(
        tests="""
        import pytest
        from blocks import sample

        pytestmark = pytest.mark.mlexp(sample)

        def test_quality(evaluation):
            assert "accuracy" in evaluation or "misses" in evaluation

        def test_helper():
            assert True
        """
    )
    project.pytest("--mlexp").assert_outcomes(passed=5)


def test_a_test_that_passes_in_the_end_is_a_finished_run(project: Project, template: Path) -> None:
    project.ready_store(template)
    tests = """
import pytest
from blocks import sample

tries = []

@pytest.mark.mlexp(sample)
def test_quality(evaluation):
    tries.append(1)
    assert len(tries) > 1
"""
    project.write(tests=tests)
    project.pytest("--mlexp", "--reruns=1", "-k", "9 and hits", tracking=None).assert_outcomes(passed=1, deselected=3)
    assert project.runs()["threshold-at=9-numbers-hits-cpu"].info.status == "FINISHED"


def test_verdicts_are_the_same_with_and_without_tracking(project: Project, template: Path) -> None:
    project.ready_store(template)
    odd = """
import pandas as pd

@sample.evaluator(maximize="odd")
def odd(y_true, y_pred):
    from pytest_mlexp import Evaluation
    return Evaluation({"odd": 1}, tables={"../up": pd.DataFrame({"a": [1]}), "a b/c": pd.DataFrame({"a": [1]})})
"""
    project.write(blocks=odd)
    for tracking in ("off", None):
        project.pytest("--mlexp", "-k", "9 and odd", tracking=tracking).assert_outcomes(passed=1, deselected=5)
    (cell,) = project.journal().cells
    assert len(cell.artifacts) == 3
