"""What tells two installations of one version apart, where no index gave them."""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import blake2b
from importlib import metadata

SHOWN = 12


def content(distribution: metadata.Distribution) -> str | None:
    """Say what was installed besides its version, as ``git c0ffee``, ``archive 1234`` or ``files 1234``.

    None for what came from an index, whose versions do not change, and for an editable one, whose files are followed
    as source code. It is what ``direct_url.json`` (PEP 610) holds; of a folder the digests of the installed files.
    """
    with suppress(Exception):  # whatever an installer left there: the version counts all the same
        text = distribution.read_text("direct_url.json")
        conda = (distribution.read_text("INSTALLER") or "").strip() == "conda"  # it leaves the path of its own build
        if text and not conda:
            found = json.loads(text)
            if version := found.get("vcs_info"):
                return f"{version['vcs']} {version['commit_id'][:SHOWN]}"
            if not (found.get("dir_info") or {}).get("editable"):
                return _of_archive(found.get("archive_info") or {}) or _of_files(distribution)
    return None


def _of_archive(archive: dict[str, object]) -> str | None:
    hashes = archive.get("hashes")
    known = sorted(map(str, hashes.values())) if isinstance(hashes, dict) else []
    digest = known[0] if known else str(archive.get("hash") or "").rpartition("=")[2]
    return f"archive {digest[:SHOWN]}" if digest else None


def _of_files(distribution: metadata.Distribution) -> str | None:
    """A digest of what RECORD says of the package's own files: not of those that tell how it was installed."""
    lines = (distribution.read_text("RECORD") or "").splitlines()
    own = sorted(line for line in lines if not line.startswith("..") and not _is_beside(line))
    return f"files {blake2b(chr(10).join(own).encode(), digest_size=SHOWN // 2).hexdigest()}" if own else None


def _is_beside(line: str) -> bool:
    path = line.partition(",")[0]
    return path.endswith((".pyc", ".pyo")) or ".dist-info/" in path
