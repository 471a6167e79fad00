"""Models as a team declares them: a factory, its parameter grid, and the variants that follow."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_mlexp.blocks.declared import Declared
from pytest_mlexp.errors import DeclarationError, ModelError
from pytest_mlexp.naming import check_name, meant, nearest, own_name, slug

Grid = Mapping[str, Sequence[Any]]
CONTEXT = ("seed", "device")
LONGEST_LABEL = 60


@dataclass(frozen=True)
class ModelVariant:
    """One model with one choice of parameters.

    Attributes:
        name: ``forest-n_estimators=300``; part of test ids.
        block: name of the model that it is a variant of.
        factory: makes a fresh, unfitted model.
        params: the parameters chosen from the grid.
        context: which of ``seed`` and ``device`` the factory asks for.
        defaults: those of the factory's other parameters.
        depends_on: what it depends on beside its code, as declared; ``module``: the one that declares it.
    """

    name: str
    block: str
    factory: Callable[..., Any] = field(repr=False)
    params: Mapping[str, Any]
    context: frozenset[str]
    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False)
    depends_on: tuple[Declared, ...] = ()
    module: str = ""

    def build(self, *, seed: int, device: str) -> Any:
        """Make a fresh model.

        Raises:
            ModelError: the factory returned something that can neither predict nor be called.
        """
        offered = {"seed": seed, "device": device}
        model = self.factory(**self.params, **{name: offered[name] for name in self.context})
        if _can_predict(model):
            return model
        what = "None (is a return missing?)" if model is None else f"{type(model).__qualname__} {model!r:.60}"
        raise ModelError(
            f"the factory of model {self.name!r} returned {what}: return an object with predict (and fit, where "
            "it is trained) or a plain callable inputs -> predictions"
        )

    @property
    def asks_for_device(self) -> bool:
        """Whether it runs on every device that is there; any other model runs on ``cpu`` alone."""
        return "device" in self.context

    def text_params(self) -> dict[str, str]:
        """The factory's parameters as text, its defaults included."""
        chosen = {**self.defaults, **self.params}
        return {name: str(value) for name, value in chosen.items() if name not in CONTEXT or name in self.params}


def declare_model(factory: object, *, name: str | None, params: Grid | Sequence[Grid] | None) -> list[ModelVariant]:
    """Validate one model declaration and return its variants in grid order.

    ``factory`` is a function or class that returns the model, or an estimator instance, which is then
    cloned for each trial. ``params`` maps parameter names to the values to try; a sequence of such mappings
    is the union of their grids, as in scikit-learn's ``ParameterGrid``.

    Raises:
        DeclarationError: illegal name, unknown or missing parameters, an empty or ambiguous grid.
    """
    if not inspect.isclass(factory) and any(hasattr(place, "predict") for place in (factory, type(factory))):
        return [_instance_variant(factory, name=name, params=params)]
    if not callable(factory):
        raise DeclarationError(
            f"a model is a factory or an estimator, not {factory!r:.80}: decorate a function that returns the model"
        )
    block = check_name(name or own_name(factory, kind="model"), kind="model")
    grids = [params or {}] if isinstance(params, Mapping | None) else list(params)
    signature = inspect.signature(factory)
    for grid in grids:
        _check_grid(block, signature, grid)
    context = frozenset(CONTEXT) & set(signature.parameters)
    defaults = {p.name: p.default for p in signature.parameters.values() if p.default is not p.empty}
    variants = [
        ModelVariant(_variant_name(block, chosen), block, factory, chosen, context - set(chosen), defaults)
        for grid in grids
        for chosen in _combinations(grid)
    ]
    _check_distinct(block, variants)
    return variants


def _instance_variant(instance: Any, *, name: str | None, params: object) -> ModelVariant:
    if params is not None:
        raise DeclarationError(
            f"params= needs a factory, not the instance {instance!r:.60}: declare a function of the parameters"
        )
    block = check_name(name or type(instance).__name__, kind="model")
    own = instance.get_params(deep=False) if hasattr(instance, "get_params") else {}
    recorded = {key: value for key, value in own.items() if isinstance(value, str | int | float | bool)}

    def clone(**_: Any) -> Any:
        if hasattr(instance, "get_params"):
            from sklearn.base import clone as sklearn_clone

            return sklearn_clone(instance)
        import copy

        return copy.deepcopy(instance)

    return ModelVariant(block, block, clone, recorded, frozenset())


def _check_grid(block: str, signature: inspect.Signature, grid: object) -> None:
    if not isinstance(grid, Mapping):
        raise DeclarationError(f"params= of model {block!r} must map parameter names to values, not {grid!r:.80}")
    parameters = signature.parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for key, values in grid.items():
        if key not in parameters and not open_ended:
            raise DeclarationError(f"model {block!r} takes no parameter {key!r}: {nearest(key, parameters)}")
        if isinstance(values, str | bytes) or not isinstance(values, Sequence) or not values:
            raise DeclarationError(
                f"params[{key!r}] of model {block!r} must be a non-empty list of values to try, not {values!r:.60}"
            )
    for parameter in parameters.values():
        bound = parameter.name in grid or parameter.name in CONTEXT or parameter.default is not parameter.empty
        if not bound and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            likely = meant(parameter.name, {*CONTEXT, *grid} - set(parameters))
            raise DeclarationError(
                f"nothing gives parameter {parameter.name!r} of model {block!r} a value: "
                f"{f'did you mean {likely!r}? Else ' if likely else ''}give it a default, put it "
                "into params=, or ask for 'seed' or 'device' (a callable that predicts is returned from a "
                "factory without parameters)"
            )


def _combinations(grid: Grid) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _variant_name(block: str, chosen: Mapping[str, Any]) -> str:
    return "-".join([block, *(f"{key}={_label(block, key, value)}" for key, value in chosen.items())])


def _label(block: str, key: str, value: object) -> str:
    name = getattr(value, "__name__", None)
    label = slug(name if isinstance(name, str) else str(value))
    if not label or len(label) > LONGEST_LABEL or re.search(r"_at_0x[0-9a-f]+", label):
        raise DeclarationError(
            f"the value {value!r:.60} of params[{key!r}] of model {block!r} cannot be part of a test id: use a number "
            f"or a text of at most {LONGEST_LABEL} characters, and make the object from it in the factory"
        )
    return label


def _check_distinct(block: str, variants: Sequence[ModelVariant]) -> None:
    seen: dict[str, ModelVariant] = {}
    for variant in variants:
        twin = seen.setdefault(variant.name, variant)
        if twin is not variant:
            raise DeclarationError(
                f"two variants of model {block!r} would both be called {variant.name!r}: {dict(twin.params)!r:.80} and "
                f"{dict(variant.params)!r:.80}; drop the duplicate or use values that print differently"
            )


def _can_predict(model: Any) -> bool:
    if inspect.isclass(model):
        return False
    # Some estimators of scikit-learn show their methods only once fitted; the class has them always.
    return callable(model) or any(callable(getattr(place, "predict", None)) for place in (model, type(model)))
