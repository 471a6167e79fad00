from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from tests.zoo.catalogue import SPECIMENS
from tests.zoo.data import blobs, line, table, texts
from tests.zoo.specimen import Specimen

each = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)
# One of each kind of twin; addresses differ from process to process, and test ids must not.
TWINS = {re.sub(" at 0x[0-9a-f]+", "", repr(specimen.healthy())): specimen for specimen in SPECIMENS}


@pytest.fixture(autouse=True, scope="module")
def one_torch_thread() -> Iterator[None]:
    """Small networks lose ten times more by waiting for threads than they win, on a machine that is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def easy(specimen: Specimen, model: Any) -> tuple[Any, Any]:
    """Data that such a model can learn."""
    classifies = hasattr(model, "predict_proba")
    if "schema" in specimen.declares:
        return texts()
    if specimen.declares.get("requires_frame"):
        frame, y = table()
        return (frame, np.where(y > y.mean(), "much", "little")) if classifies else (frame, y)
    if specimen.declares.get("positive_only"):
        return np.exp(np.abs(blobs()[0])), blobs()[1]
    return blobs(labels=(0, 1)) if classifies or hasattr(model, "decision_function") else line()


def test_names_are_unique_and_at_least_sixty() -> None:
    names = [specimen.name for specimen in SPECIMENS]
    assert len(set(names)) == len(names) >= 60


@each
def test_factories_give_fresh_models(specimen: Specimen) -> None:
    assert specimen.broken() is not specimen.broken()
    assert specimen.healthy() is not specimen.healthy()


@each
def test_the_broken_model_shows_its_bug(specimen: Specimen) -> None:
    with np.errstate(all="ignore"):
        assert specimen.demonstrate(specimen.broken()) is True


@each
def test_the_twin_does_not_show_it(specimen: Specimen) -> None:
    assert specimen.demonstrate(specimen.healthy()) is False


@pytest.mark.parametrize("specimen", TWINS.values(), ids=lambda specimen: specimen.name)
def test_twins_learn_easy_data(specimen: Specimen) -> None:
    model = specimen.healthy()
    X, y = easy(specimen, model)
    if specimen.kind == "callable":
        assert len(model(X)) == len(X)
        return
    predicted = model.fit(X, y).predict(X)
    if y.dtype.kind == "f":
        assert ((predicted - y) ** 2).mean() < 0.5 * y.var()
    else:
        assert (predicted == y).mean() > 0.8
