"""Experiment: where a team declares its datasets, models, evaluators and gates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, overload

from pytest_mlexp.blocks.dataset_block import DatasetBlock, declare_dataset
from pytest_mlexp.blocks.declared import Lines, declare_dependencies, declaring_line
from pytest_mlexp.blocks.evaluator import EvaluatorBlock, Words, directions, from_function
from pytest_mlexp.blocks.model import Grid, ModelVariant, declare_model
from pytest_mlexp.blocks.scorers import from_sklearn, is_sklearn
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.gates.rules import OPERATIONAL, Gate, Gates, Rule, Stem, check_metric, check_on, declare
from pytest_mlexp.naming import check_name

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mlexp.runner import Results

DeclaredT = TypeVar("DeclaredT")
GateT = TypeVar("GateT", Gate, Gates)


class Decorator(Protocol):
    """Gives back what it declares, unchanged."""

    def __call__(self, declared: DeclaredT, /) -> DeclaredT:
        """Declare it."""


class Experiment:
    """A named declaration of datasets, models, evaluators and gates; one MLflow experiment.

    Args:
        name: the MLflow experiment's name and the word for it in errors.
        seeds: every model is fitted once for each of these seeds.
        description: what is tried and why, for people.

    Raises:
        DeclarationError: an illegal name, or seeds that are not distinct integers from 0 to 2**32 - 1.
    """

    def __init__(self, name: str, *, seeds: Iterable[int] = (0,), description: str = "") -> None:
        self.name = check_name(name, kind="experiment")
        self.seeds = _check_seeds(name, seeds)
        self.description = description
        self.datasets: dict[str, DatasetBlock] = {}
        self.models: dict[str, ModelVariant] = {}
        self.evaluators: dict[str, EvaluatorBlock] = {}
        self.gates: list[Gate] = []
        self._lines = Lines()

    def __repr__(self) -> str:
        return f"Experiment({self.name!r})"

    @overload
    def dataset(self, load: DeclaredT, /, *, name: str | None = None, version: str | None = None) -> DeclaredT: ...
    @overload
    def dataset(self, /, *, name: str | None = None, version: str | None = None) -> Decorator: ...
    def dataset(self, load: Any = None, /, *, name: str | None = None, version: str | None = None) -> Any:
        """Declare a dataset by the function that loads it; use as a decorator.

        The function takes nothing and returns a :class:`Dataset`; a process calls it once, when a trial needs it.

        Raises:
            DeclarationError: an illegal or doubled name, or a function that takes parameters.
        """
        if load is None:
            return lambda function: self._add_dataset(function, name, version)
        return self._add_dataset(load, name, version)

    @overload
    def model(
        self,
        factory: DeclaredT,
        /,
        *,
        name: str | None = None,
        params: Grid | Sequence[Grid] | None = None,
        depends_on: Iterable[Any] = (),
    ) -> DeclaredT: ...
    @overload
    def model(
        self, /, *, name: str | None = None, params: Grid | Sequence[Grid] | None = None, depends_on: Iterable[Any] = ()
    ) -> Decorator: ...
    def model(
        self,
        factory: Any = None,
        /,
        *,
        name: str | None = None,
        params: Grid | Sequence[Grid] | None = None,
        depends_on: Iterable[Any] = (),
    ) -> Any:
        """Declare a model by its factory, or by an estimator instance that is cloned for each trial.

        Args:
            factory: returns an object with ``fit``/``predict`` or a plain callable ``inputs -> predictions``.
                It may ask for ``seed`` and ``device``.
            name: instead of the function's own name.
            params: parameter name -> values to try; each combination is one variant.
            depends_on: paths and objects that the code does not show; when one changes, the model is run again.

        Raises:
            DeclarationError: an illegal or doubled name, a grid that does not fit, a path that is not there.
        """
        if factory is None:
            return lambda function: self._add_models(function, name, params, depends_on)
        return self._add_models(factory, name, params, depends_on)

    @overload
    def evaluator(
        self,
        function: DeclaredT,
        /,
        *,
        name: str | None = None,
        maximize: str | Iterable[str] = (),
        minimize: str | Iterable[str] = (),
        owner: str = "",
        business_indicator: str = "",
        depends_on: Iterable[Any] = (),
    ) -> DeclaredT: ...
    @overload
    def evaluator(
        self,
        /,
        *,
        name: str | None = None,
        maximize: str | Iterable[str] = (),
        minimize: str | Iterable[str] = (),
        owner: str = "",
        business_indicator: str = "",
        depends_on: Iterable[Any] = (),
    ) -> Decorator: ...
    def evaluator(
        self,
        function: Any = None,
        /,
        *,
        name: str | None = None,
        maximize: str | Iterable[str] = (),
        minimize: str | Iterable[str] = (),
        owner: str = "",
        business_indicator: str = "",
        depends_on: Iterable[Any] = (),
    ) -> Any:
        """Declare an evaluator: a function, a scikit-learn metric function, or the name of a scorer.

        A function asks by parameter name for ``y_true y_pred y_proba y_score X groups sample_weight model
        dataset timings device`` and returns a number, a mapping or an :class:`Evaluation` with the metrics
        named in ``maximize`` and ``minimize``. The first of ``maximize``, or without it of ``minimize``, ranks the
        models. ``owner`` is who decides what the metrics mean, ``business_indicator`` what they stand for; both
        are kept with the accepted state for its reviewers and change nothing that is computed. ``depends_on`` is as
        for a model.

        Raises:
            DeclarationError: an illegal or doubled name, an unknown request, no direction, a metric that
                another evaluator gives, or an owner or indicator that is no line of text.
        """
        metrics, words = directions(maximize, minimize), Words(owner, business_indicator)

        def add(declared: Any) -> Any:
            made = (from_sklearn if is_sklearn(declared) else from_function)(declared, name=name, metrics=metrics)
            needed = declare_dependencies(depends_on, of=f"evaluator {made.name!r}")
            self._add_evaluator(replace(made, words=words, **needed))
            return declared

        return add if function is None else add(function)

    @overload
    def gate(self, rule: str, /, **options: Unpack[Rule]) -> Gate: ...
    @overload
    def gate(self, rule: GateT, /) -> GateT: ...
    def gate(self, rule: Any, /, **options: Any) -> Any:
        """Hold the cells to a rule on a metric: absolute bounds, or a margin against the accepted baseline.

        ``gate("roc_auc", at_least=0.8, max_drop=0.01, on="forest")``; :class:`Gate` says what each option means.
        Gates made before, also several joined with ``&``, serve as they are.

        Raises:
            DeclarationError: no rule, an unknown option, numbers that nothing can meet, or the same gate again.
        """
        declared = declare(rule, options, beside=self.gates)
        self.gates.extend(declared)
        self._lines.update(dict.fromkeys(declared, declaring_line()))
        return declared.gates[0] if isinstance(rule, str) else rule

    def validate(self) -> None:
        """Check what can only be known once everything is declared.

        Raises:
            DeclarationError: a kind of block is missing, or a gate names a metric that no evaluator gives, bounds
                it against its direction, or is on what is not there, never runs, or does not have its metric.
        """
        for kind in ("dataset", "model", "evaluator"):
            if not getattr(self, f"{kind}s"):
                raise DeclarationError(f"experiment {self.name!r} declares no {kind}: add one with .{kind}(...)")
        known = {m.name: m.maximize for evaluator in self.evaluators.values() for m in evaluator.metrics}
        for gate in self.gates:
            try:
                check_metric(gate, known, experiment=self.name)
                check_on(gate, self._gateable, stems=self._stems(gate.metric), experiment=self.name)
            except DeclarationError as error:
                raise DeclarationError(f"{self._lines.start(gate)}{error}") from None

    def run(
        self,
        *,
        devices: str = "auto",
        tracking_uri: str | None = None,
        baseline: str | Path = "mlexp.lock",
        store: str | Path = ".mlexp/store",
        fresh: bool = False,
        alpha: float = 0.05,
    ) -> Results:
        """Run every cell without pytest and return the results, shown as a table in a notebook.

        Args:
            devices: as ``--mlexp-devices``, but a device that is not here is an error.
            tracking_uri: as ``--mlexp-tracking-uri``, in the order of its defaults; ``"off"`` keeps nothing.
            baseline: the accepted state to judge against, relative to the project's folder; it may be missing.
            store: where outcomes are kept for the next time, relative to the project's folder; ``"off"`` keeps none.
            fresh: run every trial, whatever is kept.
            alpha: as ``mlexp_alpha``.
        """
        from pytest_mlexp.runner import run

        return run(
            self, devices=devices, tracking_uri=tracking_uri, baseline=baseline, store=store, fresh=fresh, alpha=alpha
        )

    @property
    def _gateable(self) -> set[str]:
        blocks = {variant.block for variant in self.models.values()}
        return {*blocks, *self.models, *self.datasets}

    def gateable_metrics(self, evaluator: EvaluatorBlock) -> set[str]:
        """What gates on the cells of an evaluator can be about; timings are for the cells of the first one."""
        given = {metric.name for metric in evaluator.metrics}
        return given | set(OPERATIONAL) if evaluator is next(iter(self.evaluators.values())) else given

    def _stems(self, metric: str) -> dict[str, Stem]:
        """The ids of all cells without their devices, and whether a gate on the metric can be on them."""
        has = {name: metric in self.gateable_metrics(evaluator) for name, evaluator in self.evaluators.items()}
        return {
            f"{name}-{d}-{e}": Stem(has[e], model.asks_for_device)
            for name, model in self.models.items()
            for d in self.datasets
            for e in self.evaluators
        }

    def _add_dataset(self, load: Any, name: str | None, version: str | None) -> Any:
        block = declare_dataset(load, name=name, version=version)
        self._claim(block.name, self.datasets, "dataset")
        self.datasets[block.name] = block
        return load

    def _add_models(self, factory: Any, name: str | None, params: Any, depends_on: Iterable[Any]) -> Any:
        variants = declare_model(factory, name=name, params=params)
        needed = declare_dependencies(depends_on, of=f"model {variants[0].block!r}")
        variants = [replace(variant, **needed) for variant in variants]
        blocks = {variant.block for variant in self.models.values()}
        self._claim(variants[0].block, blocks, "model")
        self.models.update({variant.name: variant for variant in variants})
        return factory

    def _add_evaluator(self, block: EvaluatorBlock) -> None:
        self._claim(block.name, self.evaluators, "evaluator")
        givers = {metric.name: other.name for other in self.evaluators.values() for metric in other.metrics}
        for metric in block.metrics:
            if metric.name in givers:
                raise DeclarationError(
                    f"the metric {metric.name!r} of evaluator {block.name!r} is given by evaluator "
                    f"{givers[metric.name]!r} already: a gate could not tell them apart; rename one of the two"
                )
        self.evaluators[block.name] = block

    def _claim(self, name: str, taken: Iterable[str], kind: str) -> None:
        if name in taken:
            raise DeclarationError(f"experiment {self.name!r} already declares the {kind} {name!r}: give this a name=")


def _check_seeds(name: str, seeds: Any) -> tuple[int, ...]:
    chosen = tuple(seeds) if isinstance(seeds, Iterable) else ()
    legal = all(type(s) is int and 0 <= s < 2**32 for s in chosen)
    if not chosen or not legal or len(set(chosen)) != len(chosen):
        raise DeclarationError(
            f"seeds= of experiment {name!r} must be distinct integers from 0 to 2**32 - 1, at least one, as in (0, 1) "
            f"or range(5), not {chosen or seeds!r}"
        )
    return chosen
