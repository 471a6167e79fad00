"""Contributions as compact bytes: counts of right answers where scores are 0 or 1, else floats."""

from __future__ import annotations

import hashlib
import lzma
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from pytest_mlexp.errors import GateError

if TYPE_CHECKING:
    import numpy.typing as npt

    ByteArray: TypeAlias = npt.NDArray[np.uint8]
    FloatArray: TypeAlias = npt.NDArray[np.float64]

# Raw, since the lock holds a digest; the parameters suit bytes that hardly depend on their neighbours.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6 | lzma.PRESET_EXTREME, "dict_size": 2**20, "lc": 0, "lp": 0, "pb": 0}]
_MOST_REPEATS = 12
_SINGLE = (1e-30, 3e38)  # where float32 keeps its seven digits
_LZMA, _DEFLATE = b"\0", b"\1"


def pack(vectors: Mapping[str, tuple[FloatArray, int]]) -> bytes:
    """Bytes of named vectors, each a mean over the given number of runs; the same bytes for the same vectors."""
    plain = {name: _encoded(vector, runs) for name, (vector, runs) in sorted(vectors.items())}
    data = msgspec.msgpack.encode(plain)
    return min(
        _LZMA + lzma.compress(data, format=lzma.FORMAT_RAW, filters=_FILTERS),
        _DEFLATE + _huffman(data),
        key=len,
    )


def unpack(data: bytes, *, digest: str, where: str) -> dict[str, FloatArray]:
    """The vectors again.

    Raises:
        GateError: the bytes are not those of the digest, or a number is not finite.
    """
    if digest_of_bytes(data) != digest:
        raise GateError(
            f"{where} is not what the lock was written with: restore both from git, or accept anew with --mlexp-accept"
        )
    kind, body = data[:1], data[1:]
    if kind == _DEFLATE:
        plain = zlib.decompress(body, wbits=-zlib.MAX_WBITS)
    else:
        plain = lzma.decompress(body, format=lzma.FORMAT_RAW, filters=_FILTERS)
    vectors = {name: _decoded(*entry) for name, entry in msgspec.msgpack.decode(plain).items()}
    for name, vector in vectors.items():
        if not np.isfinite(vector).all():
            raise GateError(f"{where} holds numbers of {name} that are not finite: accept anew with --mlexp-accept")
    return vectors


def digest_of_bytes(data: bytes) -> str:
    """Digest of a packed file, 16 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _huffman(data: bytes) -> bytes:
    """Shorter than a dictionary where bytes do not depend on each other, as those of noisy runs do not."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    return coder.compress(data) + coder.flush()


def _encoded(vector: FloatArray, runs: int) -> tuple[int, int, bytes]:
    """A denominator, the size, and counts; or 0 and floats whose bytes of one weight stand together."""
    largest = np.abs(vector).max(initial=0.0)
    tolerance = 1e-9 * min(1.0, largest)
    for repeats in range(1, _MOST_REPEATS + 1):
        counts = vector * (runs * repeats)
        whole = np.round(counts)
        if runs * repeats < 256 and np.abs(counts - whole).max(initial=0.0) <= tolerance and _fits_byte(whole):
            return _smallest(runs * repeats, whole.astype(np.uint8))
    width = 4 if largest == 0.0 or _SINGLE[0] < largest < _SINGLE[1] else 8
    return 0, vector.size, vector.astype(f"<f{width}").view(np.uint8).reshape(-1, width).T.tobytes()


def _fits_byte(whole: Any) -> bool:
    return bool(whole.min(initial=0) >= 0 and whole.max(initial=0) < 256)


def _smallest(denominator: int, counts: ByteArray) -> tuple[int, int, bytes]:
    """Counts of shares as digits, several in a byte; other counts, a byte each, have a negative denominator."""
    if counts.max(initial=0) > denominator:
        return -denominator, counts.size, counts.tobytes()
    factor = int(np.gcd.reduce(counts, initial=denominator))  # all runs alike: nothing but bits
    base = denominator // factor + 1
    weights = _weights(base)
    digits = np.zeros((-(-counts.size // weights.size), weights.size), np.int64)
    digits.flat[: counts.size] = counts // factor
    return base - 1, counts.size, (digits @ weights).astype(np.uint8).tobytes()


def _weights(base: int) -> npt.NDArray[np.int64]:
    """The weight of each digit in a byte: as many as fit."""
    digits = 1
    while base ** (digits + 1) <= 256:
        digits += 1
    return base ** np.arange(digits)


def _decoded(denominator: int, size: int, data: bytes) -> FloatArray:
    plain = np.frombuffer(data, np.uint8)
    if denominator > 0:
        base = denominator + 1
        digits = plain[:, None] // _weights(base) % base
        return digits.ravel()[:size] / float(denominator)
    if denominator < 0:
        return plain / -float(denominator)
    width = plain.size // size if size else 4
    columns = plain.reshape(width, -1).T
    return np.ascontiguousarray(columns).view(f"<f{width}").ravel().astype(np.float64)
