"""What a model is said to need or not to promise: read from scikit-learn's tags, or given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from pytest_mlexp.blocks.torch import TorchModel
from pytest_mlexp.contracts.networks import SINGLE_PRECISION, OnArrays
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.naming import nearest

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Declarations:
    """What the data of a model's checks are built to, and what is not asked of it.

    Attributes:
        task: found out by trying where it is None.
        positive_only: inputs are not negative.
        positive_target: targets are greater than zero.
        binary_only: two classes at most.
        requires_frame: inputs come as a pandas frame with categories and gaps.
        allows_nan: NaN in the inputs must be handled, not refused.
        nondeterministic: two fits may differ, whatever the seed.
        poor_score: nothing has to be learnt.
        requires_fit: predicting before fitting is an error.
        no_validation: inputs are not looked at, so nothing about them is refused.
        categorical: inputs are small non-negative integers.
        columns: the exact number of input columns, None for any.
        classes: the exact number of classes, None for any.
        targets: columns of ``y``; 1 is a flat ``y``.
        spread: standard deviation of the noise in the inputs; less of it makes neighbours near.
        tolerance: the relative difference that counts as equal.
        warm_start: a fit goes on from the fit before.
        schema: the columns of the data to check with, a Schema or the path of a saved one.
        data: inputs to check with instead of generated ones: ``(X, y)``, a Dataset, or a function
            ``(seed, rows) -> (X, y)``.
    """

    task: Task | None = None
    positive_only: bool = False
    positive_target: bool = False
    binary_only: bool = False
    requires_frame: bool = False
    allows_nan: bool = False
    nondeterministic: bool = False
    poor_score: bool = False
    requires_fit: bool = True
    no_validation: bool = False
    categorical: bool = False
    columns: int | None = None
    classes: int | None = None
    targets: int = 1
    spread: float = 1.0
    tolerance: float = 1e-6
    warm_start: bool = False
    schema: Any = None
    data: Any = None

    @property
    def given(self) -> bool:
        """Whether the data are given, and not generated."""
        return self.data is not None or self.schema is not None


def declared(model: Any, given: Mapping[str, Any]) -> Declarations:
    """Read a model's scikit-learn tags, then apply what is ``given``.

    Raises:
        DeclarationError: as :func:`refuse_unknown`.
    """
    refuse_unknown(given)
    return replace(_from_tags(model), **given)


def refuse_unknown(given: Mapping[str, Any]) -> None:
    """Look at what is said of a model, which need not be there yet.

    Raises:
        DeclarationError: no declaration has that name, a value has the wrong type, or a schema's file is not there.
    """
    known = {field.name for field in fields(Declarations)}
    for name, value in given.items():
        if name not in known:
            raise DeclarationError(f"there is no declaration {name!r} of a model: {nearest(name, known)}")
        default = getattr(Declarations, name)
        if isinstance(default, bool) and not isinstance(value, bool):
            raise DeclarationError(f"the declaration {name!r} is True or False, not {value!r:.60}")
    if given.get("task", "regression") not in ("classification", "regression"):
        raise DeclarationError(f"task={given['task']!r}: a model's task is 'classification' or 'regression'")
    schema = given.get("schema")
    if isinstance(schema, str | Path) and not Path(schema).is_file():
        raise DeclarationError(f"schema={str(schema)!r}: there is no such file, seen from {Path.cwd()}")


def _from_tags(model: Any) -> Declarations:
    found = Declarations(
        task=_task_of(model),
        warm_start=bool(_params(model).get("warm_start", False)),
        tolerance=SINGLE_PRECISION if isinstance(model, TorchModel | OnArrays) else Declarations.tolerance,
    )
    if not hasattr(model, "__sklearn_tags__"):
        return found
    from sklearn.utils import get_tags

    tags = get_tags(model)
    kind = tags.classifier_tags or tags.regressor_tags
    return replace(
        found,
        positive_only=tags.input_tags.positive_only or tags.input_tags.categorical,
        positive_target=tags.target_tags.positive_only,
        binary_only=tags.classifier_tags is not None and not tags.classifier_tags.multi_class,
        allows_nan=tags.input_tags.allow_nan,
        nondeterministic=tags.non_deterministic,
        poor_score=kind is not None and kind.poor_score,
        requires_fit=tags.requires_fit,
        no_validation=tags.no_validation,
        categorical=tags.input_tags.categorical and not tags.input_tags.sparse,
        columns=1 if tags.input_tags.one_d_array and not tags.input_tags.two_d_array else None,
        targets=2 if tags.target_tags.multi_output and not tags.target_tags.single_output else 1,
    )


def _params(model: Any) -> dict[str, Any]:
    get_params = getattr(model, "get_params", None)
    return dict(get_params(deep=False)) if callable(get_params) else {}


def _task_of(model: Any) -> Task | None:
    kinds: dict[object, Task] = {"classifier": "classification", "regressor": "regression"}
    if hasattr(model, "__sklearn_tags__"):
        from sklearn.utils import get_tags

        kind = get_tags(model).estimator_type
    else:
        kind = getattr(model, "_estimator_type", None)
    if kind is not None:
        return kinds.get(kind)
    return "classification" if hasattr(model, "predict_proba") else None
