"""A secret that was planted, and what is recorded of the lines that hold it."""

from __future__ import annotations

from pytest_mlexp.tracking.secrets import redact_diff, redact_source

SECRET = "zz1"  # noqa: S105 - the planted one


def patch_of(name: str, *lines: str) -> str:
    return f"--- a/{name}\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)


def shown(name: str, *lines: str) -> list[str]:
    """The lines as they are recorded of a new file, and of an untracked one, which must not differ."""
    patched = redact_diff(patch_of(name, *lines)).split("\n")[3:-1]
    alone = redact_source("\n".join(lines), name=name).split("\n")
    assert [line[1:] for line in patched] == alone
    assert all(line.startswith("+") for line in patched)
    return alone
