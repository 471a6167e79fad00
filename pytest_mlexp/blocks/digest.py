"""A digest of data by content: the same for equal data in every process, another when anything changes.

Every value is written to the hash as a type tag, its length and its bytes, so that no two different values
give the same stream. The hash is BLAKE2b with 16 bytes.
"""

from __future__ import annotations

import array
import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pytest_mlexp.blocks.splitting import is_a
from pytest_mlexp.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

_BYTES = 16


class _Sink(Protocol):
    def update(self, data: Any, /) -> None: ...


def digest_of(*values: object) -> str:
    """Return the digest of ``values`` by content, 32 hexadecimal characters.

    Arrays in C and Fortran order, views and copies are equal, and so are dicts that compare equal and sparse
    matrices of any format with the same entries. A changed value, dtype, shape, label or type gives another
    digest.

    Raises:
        DataError: something in there has no content that can be hashed; the message names its type.
    """
    sink = hashlib.blake2b(digest_size=_BYTES)
    try:
        _feed(values, sink)
    except RecursionError:
        raise DataError("the data is nested too deeply, or contains itself: no digest can be made of it") from None
    return sink.hexdigest()


def _write(sink: _Sink, tag: str, content: bytes) -> None:
    sink.update(f"{tag}:{len(content)}:".encode())
    sink.update(content)


