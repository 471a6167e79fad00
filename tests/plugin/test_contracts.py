"""``mlexp_contracts``: one test per block and law, in a plain session."""

from __future__ import annotations

import importlib

import pytest

from tests.plugin.conftest import WITHOUT_OTHERS

BLOCKS = """
import numpy as np
from pytest_mlexp import Dataset, Experiment
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error

prices = Experiment("prices")

@prices.dataset
def flats():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return Dataset.from_arrays(X, X @ [1.0, 2.0, 3.0] + rng.normal(size=60), split=0.25)

@prices.model
def ridge():
    return Ridge()

class Batchy(LinearRegression):
    def predict(self, X):
        return super().predict(np.asarray(X) - np.asarray(X).mean(axis=0))

@prices.model
def batchy():
    return Batchy()

prices.evaluator(mean_absolute_error)
"""
TEST = """
import pytest
from blocks import prices

@pytest.mark.mlexp_contracts(prices{arguments})
def test_contract(contract):
    contract.verify()
"""


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """Import what a pytest inside this one would import anew each time."""
    for name in (
        "hypothesis",
        "pytest_mlexp.contracts.driver",
        "pytest_mlexp.plugin.contracts",
        "sklearn.linear_model",
    ):
        importlib.import_module(name)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)  # where pytest's summary has every message whole
    pytester.makepyfile(blocks=BLOCKS, test_contracts=TEST.format(arguments=""))
    without = " ".join(WITHOUT_OTHERS)
    pytester.makeini(f"[pytest]\npythonpath = .\naddopts = {without}\n")
    return pytester


