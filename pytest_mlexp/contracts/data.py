"""Small seeded data, built to a model's declarations: structure comes from a case, the bulk from its seed.

Every number is one that float32 holds, so that a conversion at predict loses nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.declarations import Declarations
from pytest_mlexp.mocks.datasets import like

Array = npt.NDArray[Any]
SEPARATION = 4.0
NUMBERED = (0, 1, 2, 3)


@dataclass(frozen=True)
class Case:
    """The structure of one small data set; ``seed`` decides every number in it."""

    seed: int = 0
    train_rows: int = 48
    rows: int = 24
    columns: int = 5
    classes: int = 3


@dataclass(frozen=True)
class Recipe:
    """What a law wants the data to be like, beyond the case.

    Attributes:
        labels: the labels of classes 0, 1, 2 ..., as many as there are classes or more.
        informative: the only column that says anything, None for all (but the last, which is noise).
        ordered: training rows stand in the order of their class.
        scale: factor on every input.
        shift: added to every input, after the scale.
        target_scale: factor on a regression's target.
        whole: inputs and regression targets are whole numbers, inputs from 0 on.
        clear: no test row lies between the classes.
    """

    labels: Sequence[Any] = NUMBERED
    informative: int | None = None
    ordered: bool = False
    scale: float = 1.0
    shift: float = 0.0
    target_scale: float = 1.0
    whole: bool = False
    clear: bool = False


@dataclass(frozen=True, eq=False)
class Data:
    """Training and test rows of one case; ``codes`` are the classes of the test rows as 0, 1, 2 ..."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    key: object = None

    def __len__(self) -> int:
        """Return the number of training rows."""
        return row_count(self.X, what="X")

    def framed(self) -> Data:
        """The same data with the inputs as frames with named columns."""
        return Data(framed(self.X), self.y, framed(self.X_test), self.y_test, ("frame", self.key))

    def first(self, rows: int) -> Data:
        """The same data with no more than the first training rows."""
        part = range(rows)
        return Data(take(self.X, part), take(self.y, part), self.X_test, self.y_test, ("first", rows, self.key))

    def copied(self) -> Data:
        """The same data in memory of their own."""
        return Data(copied(self.X), copied(self.y), copied(self.X_test), copied(self.y_test), self.key)


def copied(values: Any) -> Any:
    """The same values in memory of their own."""
    plain = isinstance(values, np.ndarray) and (
        values.dtype.kind != "O" or all(type(value) is str for value in values.flat)
    )
    return values.copy(order="K") if plain else copy.deepcopy(values)


def make(declares: Declarations, case: Case, recipe: Recipe | None = None) -> Data:
    """Build the data of a case to a model's declarations."""
    recipe = recipe or Recipe()
    fitted = fit_case(declares, case)
    key = (fitted, replace(recipe, labels=tuple(map(repr, recipe.labels))))
    if declares.given:
        return _given(declares, fitted, key)
    rng = np.random.default_rng(fitted.seed)
    total = fitted.train_rows + fitted.rows
    if declares.task == "regression":
        X = _inputs(declares, rng, (total, fitted.columns))
        y: Array = _numbers(declares, X, recipe)
    else:
        codes = _codes(rng, fitted, ordered=recipe.ordered)
        X = _inputs(declares, rng, (total, fitted.columns)) + _pattern(declares, codes, fitted, recipe)
        y = as_labels(codes, recipe.labels)
    X = _finish(declares, X, recipe)
    cut = fitted.train_rows
    if fitted.columns == 1:  # a model of one input may know nothing outside the range it saw
        X[cut:] = np.clip(X[cut:], X[:cut].min(), X[:cut].max())
    if declares.requires_frame:
        X = as_mixed_frame(X, gaps=declares.allows_nan)
    return Data(take(X, range(cut)), y[:cut], take(X, range(cut, total)), y[cut:], key)


def fit_case(declares: Declarations, case: Case) -> Case:
    """The case, cut to what the model takes."""
    classes = declares.classes or (min(case.classes, 2) if declares.binary_only else case.classes)
    return replace(case, classes=classes, columns=declares.columns or case.columns)


def between(X: Array) -> Array:
    """Rows on the way from each row to the next: where scores are close, and answers are not saturated."""
    following = np.roll(X, 1, axis=0)
    steps = (0.4, 0.47, 0.49, 0.5, 0.51, 0.53, 0.6)
    return np.concatenate([(1 - step) * X + step * following for step in steps])


def as_labels(codes: Array, labels: Sequence[Any] | Array) -> Array:
    """Turn 0, 1, 2 ... into labels, in an array of the labels' own type."""
    made: Array = np.asarray(labels)[codes]
    return made


def as_mixed_frame(X: Array, *, gaps: bool) -> Any:
    """Turn a matrix into a frame with names, a category from the first column, and a gap here and there if wanted."""
    import pandas as pd

    frame = pd.DataFrame(X, columns=names_of(X.shape[1]))
    level = np.digitize(X[:, 0], [1.0, 3.0])
    frame["kind"] = pd.Categorical(np.array(["low", "middle", "high"])[level], categories=["low", "middle", "high"])
    frame["flag"] = _flags(len(X))
    frame["place"] = np.array(["north", "south", "west"], dtype=object)[np.arange(len(X)) % 3]
    if gaps:
        frame.loc[frame.index[::9], frame.columns[1]] = np.nan
    return frame


def _flags(rows: int) -> Array:
    """Truth values that follow nothing else."""
    return np.asarray(np.random.default_rng(rows).random(rows) < 0.5)


def framed(X: Any, index: Any = None) -> Any:
    """The same rows as a frame with named columns."""
    import pandas as pd

    if isinstance(X, pd.DataFrame):
        return X if index is None else X.set_axis(index, axis=0)
    return pd.DataFrame(X, columns=names_of(X.shape[1]), index=index)


