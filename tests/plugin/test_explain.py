"""``--mlexp-explain``: why trials and evaluations were reused or made."""

from __future__ import annotations

import re

import pytest

from tests.plugin.conftest import TRIALS, Project, fitted, rewrite

THRESHOLDS = [f"trials of sample-threshold-at={at}-numbers-cpu" for at in (9, 5)]
HITS = "evaluations of sample by hits"


def explained(told: str) -> dict[str, tuple[str, str]]:
    """What the first row of each group says: reused or made, and why."""
    row = r"^((?:trials|evaluations|further trials) of .*?)  +\S.*?  +(run|reused|made) +(.*?)$"
    return {of: (state, why) for of, state, why in re.findall(row, told, re.MULTILINE)}


def slow_down(project: Project) -> None:
    """Let an evaluator take so long that its evaluations are kept."""
    rewrite(project, "def hits(y_true, y_pred):", "def hits(y_true, y_pred):\n    time.sleep(0.005)")
    rewrite(project, "import pathlib", "import pathlib, time")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_all_trials_of_a_model_are_one_row(project: Project, workers: tuple[str, ...]) -> None:
    fitted(project, *workers, expected=TRIALS)
    again = explained(fitted(project, *workers, "--mlexp-explain", expected=0))
    assert again.items() >= dict.fromkeys(THRESHOLDS, ("reused", "unchanged")).items()
    forced = explained(fitted(project, *workers, "--mlexp-fresh", "--mlexp-explain", expected=TRIALS))
    assert forced.items() >= dict.fromkeys(THRESHOLDS, ("run", "forced")).items()


def test_verbosity_explains_each_trial_and_evaluation(project: Project) -> None:
    slow_down(project)
    told = fitted(project, "--mlexp-explain", "-v", expected=TRIALS)
    assert len(re.findall(r" seed=\d-fold\d +run +new\n", told)) == TRIALS
    assert len(re.findall(r"-hits-cpu +made +new\n", told)) == 2


def test_a_changed_evaluator_is_explained_and_fits_nothing(project: Project) -> None:
    slow_down(project)
    fitted(project, expected=TRIALS)
    assert explained(fitted(project, "--mlexp-explain", expected=0))[HITS] == ("reused", "unchanged")
    rewrite(project, "np.mean(y_true == y_pred)", "np.mean(y_true != y_pred)")
    assert explained(fitted(project, "--mlexp-explain", expected=0))[HITS] == ("made", "code changed: blocks:hits")
    rewrite(project, "self.noise / 2)", "self.noise / 3)")
    assert explained(fitted(project, "--mlexp-explain", expected=TRIALS))[HITS] == ("made", "trials changed")
    rewrite(project, 'version="7"', 'version="8"')
    told = "dataset changed: ('numbers', '7') -> ('numbers', '8')"
    assert explained(fitted(project, "--mlexp-explain", expected=0))[HITS] == ("made", told)
    assert explained(fitted(project, "--mlexp-explain", "--mlexp-fresh", expected=TRIALS))[HITS] == ("made", "forced")


@pytest.mark.parametrize(
    ("old", "new", "expected", "why"),
    [
        ("self.noise / 2)", "self.noise / 3)", TRIALS, "code changed: blocks:Threshold"),
        ('"at": [9, 5]', '"at": [9, 4]', TRIALS // 2, "new"),
        ("np.arange(20.0)", "(np.arange(20.0) / 2)", TRIALS, "data changed"),
        ("seeds=(0, 1)", "seeds=(0, 2)", TRIALS // 2, "new"),
        ("np.mean(y_true == y_pred)", "np.mean(y_pred == y_true)", 0, "unchanged"),
        ("class Threshold:", "# better than nothing\nclass Threshold:", 0, "unchanged"),
    ],
)
def test_what_changed_is_run_again_with_the_reason(
    project: Project, old: str, new: str, expected: int, why: str
) -> None:
    fitted(project, expected=TRIALS)
    rewrite(project, old, new)
    assert why in fitted(project, "--mlexp-explain", expected=expected)
