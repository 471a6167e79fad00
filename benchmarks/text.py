"""Text to text: plain callables put headlines into title case, judged by match and by edits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from pytest_mlexp import Dataset, Evaluation, Experiment

Rewriter = Callable[[Sequence[str]], list[str]]
SMALL_WORDS = {"a", "an", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to", "with"}

HEADLINES = (
    ("the cat sat on the mat", "The Cat Sat on the Mat"),
    ("a tale of two cities", "A Tale of Two Cities"),
    ("  pride and   prejudice ", "Pride and Prejudice"),
    ("WAR AND PEACE", "War and Peace"),
    ("the old man and the sea", "The Old Man and the Sea"),
    ("journey to the centre of the earth", "Journey to the Centre of the Earth"),
    ("a room with a view", "A Room with a View"),
    ("far from the madding crowd", "Far From the Madding Crowd"),
    ("of mice and men", "Of Mice and Men"),
    ("the turn of the SCREW", "The Turn of the Screw"),
    ("as you like it", "As You Like It"),
    ("  the lord of the rings", "The Lord of the Rings"),
)

headlines = Experiment("headlines", description="Can a rule put a headline into title case?")


@headlines.dataset(version="1")
def books() -> Dataset:
    """A callable is not trained; a train part there must be, so the first two headlines are it."""
    plain = [text for text, _ in HEADLINES]
    titles = [title for _, title in HEADLINES]
    return Dataset.from_records(plain, targets=titles, split=([0, 1], range(2, len(HEADLINES))))


@headlines.model
def unchanged() -> Rewriter:
    return lambda texts: list(texts)  # noqa: PLW0108 - a class is no model


@headlines.model
def str_title() -> Rewriter:
    return lambda texts: [text.title() for text in texts]


@headlines.model(params={"small_words": [True, False]})
def rules(small_words: bool) -> Rewriter:
    lowered = SMALL_WORDS if small_words else set()

    def rewrite(texts: Sequence[str]) -> list[str]:
        return [_title_case(text, lowered) for text in texts]

    return rewrite


@headlines.evaluator(maximize="exact")
def match(y_true: Sequence[str], y_pred: Sequence[str]) -> Evaluation:
    hits = np.asarray([truth == guess for truth, guess in zip(y_true, y_pred, strict=True)], dtype=float)
    return Evaluation(metrics={"exact": (float(hits.mean()),)}, scores={"exact": hits})


@headlines.evaluator(minimize="character_error")
def edits(y_true: Sequence[str], y_pred: Sequence[str]) -> Evaluation:
    """Levenshtein distance over the length of the truth, the character error rate of one headline."""
    rates = np.asarray([edit_distance(truth, guess) / len(truth) for truth, guess in zip(y_true, y_pred, strict=True)])
    return Evaluation(metrics={"character_error": (float(rates.mean()),)}, scores={"character_error": rates})


headlines.gate("character_error", at_most=0.3)


def edit_distance(left: str, right: str) -> int:
    """Levenshtein distance, by Wagner and Fischer (1974), one row at a time."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def _title_case(text: str, lowered: set[str]) -> str:
    words = re.split(r"\s+", text.strip().lower())
    return " ".join(word if position and word in lowered else word.capitalize() for position, word in enumerate(words))
