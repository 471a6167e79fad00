"""Where an installed package came from, when it was no index: an editable folder, a repository, a file."""

from __future__ import annotations

import importlib.metadata
import json
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pytest_mlexp.tracking.place import relative
from pytest_mlexp.tracking.secrets import redact_uri

EDITABLE = "editable:"
FILE = "file:"


def origin(distribution: importlib.metadata.Distribution, top: Path) -> str | None:
    """Say where a distribution came from, as its ``direct_url.json`` does (PEP 610); None for an index.

    ``editable:PATH`` and ``file:PATH`` are relative to ``top``, the top of the checkout, where they lie in it.
    Anything else is what pip takes after ``name @``, without credentials.
    """
    with suppress(Exception):  # whatever an installer left there: only an origin is lost
        text = distribution.read_text("direct_url.json")
        conda = (distribution.read_text("INSTALLER") or "").strip() == "conda"  # it leaves the path of its own build
        if text and not conda:
            return _told(json.loads(text), top)
    return None


def _told(found: dict[str, Any], top: Path) -> str:
    url = str(found["url"])
    if url.startswith("file:"):
        path = relative(Path(url2pathname(urlsplit(url).path)), top)
        return f"{EDITABLE if found.get('dir_info', {}).get('editable') else FILE}{path}"
    bare = redact_uri(url)
    version = found.get("vcs_info")
    return f"{version['vcs']}+{bare}@{version['commit_id']}" if version else bare
