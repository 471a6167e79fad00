from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_mlexp.plugin.terminal import _say_where
from pytest_mlexp.tracking.mirrored import Mirrored


def said(mirrored: Mirrored) -> list[str]:
    lines: list[str] = []
    reporter: Any = SimpleNamespace(
        write_line=lambda line, **_: lines.append(line), config=SimpleNamespace(get_verbosity=lambda: 0)
    )
    recorder: Any = SimpleNamespace(trouble="no space", mirrored=mirrored, session="s", shown_uri="sqlite:////x.db")
    _say_where(reporter, recorder)
    return lines


@pytest.mark.parametrize(("experiments", "is_told"), [((), False), (("churn",), True)])
def test_a_store_that_holds_nothing_of_a_session_is_not_offered(experiments: tuple[str, ...], is_told: bool) -> None:
    assert any(line.startswith("open the runs") for line in said(Mirrored(0, 0, experiments))) == is_told


def test_a_journal_that_was_damaged_before_the_session_went_on_is_told() -> None:
    assert "the journal is not whole: line 3 is damaged" in said(Mirrored(0, 0, (), damage="line 3 is damaged"))