@singledispatch
def _feed(value: Any, sink: _Sink) -> None:
    if is_a(value, "pandas", "DataFrame", "Series", "Index"):
        _feed_pandas(value, sink)
    elif is_a(value, "scipy.sparse", "spmatrix", "sparray"):
        _feed_sparse(value, sink)
    elif is_a(value, "torch", "Tensor"):
        _feed_tensor(value, sink)
    elif is_a(value, "pandas.api.typing", "NAType"):
        _write(sink, "NA", b"")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        _write(sink, "dataclass", _type_name(value).encode())
        _feed({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, sink)
    else:
        raise DataError(
            f"a dataset holds an object of type {_type_name(value)}, which has no content that can be hashed: "
            "turn it into numbers, strings, bytes, arrays, lists, dicts or a dataclass of these"
        )


def _type_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


@_feed.register(type(None))
@_feed.register(bool)
@_feed.register(int)
@_feed.register(complex)
@_feed.register(decimal.Decimal)
@_feed.register(uuid.UUID)
@_feed.register(dt.timedelta)
def _(value: object, sink: _Sink) -> None:
    _write(sink, type(value).__name__, str(value).encode())


@_feed.register
def _(value: PurePath, sink: _Sink) -> None:
    # The path counts, not what the file holds.
    _write(sink, "path", str(value).encode("utf-8", "surrogatepass"))


@_feed.register
def _(value: float, sink: _Sink) -> None:
    _write(sink, "float", value.hex().encode())


@_feed.register(dt.date)
@_feed.register(dt.time)
def _(value: dt.date | dt.time, sink: _Sink) -> None:
    _write(sink, type(value).__name__, value.isoformat().encode())


@_feed.register
def _(value: enum.Enum, sink: _Sink) -> None:
    _write(sink, "enum", f"{_type_name(value)}.{value.name}".encode())


@_feed.register
def _(value: str, sink: _Sink) -> None:
    _write(sink, "str", value.encode("utf-8", "surrogatepass"))


@_feed.register(bytes)
@_feed.register(bytearray)
def _(value: bytes | bytearray, sink: _Sink) -> None:
    _write(sink, type(value).__name__, bytes(value))


@_feed.register(list)
@_feed.register(tuple)
@_feed.register(range)
def _(value: Sequence[Any], sink: _Sink) -> None:
    sink.update(f"{'tuple' if isinstance(value, tuple) else 'list'}:{len(value)}:".encode())
    if not _feed_alike(value, sink):
        for item in value:
            _feed(item, sink)


def _feed_alike(values: Sequence[Any], sink: _Sink) -> bool:
    """Write a sequence of strings, floats or ints at once, where it is that; a million texts take a moment."""
    types = set(map(type, values))
    if types == {str}:
        _write(sink, "lengths", array.array("q", map(len, values)).tobytes())
        _write(sink, "strs", "".join(values).encode("utf-8", "surrogatepass"))
        return True
    if types == {float}:
        _write(sink, "floats", array.array("d", values).tobytes())
        return True
    if types == {int} and min(values) >= -(2**63) and max(values) < 2**63:
        _write(sink, "ints", array.array("q", values).tobytes())
        return True
    return False


@_feed.register(dict)
def _(value: Mapping[Any, Any], sink: _Sink) -> None:
    sink.update(f"dict:{len(value)}:".encode())
    for _, key, item in sorted(((digest_of(key), key, item) for key, item in value.items()), key=lambda t: t[0]):
        _feed(key, sink)
        _feed(item, sink)


@_feed.register(set)
@_feed.register(frozenset)
def _(value: Iterable[Any], sink: _Sink) -> None:
    _feed(["set", *sorted(digest_of(item) for item in value)], sink)


@_feed.register
def _(value: np.generic, sink: _Sink) -> None:
    _write(sink, "scalar", b"")
    _feed(np.asarray(value), sink)


@_feed.register
def _(value: np.ndarray, sink: _Sink) -> None:
    if type(value) not in (np.ndarray, np.memmap, np.matrix, np.recarray):
        raise DataError(
            f"a dataset holds an array of type {_type_name(value)}, of which numpy's own content may not be all: "
            "turn it into a plain numpy array"
        )
    dtype = value.dtype
    _write(sink, "array", f"{dtype.str if dtype.names is None else dtype!r}{value.shape}".encode())
    flat = np.ascontiguousarray(value).reshape(-1)
    # Bytes of these are addresses, or have gaps of arbitrary content.
    if dtype.kind in "OTV":
        _feed(flat.tolist(), sink)
    elif dtype.char in "gG" and dtype.itemsize not in (8, 16 if dtype.kind == "c" else 8):
        _feed(flat.astype(str).tolist(), sink)
    elif flat.nbytes:
        sink.update(_raw(flat))


def _raw(flat: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.asarray(flat).view(np.uint8)


def _feed_pandas(value: Any, sink: _Sink) -> None:
    if is_a(value, "pandas", "DataFrame"):
        _write(sink, "frame", str(value.shape).encode())
        _feed_pandas(value.columns, sink)
        _feed_pandas(value.index, sink)
        for position in range(value.shape[1]):
            _feed_column(value.iloc[:, position], sink)
    elif is_a(value, "pandas", "Series"):
        _write(sink, "series", b"")
        _feed(value.name, sink)
        _feed_pandas(value.index, sink)
        _feed_column(value, sink)
    else:
        _write(sink, "index", str(value.nlevels).encode())
        _feed(list(value.names), sink)
        for level in range(value.nlevels):
            _feed_column(value.get_level_values(level), sink)


def _feed_column(column: Any, sink: _Sink) -> None:
    """Write the values of a Series or flat Index, without its labels.

    pandas' own hash calls 1 and "1" in mixed columns the same, and a null some number: plain and object
    columns go the way of arrays, and for the others the places of the nulls are written too.
    """
    from pandas import CategoricalDtype
    from pandas.util import hash_pandas_object

    _write(sink, "column", str(column.dtype).encode())
    if isinstance(column.dtype, np.dtype):
        _feed(column.to_numpy(), sink)
    elif isinstance(column.dtype, CategoricalDtype):
        values = column.array
        _feed(bool(values.ordered), sink)
        _feed_pandas(values.categories, sink)
        _feed(values.codes, sink)
    else:
        try:
            hashed = hash_pandas_object(column, index=False)
        except (TypeError, NotImplementedError) as error:
            raise DataError(
                f"column {column.name!r} of dtype {column.dtype} cannot be hashed ({error}): convert it with astype"
            ) from error
        _feed(np.asarray(column.isna()), sink)
        _feed(hashed.to_numpy(), sink)


def _feed_sparse(value: Any, sink: _Sink) -> None:
    rows = value.tocsr(copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    _write(sink, "sparse", str(value.shape).encode())
    _feed(rows.data, sink)
    _feed(rows.indices.astype(np.int64), sink)
    _feed(rows.indptr.astype(np.int64), sink)


def _feed_tensor(value: Any, sink: _Sink) -> None:
    import torch

    _write(sink, "tensor", f"{value.dtype}{tuple(value.shape)}".encode())
    flat = value.detach().cpu().contiguous().reshape(-1)
    _feed(flat.view(torch.uint8).numpy(), sink)
