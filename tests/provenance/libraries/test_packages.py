from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from pytest_mlexp.provenance.libraries.packages import named


def test_every_installed_distribution_is_named_as_its_metadata_says() -> None:
    found = [(named(there), (there.metadata["Name"], there.metadata["Version"])) for there in metadata.distributions()]
    assert found
    assert all(quick == parsed for quick, parsed in found)


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (
            "METADATA",
            "Metadata-Version: 2.1\nName: A.b_C\nVersion: 1.0+cpu\n\nName: other\nVersion: 2\n",
            "A.b_C 1.0+cpu",
        ),
        ("METADATA", "Metadata-Version: 2.1\nName: a\n\nVersion: 2 of what is told here\n", "a "),
        ("PKG-INFO", "Metadata-Version: 1.1\nName: a\nVersion: 1.0\n", "a 1.0"),
        ("RECORD", "", " "),
    ],
    ids=["heading alone", "without a version", "an egg", "without metadata"],
)
def test_a_name_is_looked_for_in_the_heading_and_parsed_where_that_is_odd(
    tmp_path: Path, file: str, text: str, expected: str
) -> None:
    folder = tmp_path / "a-1.0.dist-info"
    folder.mkdir()
    folder.joinpath(file).write_text(text)
    assert " ".join(named(metadata.Distribution.at(folder))) == expected
