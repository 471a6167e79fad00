"""Gates as a team declares them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict

from pytest_mlexp.blocks.device import is_device
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.naming import nearest

OPERATIONAL = ("fit_seconds", "predict_seconds")
# A standard deviation between sessions: as a share of a timing, and in seconds that a busy machine lets it wait. Both
# are a choice, not an estimate of any machine (benchmarks/timings.py shows one); where the pace of the machine tells of
# more than that, ``timings.noise_of_machine`` takes more.
SPEED, WAITED = 0.1, 0.01
_BOUNDS = ("at_least", "at_most")
_MARGINS = ("max_drop", "max_relative_drop")
_MEANT = {
    **dict.fromkeys(("cell", "cells", "dataset", "datasets", "model", "models", "variant", "variants"), "on"),
    **dict.fromkeys(("column", "by", "slice", "group", "groups"), "slices"),
}


class Rule(TypedDict, total=False):
    """The keyword arguments of a gate; :class:`Gate` says what they mean."""

    at_least: float | None
    at_most: float | None
    max_drop: float | None
    max_relative_drop: float | None
    on: str | Iterable[str]
    slices: str | None
    primary: bool | None
    inconclusive: Literal["pass", "fail"]
    new: Literal["pass", "fail"]


@dataclass(frozen=True)
class Gate:
    """A rule on one metric; prints as it is written: ``roc_auc at_least=0.8 max_drop=0.01``.

    Attributes:
        metric: an evaluator's metric, or ``fit_seconds`` or ``predict_seconds``. Margins on timings allow for a noise
            of the machine of 10 % and 10 ms (a choice), or as much as a fixed piece of work beside them took longer.
        at_least: the mean over all trials must not be lower; ``at_most`` likewise.
        max_drop: the largest loss against the accepted baseline that passes, in units of the metric; for a
            metric to minimize a loss is a rise. ``max_relative_drop``: as a share of the baseline's size.
            With both, the smaller of the two margins counts.
        on: names of models, variants, datasets or cells that the gate is for; all when empty. Names of one
            kind are alternatives, names of a model and of a dataset must both fit.
        slices: a column of ``X``, or ``groups``: the worst of its groups is judged.
        primary: whether a regression fails; by default only that of the first margin declared for a model
            and dataset does (of those on timings only without another), the others inform. Bounds fail unless
            this is False, as do margins with ``inconclusive="fail"``; with False nothing fails.
        inconclusive: whether a comparison that shows nothing passes or fails, and a cell whose device is not
            here; ``new``: likewise when there is no baseline.

    Raises:
        DeclarationError: no rule, a number that is not finite, or bounds that nothing can meet.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    max_drop: float | None = None
    max_relative_drop: float | None = None
    on: tuple[str, ...] = ()
    slices: str | None = None
    primary: bool | None = None
    inconclusive: Literal["pass", "fail"] = "pass"
    new: Literal["pass", "fail"] = "pass"

    def __post_init__(self) -> None:
        object.__setattr__(self, "on", _names(self.on))
        for name in (*_BOUNDS, *_MARGINS):
            object.__setattr__(self, name, _builtin(getattr(self, name)))
        self._check_numbers()
        for name in ("inconclusive", "new"):
            self._check_choice(name, ("pass", "fail"))
            if self.primary is False and getattr(self, name) == "fail":
                raise self._wrong(f"primary=False lets all that it finds pass: leave it or {name}='fail' out")
        self._check_choice("primary", (None, True, False))

    def __str__(self) -> str:
        shown = {name: ",".join(v) if isinstance(v, tuple) else v for name, v in self.written().items()}
        return " ".join([self.metric, *(f"{name}={value}" for name, value in shown.items())])

    def __and__(self, other: Gate | Gates) -> Gates:
        return Gates((self,)) & other

    @property
    def compares(self) -> bool:
        """Whether the gate needs a baseline."""
        return self.max_drop is not None or self.max_relative_drop is not None

    @property
    def is_operational(self) -> bool:
        """Whether the gate is on a timing, which hardware and load decide as much as the model."""
        return self.metric in OPERATIONAL

    def margin(self, baseline: float) -> float:
        """The loss against a baseline of this value that the gate lets pass, at least 0."""
        relative = None if self.max_relative_drop is None else self.max_relative_drop * abs(baseline)
        return min(margin for margin in (self.max_drop, relative) if margin is not None)

    def written(self) -> dict[str, Any]:
        """What was given beside the metric, by parameter name."""
        given = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {name: value for name, value in given.items() if value not in (None, (), "pass")}

    def _check_choice(self, name: str, choices: tuple[object, ...]) -> None:
        if getattr(self, name) not in choices:
            raise self._wrong(f"{name}= must be one of {', '.join(map(repr, choices))}, not {getattr(self, name)!r}")

    def _check_numbers(self) -> None:
        given = {name: getattr(self, name) for name in (*_BOUNDS, *_MARGINS) if getattr(self, name) is not None}
        if not given:
            raise self._wrong(f"there is no rule: give {', '.join(f'{n}=' for n in (*_BOUNDS, *_MARGINS))}")
        for name, number in given.items():
            if not _is_finite(number):
                raise self._wrong(f"{name}= must be a finite number, not {number!r}")
            if name in _MARGINS and number < 0:
                raise self._wrong(f"{name}={number} must not be negative: 0.01 lets a loss of 0.01 pass")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise self._wrong(f"it can never pass: at_least={self.at_least} exceeds at_most={self.at_most}")

    def _wrong(self, reason: str) -> DeclarationError:
        return DeclarationError(f"the gate on {self.metric!r} cannot be: {reason}")


