"""Whatever can be a model -> the subject of checks."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.blocks.model import ModelVariant
from pytest_mlexp.contracts.data import Case, make
from pytest_mlexp.contracts.declarations import Declarations, declared
from pytest_mlexp.contracts.fitted import as_array
from pytest_mlexp.contracts.networks import SINGLE_PRECISION, OnArrays, is_network
from pytest_mlexp.contracts.process import quietly
from pytest_mlexp.contracts.single import holds_network
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.errors import DeclarationError


def subject_of(model: Any, *, name: str | None = None, declares: Mapping[str, Any] | None = None) -> Subject:
    """Make a subject of an estimator (instance or class), a plain callable, a torch module, or a declared variant.

    Raises:
        DeclarationError: it can neither predict nor be called, or an unknown declaration.
    """
    with quietly():
        return _subject_of(model, name, declares or {})


def _subject_of(model: Any, name: str | None, declares: Mapping[str, Any]) -> Subject:
    raw = _maker(model)
    first = raw()
    if not (callable(getattr(first, "predict", None)) or (callable(first) and not inspect.isclass(first))):
        raise DeclarationError(
            f"{first!r:.80} can neither predict nor be called: give an estimator (instance or class), a plain "
            "callable inputs -> predictions, a torch module, or a declared model"
        )
    found = declared(first, declares)
    label = name or getattr(model, "name", None) or getattr(model, "__name__", None) or type(first).__name__
    guessed = found.task is None
    if guessed:
        found = _by_targets(found) if found.given else _tried(str(label), raw, found)
    subject = _dense_enough(Subject(str(label), raw, found))
    subject.given, subject.guessed = declares, guessed
    if "tolerance" not in declares and subject.trains and "torch" in sys.modules:
        _allow_for_networks(subject)
    return subject


def _maker(model: Any) -> Callable[[], Any]:
    if isinstance(model, ModelVariant):
        return lambda: model.build(seed=0, device="cpu")
    if is_network(model):
        return lambda: OnArrays(model() if inspect.isclass(model) else copy.deepcopy(model))
    if inspect.isclass(model):
        return model
    if hasattr(model, "get_params") and hasattr(model, "fit"):
        return _cloner(model)
    if hasattr(model, "fit"):
        return lambda: copy.deepcopy(model)
    return lambda: _copied(model)


def _copied(model: Any) -> Any:
    try:
        return copy.deepcopy(model)
    except Exception:  # noqa: BLE001 - a callable that cannot be copied is used as it is
        return model


_ATOMS = (int, float, bool, str, type(None))


def _cloner(model: Any) -> Callable[[], Any]:
    """Clones of an estimator; once scikit-learn has made one, others are made alike, with no signature read again."""
    from sklearn.base import BaseEstimator, clone

    kind, params = type(model), dict[str, Any]()
    plain = getattr(kind, "__sklearn_clone__", None) is BaseEstimator.__sklearn_clone__
    plain = plain and not {"_metadata_request", "_sklearn_output_config"} & vars(model).keys()

    def cloned() -> Any:
        if params:
            return kind(**{n: v if type(v) in _ATOMS else clone(v, safe=False) for n, v in params.items()})
        try:
            made = clone(model)
        except (TypeError, RuntimeError):
            return copy.deepcopy(model)
        if plain:
            params.update(model.get_params(deep=False))
        return made

    return cloned


def _by_targets(found: Declarations) -> Declarations:
    """The task that given targets speak for; none where there are no targets."""
    y = make(found, Case()).y
    if y is None:
        return found
    return replace(found, task="regression" if as_array(y).dtype.kind == "f" else "classification")


def _dense_enough(subject: Subject) -> Subject:
    """A model that knows only what is near its training rows, such as radius neighbours, gets nearer rows."""
    if subject.declares.given or not subject.trains or _answers_all(subject):
        return subject
    dense = Subject(subject.name, subject.raw, replace(subject.declares, spread=0.3))
    return dense if _answers_all(dense) else subject


def _allow_for_networks(subject: Subject) -> None:
    """A model with a network in it computes in single precision, whatever type its answers have."""
    try:
        model = subject.fitted(subject.data(Case()))
    except Exception:  # noqa: BLE001 - why it cannot be fitted, a law tells
        return
    if holds_network(model):
        subject.declares = replace(subject.declares, tolerance=max(subject.declares.tolerance, SINGLE_PRECISION))


def _answers_all(subject: Subject) -> bool:
    data = subject.data(Case())
    try:
        answer = as_array(subject.ask(subject.fitted(data), "predict", data.X_test))
    except Exception:  # noqa: BLE001 - why it does not answer, a law tells
        return False
    return answer.dtype.kind != "f" or bool(np.isfinite(answer).all())


def _tried(name: str, raw: Callable[[], Any], found: Declarations) -> Declarations:
    """Find out the task of a model that does not say.

    A classifier gives back the words it was trained with. One that takes numbers alone gives back zeros and ones, and
    has ``classes_`` then, or of targets that are no such codes makes nothing else, or refuses them.
    """
    classifier, regressor = replace(found, task="classification"), replace(found, task="regression")
    if not callable(getattr(raw(), "fit", None)):
        return regressor
    _, words = _answered(Subject(name, raw, classifier), labels=("no", "yes"))
    if words and words <= {"no", "yes"}:
        return classifier
    model, codes = _answered(Subject(name, raw, classifier), labels=(0, 1))
    if codes != {0, 1}:
        return regressor
    known = hasattr(model, "classes_") or _answered(Subject(name, raw, regressor))[1] <= codes
    return classifier if known else regressor


def _answered(subject: Subject, **recipe: Any) -> tuple[Any, set[Any]]:
    """A model trained on such data and its different answers, none where it does not take them."""
    data = subject.data(Case(classes=2), **recipe)
    model = subject.build()
    try:
        answer = as_array(subject.ask(subject.train(model, data.X, data.y), "predict", data.X_test))
        return model, set(answer.ravel().tolist())
    except Exception:  # noqa: BLE001 - it cannot take them, in whatever way it says so
        return model, set()
