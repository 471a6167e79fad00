from __future__ import annotations

import pytest

from pytest_mlexp.provenance.code.lookups import looks_up


@pytest.mark.parametrize(
    ("module", "chain"),
    [
        ("hydra.utils", ("instantiate",)),
        ("hydra", ("utils", "get_class")),
        ("django.utils.module_loading", ("import_string",)),
        ("sys", ("modules", "values")),
        ("importlib", ("import_module",)),
    ],
)
def test_what_finds_modules_by_name_may_lead_anywhere(module: str, chain: tuple[str, ...]) -> None:
    assert looks_up(module, chain)


@pytest.mark.parametrize(
    ("module", "chain"),
    [("hydra", ("main",)), ("sys", ("path",)), ("importlib", ("metadata", "version")), ("team", ("import_module",))],
)
def test_other_parts_of_these_libraries_do_not(module: str, chain: tuple[str, ...]) -> None:
    assert not looks_up(module, chain)