@dataclass(frozen=True)
class Stem:
    """A cell without its device: whether a gate's metric is there, and whether its model runs where it is told to."""

    has_metric: bool
    asks_for_device: bool

    def runs_on(self, device: str) -> bool:
        """Whether the cell may be there on a device, on this machine or another."""
        return is_device(device) if self.asks_for_device else device == "cpu"


@dataclass(frozen=True)
class Gates:
    """Several gates as one value, made with ``&``; prints as it is written."""

    gates: tuple[Gate, ...]

    def __iter__(self) -> Iterator[Gate]:
        return iter(self.gates)

    def __and__(self, other: Gate | Gates) -> Gates:
        return Gates((*self.gates, *((other,) if isinstance(other, Gate) else other.gates)))

    def __str__(self) -> str:
        return " & ".join(map(str, self.gates))


def declare(rule: str | Gate | Gates, options: dict[str, Any], *, beside: Iterable[Gate] = ()) -> Gates:
    """The gates that a declaration names: a metric with options, or gates made before.

    Raises:
        DeclarationError: an unknown option, options given beside a gate that has its own, or a gate that is
            among the declared ones already.
    """
    gates, taken = _made(rule, options), list(beside)
    for gate in gates:
        if gate in taken:
            raise DeclarationError(f"the gate '{gate}' is declared already: leave one of the two out")
        taken.append(gate)
    return gates


def _made(rule: str | Gate | Gates, options: dict[str, Any]) -> Gates:
    known = [field.name for field in fields(Gate)[1:]]
    for name in options:
        if name not in known:
            meant = _MEANT.get(name)
            told = f"{meant}= is meant. Known: {', '.join(sorted(known))}" if meant else nearest(name, known)
            raise DeclarationError(f"a gate has no option {name!r}: {told}")
    if isinstance(rule, str):
        return Gates((Gate(rule, **options),))
    if options:
        raise DeclarationError(f"the gate '{rule}' has its own options: leave out {', '.join(options)}")
    return Gates((rule,)) if isinstance(rule, Gate) else rule


def check_metric(gate: Gate, known: Mapping[str, bool], *, experiment: str) -> None:
    """Refuse a gate on a metric that is not there, against its direction, or on slices named as other metrics.

    ``known`` says of each metric that an evaluator gives whether it is maximized.

    Raises:
        DeclarationError: the metric, with those that are given, or the bound that is likely meant.
    """
    start = f"the gate '{gate}' of experiment {experiment!r}"
    if gate.metric not in (*known, *OPERATIONAL):
        raise DeclarationError(f"{start} names a metric that no evaluator gives: {nearest(gate.metric, known)}")
    maximize = known.get(gate.metric, False)
    meant, other = _BOUNDS if maximize else reversed(_BOUNDS)
    if getattr(gate, meant) is None and getattr(gate, other) is not None:
        raise DeclarationError(
            f"{start} could fail only what is better, for {gate.metric} is {'max' if maximize else 'min'}imized: "
            f"{meant}= is meant? Where it may be too good to be true, give {meant}= as well"
        )
    alike = [name for name in known if gate.slices is not None and name.startswith(f"{gate.metric}[{gate.slices}=")]
    if alike:
        raise DeclarationError(
            f"{start} is on slices that are named as the metric {alike[0]!r} is: rename the metric, for instance "
            f"{alike[0].replace('=', '_')!r}, or the column {gate.slices!r}"
        )


