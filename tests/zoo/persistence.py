"""Models that come back from a file as others, or not at all, and predict before they are fitted."""

from __future__ import annotations

import base64
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_array

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, accepts, blobs, differs, fails, line, texts
from tests.zoo.regressing import Linear, Nearest, Plain
from tests.zoo.specimen import Specimen
from tests.zoo.wording import TEXT_SCHEMA, Words

SAVED = "save and load (pickle, cloudpickle, joblib) in another process gives the same predictions"
UNFITTED = "predicting before fitting is a clear error"
_OFFSETS: dict[int, float] = {}


class OffsetNotSaved(Linear):
    """The offset is thought to be a cache."""

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if "offset_" in state:
            state["offset_"] = 0.0
        return state


class LambdaInside(Linear):
    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self.link_ = lambda values: values
        return super()._learn(X, y, weights)


class ParamsNotLoaded(Centroid):
    """__setstate__ starts from the defaults of the constructor."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        type(self).__init__(self)


class OffsetInModule(Linear):
    """The offset lies in a table of the module that does not travel."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        super()._learn(X, y, weights)
        self.ticket_ = len(_OFFSETS)
        _OFFSETS[self.ticket_] = float(self.offset_)
        self.offset_ = 0.0
        return self

    def _values(self, X: Array) -> Array:
        return super()._values(X) + _OFFSETS.get(self.ticket_, 0.0)


class PlaceByHash(Words):
    """Python's hash of a string is another one in each process."""

    def _width(self) -> int:
        return 64

    def _place(self, word: str) -> int | None:
        return hash(word) % 64


class PlaceBySum(PlaceByHash):
    def _place(self, word: str) -> int | None:
        return sum(word.encode()) % 64


class ZerosBeforeFit(Linear):
    def predict(self, X: Any) -> Array:
        if not hasattr(self, "coef_"):
            return np.zeros(len(check_array(X)))
        return super().predict(X)


class NoneBeforeFit(Plain):
    """The fitted rows are None at first, and nobody asks."""

    def __init__(self) -> None:
        self.rows: Any = None
        self.targets: Any = None
        self.columns: Any = None


class ForgetsPickledRows(Nearest):
    """Rows beyond the fiftieth are left out of the file, to keep it small."""

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if "rows_" in state:
            state["rows_"], state["targets_"] = state["rows_"][:50], state["targets_"][:50]
        return state


_LOADER = """
import base64, pickle, sys
model, X = pickle.loads(base64.b64decode(sys.stdin.read()))
print(base64.b64encode(pickle.dumps(model.predict(X))).decode())
"""


def elsewhere(model: Any, X: Any) -> Any:
    """Predict in another process, which gets the model by pickle."""
    folder = str(Path(__file__).parent.parent.parent)
    run = subprocess.run(
        [sys.executable, "-c", _LOADER],
        input=base64.b64encode(pickle.dumps((model, X))).decode(),
        env={**os.environ, "PYTHONPATH": os.pathsep.join([folder, *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return pickle.loads(base64.b64decode(run.stdout))


def changes_when_loaded(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    return differs(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def loses_params(model: Any) -> bool:
    X, y = blobs()
    model.set_params(sharpness=7.0).fit(X, y)
    return differs(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def cannot_be_saved(model: Any) -> bool:
    return fails(pickle.dumps, model.fit(*line()))


def differs_elsewhere(model: Any) -> bool:
    X, y = line()
    return differs(elsewhere(model.fit(X, y), X), model.predict(X))


def texts_differ_elsewhere(model: Any) -> bool:
    X, y = texts()
    return differs(elsewhere(model.fit(X, y), X), model.predict(X))


def predicts_unfitted(model: Any) -> bool:
    return accepts(model.predict, line()[0])


def fails_unfitted(model: Any) -> bool:
    return fails(model.predict, line()[0])


SPECIMENS = (
    Specimen("offset_not_saved", SAVED, "regressor", OffsetNotSaved, Linear, demonstrate=changes_when_loaded),
    Specimen("rows_not_saved", SAVED, "regressor", ForgetsPickledRows, Nearest, demonstrate=changes_when_loaded),
    Specimen("lambda_inside", SAVED, "regressor", LambdaInside, Linear, demonstrate=cannot_be_saved),
    Specimen(
        "params_not_loaded",
        SAVED,
        "classifier",
        lambda: ParamsNotLoaded(sharpness=3.0),
        lambda: Centroid(sharpness=3.0),
        demonstrate=loses_params,
    ),
    Specimen("offset_in_module", SAVED, "regressor", OffsetInModule, Linear, demonstrate=differs_elsewhere),
    Specimen(
        "place_by_hash",
        SAVED,
        "text",
        PlaceByHash,
        PlaceBySum,
        {"schema": TEXT_SCHEMA},
        demonstrate=texts_differ_elsewhere,
    ),
    Specimen("zeros_before_fit", UNFITTED, "regressor", ZerosBeforeFit, Linear, demonstrate=predicts_unfitted),
    Specimen("none_before_fit", UNFITTED, "regressor", NoneBeforeFit, Plain, demonstrate=fails_unfitted),
)
