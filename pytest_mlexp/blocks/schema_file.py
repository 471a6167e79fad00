"""A schema as a small JSON file beside the code, so that data like a team's can be made without the data."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pytest_mlexp.blocks.schema import Schema, schema_json
from pytest_mlexp.errors import DataError


def save_schema(path: Path | str, schema: Schema) -> None:
    """Write ``schema`` to a JSON file that people can read and review.

    It holds names (as text), dtypes, ranges and the categories of each column, and no rows. Look through the
    categories before you commit it: where a column has at most 50 distinct strings, they stand there.
    """
    text = msgspec.json.format(schema_json(schema), indent=2)
    Path(path).write_text(f"{text}\n", encoding="utf-8")


def load_schema(path: Path | str) -> Schema:
    """Read a schema that :func:`save_schema` wrote.

    Raises:
        DataError: the file is not there, or holds something else.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"no schema can be read from {path}: {error}; write one with save_schema") from error
    return schema_from(text, where=str(path))


def schema_from(text: str, *, where: str) -> Schema:
    """Read a schema from its JSON; ``where`` names its origin.

    Raises:
        DataError: the text is something else.
    """
    try:
        return msgspec.json.decode(text, type=Schema)
    except msgspec.DecodeError as error:
        raise DataError(f"{where} holds no schema: {error}; write it with save_schema(path, dataset.schema)") from error
