"""A law: a named, plain function that looks at one block and one small case and says whether it is obeyed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Check = Callable[[Any, Any], None]


class Broken(Exception):  # noqa: N818 - it names what happened to the law
    """A law is broken: ``expected`` says what it asks for, ``seen`` what came, ``data`` holds the rows that show it."""

    crash = False
    case: Any = None

    def __init__(self, expected: str, seen: str, **data: Any) -> None:
        super().__init__(f"expected: {expected}\nseen: {seen}")
        self.expected = expected
        self.seen = seen
        self.data = data


class Crashed(Broken):
    """The block raised something that is no clear refusal."""

    crash = True


class NotApplicable(Exception):  # noqa: N818 - no error at all
    """The law says nothing about this block, or about this case; the message says why."""


@dataclass(frozen=True)
class Law:
    """One law, called as ``law(subject, case)``.

    Attributes:
        name: names it in test ids, excuses and reports.
        sentence: what every block must do.
        check: raises :class:`Broken` or :class:`NotApplicable`, or returns.
        needs: what a model must have for the law to say anything: ``fit``, ``trained`` (a fit that takes),
            ``classifier``, ``regressor``, ``numeric`` (inputs that are a matrix of numbers), a method's name, or
            ``own_code`` (not all of it is a library's), which comes last, for it takes a fit to find out.
        thorough: left out of the fast set.
        cases: how many cases the fast set looks at.
    """

    name: str
    sentence: str
    check: Check = field(repr=False)
    needs: tuple[str, ...] = ()
    thorough: bool = False
    cases: int = 1

    def __call__(self, subject: Any, case: Any) -> None:
        """Check one case.

        Raises:
            Broken: the law is broken; the message says what was expected and what was seen.
            NotApplicable: the law says nothing here.
        """
        self.check(subject, case)


def law(
    sentence: str, *, needs: tuple[str, ...] = (), thorough: bool = False, cases: int = 1
) -> Callable[[Check], Law]:
    """Make a law of a function; the function's name is the law's."""

    def made(check: Check) -> Law:
        name = getattr(check, "__name__", "law")
        return Law(name, sentence, check, needs=needs, thorough=thorough, cases=cases)

    return made
