"""What checking one law of one block said, and how it is told to people."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pytest_mlexp.blocks.evaluator import EvaluatorBlock
from pytest_mlexp.blocks.model import ModelVariant
from pytest_mlexp.blocks.scorers import is_sklearn
from pytest_mlexp.contracts.law import Broken, Law

Status = Literal["passed", "failed", "excused", "not_applicable"]
SHOWN_ROWS = 12
LEGIBLE = 200  # characters


@dataclass(frozen=True)
class CheckRecord:
    """What checking one law of one block said.

    Attributes:
        block: the block's name.
        law: the law's name.
        status: ``passed``, ``failed``, ``excused`` (broken, as a known exception says) or ``not_applicable``.
        message: of a failure all there is to know; otherwise the reason, if there is one.
        seen: of a broken law what came instead of what it asks for; empty for every other record.
    """

    block: str
    law: str
    status: Status
    message: str = ""
    seen: str = ""

    def __bool__(self) -> bool:
        """False for a failure only."""
        return self.status != "failed"


def counts(records: Any) -> dict[str, int]:
    """How many laws were run, passed, excused, failed and not applicable."""
    found = dict.fromkeys(("run", "passed", "failed", "excused", "not_applicable"), 0)
    for record in records:
        found[record.status] += 1
        found["run"] += record.status != "not_applicable"
    return found


def failure(law: Law, block: str, broken: Broken, snippet: str) -> str:
    """The message of a broken law."""
    lines = [
        f"{block} breaks the law {law.name}: {law.sentence}",
        f"expected: {broken.expected}",
        f"seen: {broken.seen}",
    ]
    if broken.data:
        lines.append("on this data, the smallest that was found:")
        lines += [f"    {name} = {shown(value)}" for name, value in broken.data.items() if value is not None]
    if snippet:
        lines += ["to see it again without pytest:", *(f"    {line}" for line in snippet.splitlines())]
    return "\n".join(lines)


def shown(value: Any) -> str:
    """A few rows of data as text."""
    if isinstance(value, np.ndarray):
        more = f"  # the first {SHOWN_ROWS} of {len(value)} rows" if len(value) > SHOWN_ROWS else ""
        text = np.array2string(value[:SHOWN_ROWS], precision=6, separator=", ", max_line_width=100, threshold=200)
        return f"array({text}, dtype={value.dtype}){more}".replace("\n", "\n    ")
    if hasattr(value, "head"):
        more = f"  # the first {SHOWN_ROWS} of {len(value)} rows" if len(value) > SHOWN_ROWS else ""
        head = value.head(SHOWN_ROWS)
        return f"{type(value).__name__}({head.to_dict('list') if value.ndim == 2 else head.to_dict()}){more}"
    return f"{value!r:.400}"


def snippet(law: Law, model: Any, case: Any, declares: dict[str, Any]) -> str:
    """Lines that check the law on that case again, without pytest."""
    imported, made = how_to_make(model)
    given = f", declares={declares!r}" if declares else ""
    given = given if len(given) < LEGIBLE else ", declares=..."
    return "\n".join(
        [
            "from pytest_mlexp.contracts.data import Case",
            "from pytest_mlexp.contracts.driver import check_law",
            *([imported] if imported else []),
            f"model = {made}",
            f"check_law({law.name!r}, model, {case!r}{given})",
        ]
    )


def dataset_snippet(law: Law, load: Any, declares: dict[str, Any]) -> str:
    """Lines that check the law of a dataset again, without pytest."""
    imported, made = how_to_make(load)
    return _again("check_dataset", imported, made, law, declares)


def evaluator_snippet(law: Law, block: EvaluatorBlock, declares: dict[str, Any]) -> str:
    """Lines that declare an evaluator and check its law again, without pytest."""
    imported, made = how_to_make(block.function)
    ways = {
        way: [m.name for m in block.metrics if m.maximize is (way == "maximize")] for way in ("maximize", "minimize")
    }
    given = "" if is_sklearn(block.function) else "".join(f", {way}={names}" for way, names in ways.items() if names)
    lines = [
        "from pytest_mlexp import Experiment",
        *filter(None, [imported]),
        "experiment = Experiment('again')",
        f"experiment.evaluator({made}, name={block.name!r}{given})",
    ]
    return _again("check_evaluator", "\n".join(lines), f"experiment.evaluators[{block.name!r}]", law, declares)


def _again(check: str, before: str, block: str, law: Law, declares: dict[str, Any]) -> str:
    given = f", declares={declares!r}" if declares else ""
    return "\n".join(
        [
            f"from pytest_mlexp.contracts.checks import {check}",
            *filter(None, [before]),
            f"(record,) = {check}({block}, laws=[{law.name!r}]{given})",
            "print(record.message)",
        ]
    )


def how_to_make(model: Any) -> tuple[str, str]:
    """The import line and the expression that make a model again, as far as its ``repr`` tells."""
    if isinstance(model, ModelVariant):
        parameters = ", ".join(f"{name}={value!r}" for name, value in model.params.items())
        context = [f"{name}={value!r}" for name, value in (("seed", 0), ("device", "cpu")) if name in model.context]
        arguments = ", ".join(filter(None, [parameters, *context]))
        function = model.factory
        return _import_of(function), f"{getattr(function, '__qualname__', 'factory')}({arguments})"
    if inspect.isclass(model):
        return _import_of(model), f"{model.__qualname__}()"
    if inspect.isroutine(model):
        return _import_of(model), getattr(model, "__qualname__", repr(model))
    text = " ".join(repr(model).split())
    legible = text.startswith(type(model).__name__ + "(") and len(text) < LEGIBLE
    return _import_of(type(model)), text if legible else f"{type(model).__qualname__}(...)  # as it was checked"


def _import_of(thing: Any) -> str:
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    if not module or module == "__main__" or "<" in name:
        return ""
    top = name.partition(".")[0]
    public = module
    while "._" in public:  # sklearn.linear_model._ridge is where it stands, sklearn.linear_model where it is found
        public = public.rpartition(".")[0]
    module = public if hasattr(sys.modules.get(public), top) else module
    return f"from {module} import {top}"