def test_one_test_per_block_and_law_with_readable_ids(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("--collect-only", "-q")
    result.stdout.fnmatch_lines_random(
        [
            "*test_contract[[]flats-splits_disjoint[]]",
            "*test_contract[[]ridge-batch_vs_rows[]]",
            "*test_contract[[]mean_absolute_error-worse_is_not_better[]]",
        ]
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_broken_law_is_a_failed_test_and_the_summary_counts(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    chosen = "batch_vs_rows or row_order or (probabilities and not of_scores) or flats or mean_absolute_error"
    result = project.runpytest_inprocess("-k", chosen, *workers, "-p", "no:randomly")
    result.stdout.fnmatch_lines(
        [
            "*ContractError: batchy breaks the law batch_vs_rows: One row at a time gives what the batch gives.*",
            "*from blocks import batchy*",
            "*mlexp contracts*",
        ]
    )
    result.stdout.fnmatch_lines_random(
        [
            "*batchy *2 laws run: * failed, 0 excused; 2 not applicable*",
            "*ridge * 2 laws run: 2 passed, 0 failed, 0 excused; 2 not applicable*",
            "*flats * 8 laws run: 8 passed, 0 failed, 0 excused; 2 not applicable*",
            "*mean_absolute_error * 7 laws run: 7 passed, 0 failed, 0 excused; 1 not applicable*",
        ]
    )
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] >= 1
    assert outcomes["skipped"] == 7


CENTRING = """
class Centring(LinearRegression):
    def predict(self, X):
        X = np.asarray(X)
        X -= X.mean(axis=0)
        return super().predict(X)

@prices.model
def centring():
    return Centring()
"""
FIVE = "centring and (inputs_unchanged or global_settings or batch_vs_rows or chunks or row_order)"
IN_FULL = "to see it again without pytest"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_of_many_broken_laws_the_likeliest_cause_is_shown_in_full_and_of_the_others_a_line(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project.makepyfile(blocks=BLOCKS + CENTRING)
    result = project.runpytest_inprocess("-k", FIVE, "--junitxml=junit.xml", *workers)
    assert result.parseoutcomes()["failed"] == 5
    result.stdout.fnmatch_lines(
        [
            "*= FAILURES =*",
            "*_ test_contract[[]centring-inputs_unchanged[]] _*",
            "*centring breaks the law inputs_unchanged: *",
            f"*{IN_FULL}*",
            "*_ test_contract[[]centring-*[]] _*",
            "expected: predict leaves inputs, * as they are, *; seen: predict changed what this law gave it",
            "*_ test_contract[[]centring-*[]] _*",
            "*start with inputs_unchanged: 4 others may follow from it; -v shows them in full",
        ]
    )
    shown = result.stdout.str()
    assert shown.count(IN_FULL) == 1
    assert shown.count("; seen: predict changed what this law gave it") == 4
    assert shown.count("] - expected:") == 4
    assert (project.path / "junit.xml").read_text(encoding="utf-8").count("ContractError</failure>") == 5


def test_verbosity_and_few_broken_laws_show_all_in_full(project: pytest.Pytester) -> None:
    project.makepyfile(blocks=BLOCKS + CENTRING)
    result = project.runpytest_inprocess("-k", FIVE, "-v")
    assert result.stdout.str().count(IN_FULL) == 5
    result.stdout.fnmatch_lines(["*start with inputs_unchanged: 4 others may follow from it"])
    result = project.runpytest_inprocess("-k", "centring and (chunks or batch_vs_rows)")
    assert result.stdout.str().count(IN_FULL) == 2
    result.stdout.fnmatch_lines(["*start with batch_vs_rows: 1 other may follow from it"])


PLAIN = """
class Plain:
    def fit(self, X, y):
        self.mean = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean) + (np.asarray(X)[:, -1] > 1e6)

@prices.model
def plain():
    return Plain()
"""


def test_laws_that_are_broken_apart_are_listed_and_none_is_called_a_cause(project: pytest.Pytester) -> None:
    project.makepyfile(blocks=BLOCKS + PLAIN)
    result = project.runpytest_inprocess("-k", "plain and (refused_before_fit or different_lengths or wrong_width)")
    result.stdout.fnmatch_lines(["*broken, the most basic first: refused_before_fit, wrong_width, different_lengths"])
    result.stdout.no_fnmatch_line("*may follow*")
    project.makepyfile(blocks=BLOCKS + PLAIN.replace("np.full(len(X), self.mean)", "np.ones(len(X)) * np.sum(X)"))
    result = project.runpytest_inprocess("-k", "plain and (row_order or batch_vs_rows or chunks or wrong_width)", "-v")
    result.stdout.fnmatch_lines(["*start with batch_vs_rows: 1 other may follow from it; besides: wrong_width"])


def test_reruns_count_once(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("-k", "batchy-batch_vs_rows", "--reruns=1")
    assert result.parseoutcomes()["rerun"] == 1
    result.stdout.fnmatch_lines(["batchy *1 laws run: 0 passed, 1 failed*"])


def test_a_factory_that_raises_is_shown_once_in_full(project: pytest.Pytester) -> None:
    project.makepyfile(blocks=BLOCKS + "@prices.model\ndef away():\n    raise OSError('no weights')\n")
    result = project.runpytest_inprocess("-k", "away and row", "-p", "no:randomly")
    assert result.parseoutcomes()["failed"] > 10
    result.stdout.fnmatch_lines(["away *0 passed*", "*all for one reason: OSError: no weights (blocks.py:*); -v *"])
    assert result.stdout.str().count("raise OSError") == 1


def test_an_excused_law_is_an_expected_failure_and_strict(project: pytest.Pytester) -> None:
    excuses = ', excuses={"batchy": {"batch_vs_rows": "scaled by batch"}, "ridge": {"batch_vs_rows": "no reason"}}'
    project.makepyfile(test_contracts=TEST.format(arguments=excuses))
    result = project.runpytest_inprocess("-k", "batch_vs_rows", "-rx")
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["*is not needed any more*", "*XFAIL*batchy-batch_vs_rows*scaled by batch*"])
    result.stdout.fnmatch_lines(["*batchy *1 laws run: 0 passed, 0 failed, 1 excused*"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (', excuses={"ridge": {"batch_vs_row": "x"}}', "ridge: there is no law 'batch_vs_row'*'batch_vs_rows'*"),
        (', excuses={"rigde": {}}', "excuses= names the block 'rigde': did you mean 'ridge'*"),
        (', declares={"ridge": {"allow_nan": True}}', "ridge: there is no declaration 'allow_nan'*'allows_nan'*"),
        (', declares={"ridge": {"allows_nan": "yes"}}', "ridge: the declaration 'allows_nan' is True or False*"),
        (', declares={"ridge": {"schema": "none.json"}}', "ridge: schema='none.json': there is no such file*"),
        (', declares={"flats": {"duplicate": 0.1}}', "flats: there is no declaration 'duplicate'*'duplicates'*"),
        (", tolerance=1", "the marker takes one Experiment*"),
    ],
)
def test_unknown_names_are_refused_once_at_collection(project: pytest.Pytester, arguments: str, words: str) -> None:
    project.makepyfile(test_contracts=TEST.format(arguments=arguments))
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{words}*"])


def test_thorough_and_unknown_efforts(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("--mlexp-contracts=thorough", "-k", "ridge and threads and not jobs")
    result.assert_outcomes(passed=1, skipped=1, deselected=result.parseoutcomes()["deselected"])
    result = project.runpytest_inprocess("--mlexp-contracts=hard")
    result.stderr.fnmatch_lines(["*invalid choice: 'hard'*"])


def test_exploring_draws_at_random(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--mlexp-contracts=explore", "-k", "ridge-row_order")
    assert result.parseoutcomes()["passed"] == 1


FUSSY = """
class Fussy(LinearRegression):
    def fit(self, X, y):
        with open("fits.txt", "a") as file:
            print(np.shape(X)[1], file=file)
        return super().fit(X, y)

    def predict(self, X):
        return super().predict(X) + (np.shape(X)[1] > 5) * np.arange(len(X))

@prices.model
def fussy():
    return Fussy()
"""


def test_exploring_keeps_what_fails_and_tries_it_first_the_next_time(project: pytest.Pytester) -> None:
    project.makepyfile(blocks=BLOCKS + FUSSY)
    explored, snippets = [], []
    for _ in range(2):
        result = project.runpytest_subprocess("--mlexp-contracts=explore", "-k", "fussy-row_order")
        result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
        snippets.append([line for line in result.outlines if "check_law('row_order'" in line])
        fits = project.path / "fits.txt"
        columns = [int(line) for line in fits.read_text().split()]
        fits.unlink()
        explored.append([count for count in columns if count not in (4, 5)])  # those of the cases that are always tried
    assert explored[0][0] == 2  # nothing is kept yet: the simplest comes first, and it passes
    assert explored[1][0] > 5
    assert snippets[0]
    assert snippets[0] == snippets[1]


def test_a_fixture_without_a_marker_says_what_is_missing(project: pytest.Pytester) -> None:
    project.makepyfile(test_contracts="def test_alone(contract):\n    pass\n")
    project.runpytest_inprocess().stdout.fnmatch_lines(["*takes `contract` but belongs to no experiment*"])


def test_nothing_of_it_is_imported_in_a_session_that_does_not_use_it(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_contracts="import pytest\n",
        test_other=(
            "import sys\nfrom blocks import prices\n"
            "def test_other():\n"
            "    assert not [name for name in sys.modules if name.startswith('pytest_mlexp.contracts')]\n"
            "    assert 'pytest_mlexp.plugin.contracts' not in sys.modules\n"
        ),
    )
    project.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


def test_a_test_that_checks_nothing_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(blocks=BLOCKS, test_contracts=TEST.format(arguments="").replace("contract.verify()", "pass"))
    result = pytester.runpytest_inprocess(*WITHOUT_OTHERS, "-k", "ridge-batch_vs_rows")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_contract[[]ridge-batch_vs_rows[]] checked nothing: call contract.verify()*"])
