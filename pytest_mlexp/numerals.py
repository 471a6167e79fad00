"""Numbers as text: four decimals, and more where so few would hide what is to be seen."""

from __future__ import annotations

import math

_DECIMALS = 4
_SMALLEST = 1e-8  # of the largest number: below it is rounding
_MOST = 9


def digits(*numbers: float) -> str:
    """The format that numbers of one line share: three significant digits of each, but two of the last.

    The last one is the difference of the others; what is below their rounding does not count.
    """
    *values, difference = numbers
    largest = max((abs(number) for number in numbers if math.isfinite(number)), default=0.0)
    places = [2 - _exponent(value) for value in values if _counts(value, largest)]
    places += [1 - _exponent(difference)] if _counts(difference, largest) else []
    decimals = max([_DECIMALS, *places])
    return f".{decimals}f" if decimals <= _MOST else ".4g"


def text(number: float) -> str:
    """A number by itself, with at least two significant digits; ``none`` where it is not finite."""
    return format(number, digits(number)) if math.isfinite(number) else "none"


def change(before: float, after: float, difference: float) -> str:
    """What a number was, what it is, and by how much it differs."""
    form = digits(before, after, difference)
    return f"{before:{form}} -> {after:{form}} ({difference:+{form}})"


def _counts(number: float, largest: float) -> bool:
    return math.isfinite(number) and abs(number) > _SMALLEST * largest


def _exponent(number: float) -> int:
    return math.floor(math.log10(abs(number)))
