"""Contributions as compact bytes: whole numbers of right answers where scores are 0 or 1, else float32."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from pytest_mlexp.errors import GateError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

# Raw, since the lock holds a digest; the parameters suit bytes that hardly depend on their neighbours.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6 | lzma.PRESET_EXTREME, "dict_size": 2**20, "lc": 0, "lp": 0, "pb": 0}]
_MOST_REPEATS = 12


def pack(vectors: Mapping[str, tuple[FloatArray, int]]) -> bytes:
    """Bytes of named vectors, each a mean over the given number of runs; the same bytes for the same vectors."""
    plain = {name: _encoded(vector, runs) for name, (vector, runs) in sorted(vectors.items())}
    return lzma.compress(msgspec.msgpack.encode(plain), format=lzma.FORMAT_RAW, filters=_FILTERS)


def unpack(data: bytes, *, digest: str, where: str) -> dict[str, FloatArray]:
    """The vectors again.

    Raises:
        GateError: the bytes are not those of the digest.
    """
    if digest_of_bytes(data) != digest:
        raise GateError(
            f"{where} is not what the lock was written with: restore both from git, or accept anew with --mlexp-accept"
        )
    plain = msgspec.msgpack.decode(lzma.decompress(data, format=lzma.FORMAT_RAW, filters=_FILTERS))
    return {name: _decoded(*entry) for name, entry in plain.items()}


def digest_of_bytes(data: bytes) -> str:
    """Digest of a packed file, 16 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _encoded(vector: FloatArray, runs: int) -> tuple[int, bytes]:
    """A denominator and counts, or 0 and floats whose bytes of one weight stand together."""
    for repeats in range(1, _MOST_REPEATS + 1):
        counts = vector * (runs * repeats)
        whole = np.round(counts)
        if runs * repeats < 256 and np.abs(counts - whole).max(initial=0.0) < 1e-9 and _fits_byte(whole):
            return runs * repeats, whole.astype(np.uint8).tobytes()
    return 0, vector.astype("<f4").view(np.uint8).reshape(-1, 4).T.tobytes()


def _fits_byte(whole: Any) -> bool:
    return bool(whole.min(initial=0) >= 0 and whole.max(initial=0) < 256)


def _decoded(denominator: int, data: bytes) -> FloatArray:
    if denominator:
        return np.frombuffer(data, np.uint8) / float(denominator)
    columns = np.frombuffer(data, np.uint8).reshape(4, -1).T
    return np.ascontiguousarray(columns).view("<f4").ravel().astype(np.float64)
