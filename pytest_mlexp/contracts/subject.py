"""What is checked: how to make a fresh model of it, fit it and ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case, Data, Recipe, copied, make
from pytest_mlexp.contracts.declarations import Declarations
from pytest_mlexp.contracts.fitted import Answers, Fit, as_array
from pytest_mlexp.contracts.law import Broken, NotApplicable
from pytest_mlexp.contracts.process import parameters_validated, reseed
from pytest_mlexp.contracts.refusals import Refused, attempt, crash, is_refusal, told
from pytest_mlexp.contracts.settings import settings
from pytest_mlexp.contracts.untouched import changed, remembered

METHODS = ("predict", "predict_proba", "decision_function")
JOBS = ("n_jobs", "n_threads", "n_workers", "max_workers")
SEEDS = ("random_state", "seed", "random_seed")


class Subject:
    """A model under check; use it within :func:`~pytest_mlexp.contracts.process.quietly`.

    Attributes:
        name: how it is called in reports.
        declares: what its data are built to.
        guessed: whether its task was found out by trying, or by the targets that are given, and not said.
        trains: whether it has ``fit``.
        watches: whether what it is given is compared after each call.
        touched: what the first call that changed what it was given did; whoever tells it takes it away.
        seconds: the second fit on training rows where it answers like the first, else None, by the data's key.
        settings: those of the process before and after the first of all fits, by the data's key.
        settled: laws that need not be asked any more, for another one saw what they ask, with the data's key.
        on_frames: the subject of the same model on frames, or this one, once it was looked up.
        mixed: whether a fit on a frame of several types with an odd index answers like one on arrays, by case.
    """

    def __init__(self, name: str, raw: Callable[[], Any], declares: Declarations) -> None:
        self.name = name
        self.given: Mapping[str, Any] = {}
        self.raw = raw
        self.declares = declares
        self.guessed = False
        self.watches = True
        self.touched: Broken | None = None
        self._unset: list[str] | None = None
        self._frames: dict[object, Data] = {}
        self._made: dict[tuple[Case, str], Data] = {}
        self.trains = callable(getattr(self.build(), "fit", None))
        self.facts: dict[str, Any] | None = None
        self.own_code: bool | None = None
        self.chance: dict[Case, str | None] = {}
        self.seconds: dict[object, Any] = {}
        self.settings: dict[object, tuple[dict[str, Any], dict[str, Any]]] = {}
        self.settled: set[tuple[str, object]] = set()
        self.mixed: dict[Case, bool] = {}
        self.on_frames: list[Subject] = []
        self._fits: dict[object, Fit] = {}
        self._expected: dict[object, Answers] = {}

    def build(self) -> Any:
        """A fresh model; where it has a seed that is None, with the seed 0."""
        reseed()
        model = self.raw()
        if self._unset is None:
            params = model.get_params() if callable(getattr(model, "set_params", None)) else {}
            self._unset = [name for name in params if name.rpartition("__")[2] in SEEDS and params[name] is None]
        if self._unset:
            _set(model, dict.fromkeys(self._unset, 0))
        return model

    @property
    def seeds(self) -> list[str]:
        """The names of its parameters that are seeds."""
        model = self.raw()
        params = model.get_params() if callable(getattr(model, "get_params", None)) else {}
        return [name for name in params if name.rpartition("__")[2] in SEEDS]

    def framed(self, data: Data) -> Data:
        """The data of :meth:`data` as frames, which take long to build."""
        if hasattr(data.X, "iloc"):
            return data.framed()
        if data.key not in self._frames:
            self._frames[data.key] = data.framed()
        return self._frames[data.key].copied()

    @property
    def most_cases(self) -> int:
        """How many cases a law looks at by default: of a regression there are no two numbers of classes."""
        return 1 if self.declares.task == "regression" else 2

    def data(self, case: Case, **recipe: Any) -> Data:
        """The data of a case, built to the declarations and to :class:`Recipe`'s fields."""
        key = (case, repr(sorted(recipe.items())))
        if key not in self._made:
            self._made[key] = make(self.declares, case, Recipe(**recipe))
        return self._made[key].copied()  # a model may change what it is given

    def train(self, model: Any, X: Any, y: Any, **fit_params: Any) -> Any:
        """Fit on ordinary data, global generators seeded, and return the model.

        Raises:
            NotApplicable: the model refuses the data, clearly.
            Broken: it crashes.
        """
        self._train(model, X, y, fit_params)
        return model

    def _train(self, model: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> Any:
        """As :meth:`train`, returning what ``fit`` returned."""
        if not self.trains:
            return model
        try:
            reseed()
            with self.watched("fit", X, y, *fit_params.values()):
                return model.fit(X, y, **fit_params)
        except Exception as error:
            if is_refusal(error, accidents=False):
                raise NotApplicable(f"refuses to be fitted on the data of this law: {told(error)}") from error
            raise crash(error, doing="fitting on ordinary data", X=X, y=y) from error

    def fresh(self, data: Data) -> Any:
        """A model fitted anew on the training rows."""
        return self.train(self.build(), data.X, data.y)

    def fitted(self, data: Data) -> Any:
        """A model as it was right after being fitted on the training rows; no one else has it."""
        again = self.fit_of(data).again()
        return self.fresh(data) if again is None else again

    def original(self, data: Data) -> Any:
        """The very model that was fitted, and no copy of it, for a law that looks at what a copy loses."""
        fit = self.fit_of(data)
        return fit.model if fit.is_kept() else self.fresh(data)

    def fit_of(self, data: Data) -> Fit:
        """The one fit on these training rows that all laws share; it is made on rows of its own.

        Raises:
            NotApplicable: the model refuses the data, clearly.
            Broken: it crashes.
        """
        if data.key not in self._fits:
            before = None if self._fits else settings()
            model, X, y = self.build(), copied(data.X), copied(data.y)
            with parameters_validated(wanted=True) if before is not None else nullcontext():
                returned = self._train(model, X, y, {})
            self._fits[data.key] = Fit(model, X, y, returned)
            if before is not None:
                self.settings[data.key] = before, settings()
        return self._fits[data.key]

    def tried(self, data: Data, *, doing: str) -> Any:
        """As :meth:`try_fit`, and as :meth:`fitted` one fit for all laws that try the same data.

        Raises:
            Broken: it crashes.
        """
        if data.key in self._fits:
            return self.fitted(data)
        X, y = copied(data.X), copied(data.y)
        model = self.try_fit(X, y, doing=doing)
        if isinstance(model, Refused):
            return model
        self._fits[data.key] = Fit(model, X, y)
        return self.fitted(data)

    def expected(self, data: Data, model: Any = None, *, methods: tuple[str, ...] | None = None) -> Answers:
        """What a ``model`` from :meth:`fitted` answers to the test rows, when it has done nothing else before.

        A copy of its own is asked, once for all laws; where there can be no copy, the model itself is.

        Raises:
            Broken: a method crashes or refuses.
        """
        fit = self.fit_of(data)
        methods = methods or self.main_methods(fit.model)
        known = self._expected.get(data.key, {})
        if not known.keys() >= set(methods):
            unused = fit.again()
            if unused is None:
                return self.answers(self.fresh(data) if model is None else model, data.X_test, methods=methods)
            known = self._expected[data.key] = self.answers(unused, copied(data.X_test), methods=methods)
        return {method: known[method].copy() for method in methods}

    def try_fit(self, X: Any, y: Any, *, doing: str, model: Any = None, **fit_params: Any) -> Any:
        """Fit on unusual data: the fitted model, or :class:`Refused`.

        Raises:
            Broken: it crashes.
        """
        new = self.build() if model is None else model

        def fit() -> Any:
            reseed()
            with self.watched("fit", X, y, *fit_params.values()):
                returned = new.fit(X, y, **fit_params)
            self._told_itself(new, returned, doing, X=X, y=y)
            return new

        return attempt(fit, doing=doing, X=X, y=y)

    def _told_itself(self, model: Any, returned: Any, doing: str, **data: Any) -> None:
        """Keep in ``touched`` that a fit returned something else than the model, where an ordinary fit returns it."""
        usually = any(fit.returned is fit.model for fit in self._fits.values())
        if usually and returned is not model and self.touched is None:
            claim = f"fit returns the model, as it does on ordinary data; here {doing}"
            self.touched = Broken(claim, f"{returned!r:.80}", **data)

    def try_ask(self, model: Any, X: Any, *, doing: str, methods: tuple[str, ...] | None = None) -> Any:
        """The answers to unusual rows by method, or the first :class:`Refused`.

        Raises:
            Broken: it crashes.
        """
        found: Answers = {}
        for method in methods or self.main_methods(model):
            answer = attempt(partial(self.ask, model, method, X), doing=f"{method}: {doing}", X=X)
            if isinstance(answer, Refused):
                return answer
            found[method] = as_array(answer)
        return found

    def takes_frames(self) -> bool:
        """Whether its inputs are a frame, or a matrix that could be one."""
        return takes_frames(self.data(Case()).X)

    def asked(self, model: Any, X: Any) -> Answers:
        """The answers to rows that a model may refuse.

        Raises:
            NotApplicable: it refuses them.
            Broken: it crashes.
        """
        found = self.try_ask(model, X, doing="rows of this law")
        if isinstance(found, Refused):
            raise NotApplicable(f"refuses to predict the rows of this law: {found}")
        return found  # type: ignore[no-any-return]

    def methods(self, model: Any) -> tuple[str, ...]:
        """The methods that it answers with; a plain callable answers with ``predict`` alone."""
        return tuple(name for name in METHODS if hasattr(model, name)) or ("predict",)

    def main_methods(self, model: Any) -> tuple[str, ...]:
        """The methods that most laws ask: ``predict``, and one that gives scores where there is one."""
        return self.methods(model)[:2]

    def ask(self, model: Any, method: str, X: Any, *, watched: bool = True) -> Any:
        """One answer as it is given; not ``watched`` where the law itself looks whether the rows were changed."""
        with self.watched(method, X) if watched else nullcontext():
            return getattr(model, method)(X) if hasattr(model, method) else model(X)

    @contextmanager
    def watched(self, doing: str, *given: Any) -> Iterator[None]:
        """Compare what the model is given with what it was; a change is kept in ``touched``, for whoever judges."""
        if not self.watches:
            yield
            return
        before = [remembered(value) for value in given]
        try:
            yield
        finally:
            if self.touched is None and any(map(changed, given, before)):
                claim = f"{doing} leaves inputs, targets and weights as they are, as in the law inputs_unchanged"
                self.touched = Broken(claim, f"{doing} changed what this law gave it", given=given[0])

    def answers(self, model: Any, X: Any, *, methods: tuple[str, ...] | None = None) -> Answers:
        """The answers to ordinary rows, as arrays by method.

        Raises:
            Broken: a method crashes or refuses.
        """
        found: Answers = {}
        for method in methods or self.main_methods(model):
            try:
                found[method] = as_array(self.ask(model, method, X))
            except Exception as error:
                raise crash(error, doing=f"{method} on {len(X)} ordinary rows", X=X) from error
        return found


def _set(model: Any, params: dict[str, Any]) -> None:
    """As ``set_params``, which scikit-learn's own does slowly."""
    from sklearn.base import BaseEstimator

    if getattr(type(model), "set_params", None) is not BaseEstimator.set_params or any("__" in name for name in params):
        model.set_params(**params)
        return
    for name, value in params.items():
        setattr(model, name, value)


def takes_frames(data: Any) -> bool:
    """Whether rows are a frame, or a matrix that could be one."""
    return hasattr(data, "iloc") or (isinstance(data, np.ndarray) and data.ndim == 2 and data.dtype.kind in "biuf")
