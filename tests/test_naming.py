from __future__ import annotations

import pytest

from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.naming import check_name, nearest, slug


@pytest.mark.parametrize("name", ["forest", "_x", "v1.2", "a+b", "9lives"])
def test_a_legal_name_is_returned_as_it_is(name: str) -> None:
    assert check_name(name, kind="model") == name


@pytest.mark.parametrize("name", ["", "a-b", "a b", ".x", "a[1]", "x" * 101, None, 3.5])
def test_an_illegal_name_is_refused_by_kind(name: object) -> None:
    with pytest.raises(DeclarationError, match="model name"):
        check_name(name, kind="model")


def test_the_likely_meant_name_comes_first() -> None:
    assert nearest("frest", ["logistic", "forest"]) == "did you mean 'forest'? Known: forest, logistic"


def test_a_negative_number_keeps_apart_from_its_positive() -> None:
    assert slug("-1.5") != slug("1.5")
