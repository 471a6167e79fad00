"""What a store takes: lengths of names and values, how many of them, and how experiments are named there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_mlexp.errors import TrackingError

FOLDER_VARIABLE = "MLEXP_EXPERIMENT_FOLDER"
FOLDER_HINT = f"set {FOLDER_VARIABLE}, or mlexp_experiment_folder in the ini file, to /Shared or /Users/you@example.org"
_ILLEGAL = re.compile(r"[^A-Za-z0-9_\-. :/]")


@dataclass(frozen=True)
class Limits:
    """How much one run of a store may hold; all lengths are in characters.

    Attributes:
        tags: how many tags a run may have, with room left for those that MLflow adds.
        metrics: how many different metrics a run may have.
        paths: whether an experiment's name is the path of a folder, as ``/Shared/churn``.
    """

    key: int = 250
    param: int = 6000
    tag: int = 5000
    tags: int = 1000
    metrics: int = 100_000
    paths: bool = False


# MLflow's own, and those of Databricks: https://docs.databricks.com/api/workspace/experiments/logbatch
MLFLOW = Limits()
DATABRICKS = Limits(paths=True)
# https://learn.microsoft.com/azure/machine-learning/resource-limits-capacity, less room for what MLflow adds.
AZURE = Limits(key=100, param=500, tag=1000, tags=40, metrics=50)


def limits_of(uri: str) -> Limits:
    """The limits of the store at an address."""
    scheme = uri.partition(":")[0].lower()
    if scheme.startswith("databricks"):
        return DATABRICKS
    return AZURE if scheme.startswith("azureml") else MLFLOW


def experiment_name(name: str, folder: str | None, limits: Limits) -> str:
    """An experiment's name in a store.

    Raises:
        TrackingError: the store wants the path of a folder, and none is given.
    """
    if not limits.paths:
        return name
    if not folder:
        raise TrackingError(f"the store wants experiment {name!r} in a folder: {FOLDER_HINT}")
    return f"{folder.rstrip('/')}/{name}"


def legal_key(name: str, taken: Iterable[str] = (), longest: int = MLFLOW.key) -> str:
    """The nearest name MLflow takes; a short digest keeps two names apart that would become one."""
    key = re.sub(r"/{2,}", "/", _ILLEGAL.sub("_", name)).strip("/")
    key = re.sub(r"(?<![^/])\.{1,2}(?![^/])", "_", key) or "_"
    if len(key) <= longest and key not in taken:
        return key
    return f"{key[: longest - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Fitting:
    """Values under names and in lengths that a store takes, and whole what did not fit."""

    values: dict[str, str]
    long: dict[str, str]


def fitted(values: Mapping[str, str], longest: int, limits: Limits, *, most: int | None = None) -> Fitting:
    """Fit values into a store: cut where they are too long, the last ones left out where they are too many."""
    short: dict[str, str] = {}
    long: dict[str, str] = {}
    for name, value in values.items():
        if most is not None and len(short) >= most:
            long[name] = value
            continue
        key = legal_key(name, short, limits.key)
        if len(value) > longest:
            long[name] = value
        short[key] = value if len(value) <= longest else value[: longest - 3] + "..."
    return Fitting(short, long)
