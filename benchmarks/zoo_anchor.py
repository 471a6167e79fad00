"""How many broken models of the zoo does scikit-learn's ``check_estimator`` find, how many healthy ones does it flag?

Run ``python benchmarks/zoo_anchor.py [--without-weights]``. A broken model counts as found when it fails a check that
its healthy twin passes. ``--without-weights`` leaves out the two sample-weight checks that scikit-learn excuses itself
for many of its own estimators. Models that are no scikit-learn estimators are listed as such.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import check_estimator
from tabulate import tabulate

from tests.zoo.catalogue import SPECIMENS
from tests.zoo.specimen import Specimen

WEIGHTS = ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data")


def failures(model: Any, left_out: tuple[str, ...]) -> set[str] | None:
    """Return the names of the checks that fail; None where the model is no estimator, or a check ends the battery."""
    if not isinstance(model, BaseEstimator):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            records = check_estimator(model, on_fail=None, on_skip=None)
        except Exception as error:  # noqa: BLE001 - the battery itself gave up, which is also a finding
            return {f"gave up: {type(error).__name__}"}
    return {record["check_name"] for record in records if record["status"] == "failed"} - set(left_out)


def judge(specimen: Specimen, left_out: tuple[str, ...], twins: dict[str, set[str] | None]) -> list[object]:
    """Return one row: name, kind, law, verdict, failures of the twin, seconds."""
    started = time.perf_counter()
    twin = specimen.healthy()
    key = repr(twin)
    if key not in twins:
        twins[key] = failures(twin, left_out)
    broken, healthy = failures(specimen.broken(), left_out), twins[key]
    seconds = time.perf_counter() - started
    if broken is None or healthy is None:
        return [specimen.name, specimen.kind, "no estimator", "", "", seconds]
    beyond = sorted(broken - healthy)
    return [
        specimen.name,
        specimen.kind,
        "found" if beyond else "missed",
        next(iter(beyond), ""),
        len(healthy),
        seconds,
    ]


def main() -> None:
    """Print one row a specimen, and the counts."""
    left_out = WEIGHTS if "--without-weights" in sys.argv[1:] else ()
    twins: dict[str, set[str] | None] = {}
    rows = [judge(specimen, left_out, twins) for specimen in SPECIMENS]
    print(
        tabulate(
            rows, headers=["specimen", "kind", "verdict", "by", "checks the twin fails", "seconds"], floatfmt=".1f"
        )
    )
    tried = [row for row in rows if row[2] != "no estimator"]
    found = sum(row[2] == "found" for row in tried)
    checked = [names for names in twins.values() if names is not None]
    print(
        f"{len(rows)} specimens; check_estimator applies to {len(tried)} and finds {found} of them "
        f"({found / len(tried):.0%}; {found / len(rows):.0%} of all); it flags {sum(map(bool, checked))} of "
        f"{len(checked)} healthy twins"
    )


if __name__ == "__main__":
    main()
