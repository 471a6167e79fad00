from __future__ import annotations

import functools
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pytest_mlexp.blocks.model import declare_model
from pytest_mlexp.errors import DeclarationError, ModelError


def forest(n_estimators: int, depth: int = 3, *, seed: int) -> Any:
    return lambda inputs: [n_estimators + depth + seed for _ in inputs]


def test_a_grid_makes_variants_in_its_own_order() -> None:
    variants = declare_model(forest, name=None, params={"n_estimators": [300, 100]})
    assert [v.name for v in variants] == ["forest-n_estimators=300", "forest-n_estimators=100"]
    assert variants[0].build(seed=1, device="cpu")([0]) == [304]
    assert variants[0].text_params() == {"depth": "3", "n_estimators": "300"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n_estimator": [1]}, "did you mean 'n_estimators'"),
        ({"n_estimators": 100}, "non-empty list"),
        ({"n_estimators": []}, "non-empty list"),
        ({"n_estimators": [1, 1]}, "two variants"),
        ({}, "nothing gives parameter 'n_estimators'"),
    ],
)
def test_a_grid_that_does_not_fit_the_factory_is_refused(params: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        declare_model(forest, name=None, params=params)


def test_a_misspelt_parameter_of_the_factory_names_the_likely_one() -> None:
    def of_seed(sed: int) -> None: ...

    def of_grid(n_estimator: int) -> None: ...

    with pytest.raises(DeclarationError, match="'sed' of model 'of_seed' a value: did you mean 'seed'"):
        declare_model(of_seed, name=None, params=None)
    with pytest.raises(DeclarationError, match="takes no parameter 'n_estimators': did you mean 'n_estimator'"):
        declare_model(of_grid, name=None, params={"n_estimators": [1]})


def test_an_instance_is_cloned_for_each_trial() -> None:
    original = LogisticRegression(C=2.0)
    (variant,) = declare_model(original, name="logistic", params=None)
    built = variant.build(seed=0, device="cpu")
    assert built is not original
    assert built.C == 2.0


def test_a_factory_that_returns_nothing_is_named() -> None:
    def empty() -> None: ...

    (variant,) = declare_model(empty, name=None, params=None)
    with pytest.raises(ModelError, match="None \\(is a return missing"):
        variant.build(seed=0, device="cpu")


def test_a_stacking_model_can_be_declared_as_it_is() -> None:
    from sklearn.ensemble import StackingClassifier

    stacking = StackingClassifier([("a", LogisticRegression())])
    for model in (stacking, make_pipeline(stacking)):
        (variant,) = declare_model(model, name="stack", params=None)
        assert type(variant.build(seed=0, device="cpu")) is type(model)


@pytest.mark.parametrize("value", [object(), "", "***", "x" * 61, LogisticRegression])
def test_a_value_that_makes_no_stable_id_is_refused(value: Any) -> None:
    if value is LogisticRegression:
        assert declare_model(forest, name=None, params={"n_estimators": [value]})[0].name.endswith(
            "=LogisticRegression"
        )
        return
    with pytest.raises(DeclarationError, match="cannot be part of a test id"):
        declare_model(forest, name=None, params={"n_estimators": [value]})


def test_what_has_no_name_asks_for_one() -> None:
    class Nameless:
        def __call__(self) -> Any: ...

    with pytest.raises(DeclarationError, match="has no name of its own: give it one with name="):
        declare_model(Nameless(), name=None, params=None)
    assert declare_model(functools.partial(forest, n_estimators=1), name=None, params=None)[0].name == "forest"


def test_a_seed_in_the_grid_is_a_parameter() -> None:
    variants = declare_model(forest, name=None, params={"n_estimators": [1], "seed": [1, 2]})
    assert [variant.text_params()["seed"] for variant in variants] == ["1", "2"]