def check_on(gate: Gate, blocks: Collection[str], *, stems: Mapping[str, Stem], experiment: str) -> None:
    """Refuse a gate with a name in ``on`` at which it could hold nothing to its rule.

    Args:
        gate: what was declared.
        blocks: the names of models, variants and datasets.
        stems: the ids of all cells without their devices.
        experiment: its name, for the error.

    Raises:
        DeclarationError: such a name, with those that were likely meant.
    """
    for name in (name for name in gate.on if name not in blocks):
        found = max((stem for stem in stems if name.startswith(f"{stem}-")), key=len, default="")
        start = f"the gate '{gate}' of experiment {experiment!r} is on {name!r}, which "
        if not found:
            raise DeclarationError(f"{start}is no model, dataset or cell: {nearest(name, blocks)}")
        device = name.removeprefix(f"{found}-")
        if not stems[found].has_metric:
            able = {stem: there for stem, there in stems.items() if there.has_metric}
            known = [f"{stem}-{device if there.runs_on(device) else 'cpu'}" for stem, there in able.items()]
            lacks = f"does not have {gate.metric!r}, so that it checks nothing there"
            raise DeclarationError(f"{start}{lacks}: {nearest(name, known)}")
        if not stems[found].runs_on(device):
            why = "its model asks for no device" if is_device(device) else f"{device!r} is no device"
            known = [f"{found}-{place}" for place in ("cpu", "cuda:0", "mps") if stems[found].runs_on(place)]
            raise DeclarationError(f"{start}never runs ({why}), so that it checks nothing: {nearest(name, known)}")


def loosened(accepted: Mapping[str, Any], declared: Sequence[Mapping[str, Any]]) -> str | None:
    """Say what of an accepted gate no declared one asks for any more; all as the lock holds them, on one metric.

    Each bound and each margin is looked for by itself, and a rule that could fail its cell only among those that can.
    """
    reasons = [_lost(name, accepted, declared) for name in (*_BOUNDS, *_MARGINS) if name in accepted]
    return "; ".join(reason for reason in reasons if reason) or None


def _lost(name: str, accepted: Mapping[str, Any], declared: Sequence[Mapping[str, Any]]) -> str | None:
    """How one rule of a gate is asked for less, if it is."""
    value = accepted[name]
    same = [gate for gate in declared if name in gate]
    able = [gate for gate in same if _can_fail(name, gate) or not _can_fail(name, accepted)]
    kept = [gate for gate in able if not _looser(name, value, gate[name])]
    if not kept:
        if any(not _looser(name, value, gate[name]) for gate in same):
            return f"{name}={value} could fail its cell when it was accepted, now it only informs"
        now = (max if name == "at_least" else min)((gate[name] for gate in able or same), default="gone")
        return f"{name}={value} was accepted, now it is {now}"
    for choice in ("inconclusive", "new"):
        if name in _MARGINS and choice in accepted and all(choice not in gate for gate in kept):
            return f"{choice}={accepted[choice]} was accepted, now it is gone"
    return None


def _can_fail(name: str, gate: Mapping[str, Any]) -> bool:
    """Whether a rule of a gate fails its cell: a margin that informs does not, beside a bound that does."""
    return gate.get("primary") is not False and not (name in _MARGINS and "informs" in gate)


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _looser(name: str, accepted: float, now: float) -> bool:
    return now < accepted if name == "at_least" else now > accepted


def _builtin(number: Any) -> Any:
    """A number of numpy's as Python's own; anything else as it is."""
    return number.item() if hasattr(number, "dtype") and hasattr(number, "item") else number


def _is_finite(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
