"""How good the contracts are: false alarms, recall, cost beside ``check_estimator``, and the same verdicts each time.

Run ``PYTHONPATH=. OMP_NUM_THREADS=1 python benchmarks/contracts.py alarms|boosters|recall|cost|laws``, or
``... repeat [RUNS] [STRIDE]``.

``alarms``   every classifier and regressor of scikit-learn that can be built with its defaults; what is in
             ``EXPLAINED`` is excused, each with the reason
``boosters`` the same for LightGBM and XGBoost, where these are installed
``recall``   the broken models of ``tests/zoo`` that break a law, and the healthy twins that do
``cost``     CPU seconds of the fast set and of ``check_estimator``, side by side on the same models: of this process
             and of the one that the contracts start, which was started before
``laws``     what each law costs: CPU seconds of this process, fits and predictions, the dearest first; of the models
             in ``laws NAME ...`` alone, if named
``repeat``   whether the verdicts are the same in RUNS runs (20) of every STRIDE-th (10th) specimen
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psutil
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import all_estimators
from sklearn.utils.estimator_checks import check_estimator
from tabulate import tabulate

from pytest_mlexp.contracts.applies import reason_against
from pytest_mlexp.contracts.cases import look
from pytest_mlexp.contracts.catalogue import model_laws
from pytest_mlexp.contracts.driver import check_model, check_one
from pytest_mlexp.contracts.law import Broken, NotApplicable
from pytest_mlexp.contracts.process import quietly
from pytest_mlexp.contracts.recognition import subject_of
from pytest_mlexp.contracts.subject import Subject
from tests.zoo.catalogue import SPECIMENS
from tests.zoo.specimen import Specimen

# What scikit-learn's tags do not say.
DECLARED: Mapping[str, Mapping[str, Any]] = {"CCA": {"targets": 2}, "PLSCanonical": {"targets": 2}}


def estimators() -> Iterator[tuple[str, Any]]:
    """Every classifier and regressor that can be built with its defaults."""
    for name, kind in all_estimators():
        try:
            model = kind()
            chosen = is_classifier(model) or is_regressor(model)
        except (TypeError, AttributeError):
            continue  # it needs arguments
        if chosen:
            yield name, model


def broken_laws(model: Any, declares: Mapping[str, Any]) -> dict[str, str]:
    """The laws that a model breaks in the fast set, with what was seen; nothing is shrunk."""
    subject = subject_of(model, declares=declares)
    found = {}
    with quietly():
        for law in model_laws():
            if law.thorough or reason_against(law, subject) is not None:
                continue
            try:
                look(law, subject, effort="fast", shrink=False)
            except NotApplicable:
                continue
            except Broken as broken:
                found[law.name] = f"{broken.expected} | {broken.seen}".replace("\n", " ")
    return found


def alarms(models: Iterator[tuple[str, Any]]) -> None:
    """Check correct models and say which laws they break."""
    flagged = checked = 0
    for name, model in models:
        found = broken_laws(model, DECLARED.get(name, {}))
        unexplained = {law: seen for law, seen in found.items() if (name, law) not in EXPLAINED}
        flagged += bool(unexplained)
        checked += 1
        for law, seen in found.items():
            why = EXPLAINED.get((name, law), "NOT EXPLAINED")
            print(f"{name:32} {law:28} {why}\n    {seen[:300]}", flush=True)
    explained = {name for name, _ in EXPLAINED}
    print(f"{checked} correct models, {flagged} flagged without an explanation, {len(explained)} models explained")


def boosters() -> Iterator[tuple[str, Any]]:
    """LightGBM's and XGBoost's classifiers and regressors."""
    import lightgbm
    import xgboost

    yield from (
        ("LGBMClassifier", lightgbm.LGBMClassifier(verbose=-1, n_jobs=1)),
        ("LGBMRegressor", lightgbm.LGBMRegressor(verbose=-1, n_jobs=1)),
        ("XGBClassifier", xgboost.XGBClassifier(n_jobs=1)),
        ("XGBRegressor", xgboost.XGBRegressor(n_jobs=1)),
    )


def verdicts(specimen: Specimen) -> tuple[dict[str, str], dict[str, str]]:
    """What the broken model and its twin break."""
    return tuple(broken_laws(make(), specimen.declares) for make in (specimen.broken, specimen.healthy))  # type: ignore[return-value]


def recall() -> None:
    """Count the broken models that break a law that their twin does not, and the twins that break one."""
    found, dirty = 0, set()
    for specimen in SPECIMENS:
        broken, twin = verdicts(specimen)
        hit = set(broken) - set(twin)
        found += bool(hit)
        if twin:
            dirty.add(specimen.name)
        laws = ", ".join(sorted(hit)[:5])
        print(f"{'found ' if hit else 'MISSED'} {specimen.name:40} {specimen.kind:10} {laws}", flush=True)
        for law, seen in twin.items():
            print(f"    TWIN {law}: {seen[:300]}", flush=True)
    print(f"{found} of {len(SPECIMENS)} broken models found ({found / len(SPECIMENS):.1%}); {len(dirty)} twins flagged")


def cpu_seconds() -> float:
    """CPU seconds of this process and of those that it started and that still run."""
    started = psutil.Process().children(recursive=True)
    return time.process_time() + sum(sum(process.cpu_times()[:2]) for process in started)


def cost() -> None:
    """Measure both batteries on the same models, one after the other."""
    rows = []
    check_model(next(estimators())[1])  # what is imported and started once
    for name, model in estimators():
        started = cpu_seconds()
        check_model(model, declares=DECLARED.get(name))
        ours = cpu_seconds() - started
        check_estimator(model, on_fail=None, on_skip=None)
        theirs = cpu_seconds() - started - ours
        rows.append((name, ours, theirs, ours / max(theirs, 1e-3)))
    rows.sort(key=lambda row: row[1])
    print(tabulate(rows, headers=["model", "contracts (CPU s)", "check_estimator (CPU s)", "ratio"], floatfmt=".2f"))
    for place, values in enumerate(zip(*rows, strict=True)):
        if place:
            print(f"{('', 'contracts', 'check_estimator', 'ratio')[place]:16} median {statistics.median(values):.2f}")
    print(f"90 % of the models take at most {rows[int(0.9 * len(rows))][1]:.2f} CPU seconds")


def laws(*names: str) -> None:
    """Sum up what each law costs on the models, as it goes when one follows the other."""
    spent, calls, doing = dict[str, float](), Counter[tuple[str, str]](), [""]

    def count(method: str, what: str) -> None:
        plain = getattr(Subject, method)

        def counted(*arguments: Any, **options: Any) -> Any:
            calls[doing[0], what] += 1
            return plain(*arguments, **options)

        setattr(Subject, method, counted)

    for method, what in (("_train", "fits"), ("try_fit", "fits"), ("ask", "predictions")):
        count(method, what)
    chosen = [(name, model) for name, model in estimators() if not names or name in names]
    for name, model in chosen:
        subject = subject_of(model, declares=DECLARED.get(name, {}))
        with quietly():
            for law in model_laws():
                if not law.thorough:
                    doing[0], started = law.name, time.process_time()
                    check_one(law, subject, model=model)
                    spent[law.name] = spent.get(law.name, 0.0) + time.process_time() - started
    each = 1 / max(len(chosen), 1)
    rows = [
        (
            name,
            1000 * each * cpu,
            cpu / sum(spent.values()),
            each * calls[name, "fits"],
            each * calls[name, "predictions"],
        )
        for name, cpu in sorted(spent.items(), key=lambda item: -item[1])
    ]
    print(tabulate(rows, headers=["law", "CPU ms a model", "share", "fits", "predictions"], floatfmt=".2f"))


def repeat(runs: int = 20, stride: int = 10) -> None:
    """Check the zoo again and again and compare the verdicts with those of the first run."""
    chosen, first, others = SPECIMENS[::stride], dict[str, Any](), set[str]()
    for number in range(runs):
        started = time.perf_counter()
        found = {specimen.name: tuple(frozenset(laws) for laws in verdicts(specimen)) for specimen in chosen}
        first = first or found
        verdict = [name for name, laws in found.items() if [*map(bool, laws)] != [*map(bool, first[name])]]
        laws = [name for name, laws in found.items() if laws != first[name] and name not in verdict]
        others.update(verdict)
        took = f"{time.perf_counter() - started:.0f} s"
        print(f"run {number + 1} ({took}): other verdicts: {verdict}, the same for other laws: {laws}", flush=True)
    print(f"{len(chosen)} specimens with their twins, {runs} runs: {len(others)} with another verdict in some run")


_FAR = "a kernel of rows far from every training row is 0, and 0 / 0 is NaN"
_UNLABELLED = "documented: the label -1 means unlabelled"
_ARGMIN = "the cross-validated path of a constant target is empty, and numpy's argmin stumbles over it"
_CONSTANT = "documented: the default alpha=1 shrinks all coefficients to zero on data of this scale"
_TWO_COLUMNS = "trained on one class, classes_ has one entry and predict_proba two columns"
_UNSIGNED = "unsigned inputs are negated in their own type, and wrap around"
_BY_POSITION = "documented: columns are taken by position unless validate_features is set"
_GAMMA = "gamma='scale' is taken from all rows, those of no weight too"
_LOWER = "a part that never saw the class of one row gives all to the lower of the two other labels"
_BOOLEANS = "documented: labels are numbers from 0, and booleans come back as integers"
# Correct models that truly break a law with their defaults.
EXPLAINED: dict[tuple[str, str], str] = {
    **{
        (name, law): _FAR
        for name in ("LabelPropagation", "LabelSpreading")
        for law in ("probabilities", "scales", "wide_data")
    },
    **{
        (name, law): _UNLABELLED
        for name in ("LabelPropagation", "LabelSpreading")
        for law in ("labels_keep_their_type", "renaming_classes")
    },
    **{(name, "one_class"): _ARGMIN for name in ("LarsCV", "LassoLarsCV", "OrthogonalMatchingPursuitCV")},
    **{("QuantileRegressor", law): _CONSTANT for law in ("learns", "every_column_counts", "every_row_counts")},
    **{
        (name, law): _TWO_COLUMNS
        for name in ("HistGradientBoostingClassifier", "LGBMClassifier", "MLPClassifier")
        for law in ("one_class", "one_training_row")
    },
    ("QuantileRegressor", "whole_numbers_at_fit"): _UNSIGNED,
    ("CalibratedClassifierCV", "rare_class_anywhere"): _LOWER,
    ("HuberRegressor", "far_away"): "the solver stops at once on inputs of 1e9 and says nothing",
    ("IsotonicRegression", "refused_before_fit"): "an AttributeError about f_ instead of NotFittedError",
    **{
        ("NearestCentroid", law): "predict measures plain distances, predict_proba scaled ones"
        for law in ("best_score_is_predicted", "unsure_rows")
    },
    **{(name, "no_weight_far_away"): _GAMMA for name in ("SVC", "SVR", "NuSVC", "NuSVR")},
    ("BayesianRidge", "small_units"): "the priors of the precisions have a scale: tiny inputs say nothing to it",
    **{
        (name, "digits_far_from_zero"): "the solver stops at once on inputs of 1e7 and says nothing"
        for name in ("PoissonRegressor", "TweedieRegressor")
    },
    ("PassiveAggressiveRegressor", "set_params_takes_effect"): "C is read by the constructor alone; deprecated class",
    **{
        (name, law): _BY_POSITION
        for name in ("LGBMClassifier", "LGBMRegressor")
        for law in ("reordered_columns", "wrong_width")
    },
    ("XGBClassifier", "labels_keep_their_type"): _BOOLEANS,
    ("XGBClassifier", "params_survive_fit"): "fit sets the parameter objective",
}


def main() -> None:
    """Run what was asked for."""
    warnings.simplefilter("ignore")
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    parts: dict[str, Callable[[], None]] = {
        "alarms": lambda: alarms(estimators()),
        "boosters": lambda: alarms(boosters()),
        "recall": recall,
        "cost": cost,
        "laws": lambda: laws(*sys.argv[2:]),
        "repeat": lambda: repeat(*(int(argument) for argument in sys.argv[2:])),
    }
    if what not in parts:
        sys.exit(__doc__)
    parts[what]()


if __name__ == "__main__":
    main()