def names_of(columns: int) -> list[str]:
    """Column names whose alphabetical order is not their own."""
    return [f"{'zyxwvutsrqponmlkjihgfedcba'[i % 26]}{i}" for i in range(columns)]


def _codes(rng: np.random.Generator, case: Case, *, ordered: bool) -> Array:
    # Classes of different frequency, the last one the most frequent: 4, 3 and 2 rows of three classes.
    # In ordered rows the first one is, so that what comes last is missed by whoever stops early.
    counts = 5 ** np.arange(case.classes)[::-1] if ordered else np.arange(2, case.classes + 2)
    pattern = np.repeat(np.arange(case.classes), counts)[::-1]
    train = pattern[np.arange(case.train_rows) % len(pattern)]
    test = np.arange(case.rows) % case.classes
    rng.shuffle(train)
    return np.concatenate([np.sort(train) if ordered else train, test])


def _inputs(declares: Declarations, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    if declares.categorical:
        return rng.integers(0, 2, shape).astype(float)
    if declares.positive_only:
        return rng.uniform(0, declares.spread, shape)
    return rng.normal(scale=declares.spread, size=shape)


def _pattern(declares: Declarations, codes: Array, case: Case, recipe: Recipe) -> Array:
    """What the class adds to the inputs: its own columns are higher."""
    step = 2.0 if declares.categorical else SEPARATION
    columns = np.arange(case.columns)
    if recipe.informative is not None:
        return np.asarray(1.5 * step * codes[:, None] * (columns == recipe.informative % case.columns))
    told = columns[:-1] if case.columns > case.classes else columns
    own = (codes[:, None] == columns[None, :] % case.classes) & np.isin(columns, told)
    between = not (recipe.clear or declares.categorical or declares.spread < 1)
    # Every third test row lies between the classes, where scores are not saturated.
    strength = np.where(between & (np.arange(len(codes)) >= case.train_rows) & (np.arange(len(codes)) % 3 == 0), 0.4, 1)
    return np.asarray(step * own * strength[:, None])


def _numbers(declares: Declarations, X: Array, recipe: Recipe) -> Array:
    columns = X.shape[1]
    weights = np.where(np.arange(columns) % 2, -1.5, 2.0) * (np.arange(columns) < max(columns - 1, 1))
    if recipe.informative is not None:
        weights = 3.0 * (np.arange(columns) == recipe.informative % columns)
    signal = X @ weights
    wobble = 0.05 * np.sin(37.0 * X.sum(axis=1))
    y = (
        np.exp(signal / 4) + 0.5
        if declares.positive_target
        else 3.0 * declares.spread + signal + wobble * declares.spread
    )
    y = y * recipe.target_scale / (1.0 if declares.positive_target else declares.spread)
    if declares.targets > 1:
        y = np.column_stack([y, *(X[:, i % columns] - y * (i % 2) for i in range(1, declares.targets))])
    y = np.rint(4 * y) + declares.positive_target if recipe.whole else y
    numbers: Array = y.astype(np.float32).astype(np.float64)
    return numbers


def _finish(declares: Declarations, X: Array, recipe: Recipe) -> Array:
    if not declares.categorical:
        X = X * recipe.scale + (abs(recipe.shift) if declares.positive_only else recipe.shift)
    if recipe.whole and not declares.categorical:
        X = np.rint(8 * X)
        X = X - X.min()
    finished: Array = np.ascontiguousarray(X.astype(np.float32).astype(np.float64))
    return finished


def _like(schema: Any, rows: int, case: Case) -> tuple[Any, Any]:
    """Rows like a schema's; texts with classes get words that tell the class, so that there is something to learn."""
    made = like(schema, rows=rows, seed=case.seed)
    labels = made.schema.target[0].categories if made.schema.target else None
    if not is_texts(made.X) or not labels or len(set(made.X)) < rows // 2:
        return made.X, made.y
    rng = np.random.default_rng(case.seed)
    codes = rng.permutation(np.arange(rows) % len(labels))
    words = rng.integers(0, 6, (rows, 4))
    X = [
        f"{labels[code]}ly word{code}{row[0]} some{row[1]} word{code}{row[2]} more{row[3]}"
        for code, row in zip(codes, words, strict=True)
    ]
    return X, np.array(labels)[codes]


def is_texts(X: Any) -> bool:
    """Whether the inputs are a list of texts."""
    return isinstance(X, list) and bool(X) and all(isinstance(item, str) for item in X)


def odd_texts(X: list[str]) -> list[str]:
    """Texts as people write them: in capitals, with punctuation, empty, twice."""
    return [f"  {X[0].title()}!", X[0].upper(), "", X[0], X[0], "?!", f"{X[-1]} {X[0]} never seen before"]


def _given(declares: Declarations, case: Case, key: object) -> Data:
    total, source = case.train_rows + case.rows, declares.data
    if source is None:
        X, y = _like(declares.schema, total, case)
    elif callable(source):
        X, y = source(case.seed, total)
    else:
        X, y = (source.X, source.y) if hasattr(source, "splits") else source
    have = row_count(X, what="X")
    order = np.random.default_rng(case.seed).permutation(have)
    cut = min(case.train_rows, max(have * 2 // 3, 1))
    train, test = order[:cut], order[cut : cut + case.rows]
    y = y.to_numpy() if hasattr(y, "to_numpy") and getattr(y, "ndim", 0) == 1 else y  # laws pick rows by position
    y_train, y_test = take(y, train), take(y, test)
    return Data(take(X, train), y_train, take(X, test if len(test) else train), y_test, key)
