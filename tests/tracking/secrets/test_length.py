"""Lines of a million characters take a time that grows with their length alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pytest_mlexp.tracking.secrets import redact_diff, redact_uri, redact_value

MARK = "-----BEGIN PRIVATE KEY-----"
PIECES = (
    'a|a-|a.| |+|\\|"|\'|aB3/|a=|a:|a=1;|a=1 |a="|a=\\"|{a:|eyJ-|sk-a|x-api-|token token |login a |login -p|token or '
    "|password=|password: |password='a',|password='a' |password='a' if a else |password=('a',|pw=1 |--password |--a b "
    "|set a |set('a', |'--a', default|<token>|name='a' value|a://|a://b:|a://b:c@|https://a;b=|?a=b&|host=a user="
    f"|a:1:b:c:|machine a login |Bearer |authorization: digest a=|eyJhbGciOi.eyJ|{MARK}|{MARK}\\n"
).split("|")


def seconds(work: Callable[[str], object], text: str) -> float:
    def once() -> float:
        start = time.process_time()
        work(text)
        return time.process_time() - start

    return min(once() for _ in range(2))


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", ["a.py", "a.yaml", ""])
def test_the_time_grows_with_the_length_alone(piece: str, name: str) -> None:
    def work(text: str) -> object:
        if name:
            return redact_diff(f"+++ b/{name}\n+{MARK}\n+{text}!\n+{text}!'\"\n")
        return redact_value(text), redact_uri(f"https://h/{text}")

    short, long = (piece * (size // len(piece)) for size in (3_000, 12_000))
    assert seconds(work, long) < 8 * seconds(work, short) + 0.02  # 4 where it is linear, 16 where it is quadratic


@pytest.mark.parametrize(
    "line", ["password: |", "-----BEGIN PRIVATE KEY-----", 'token = """', "Qm9iQm9iQm9iQm9iQm9i", "auth = ("]
)
def test_the_time_grows_with_the_number_of_lines_alone(line: str) -> None:
    def work(text: str) -> object:
        return redact_diff(f"+++ b/a.yaml\n{text}\n")

    short, long = (f"+{line}\n" * count for count in (500, 2_000))
    assert seconds(work, long) < 8 * seconds(work, short) + 0.02
