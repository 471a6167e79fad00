"""Why a trial was run again, or an evaluation made again: what differs between two provenances, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

SHOWN = 4


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """One phrase for each kind of part that differs; an empty list where nothing does."""
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return list(_phrases(changed, before, now))


def _phrases(changed: list[str], before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    code = [_definition(name, before, now) for name in changed if name.startswith("code ")]
    if code:
        more = f" and {len(code) - SHOWN} more" if len(code) > SHOWN else ""
        yield f"code changed: {', '.join(code[:SHOWN])}{more}"
    for name in changed:
        kind, _, rest = name.partition(" ")
        if kind == "package" and not (code and _came_or_went(name, before, now)):
            yield f"package changed: {rest} {before.get(name, '(not used)')} -> {now.get(name, '(not used)')}"
        elif kind == "param":
            yield f"parameter changed: {rest} {_value(before, name)} -> {_value(now, name)}"
        elif kind in {"declared", "variable", "option"}:
            yield f"{kind} changed: {rest}"
        elif name == "declaration" and not code:
            yield "declaration changed"
        elif name in {"data", "trials", "gates", "machine"}:
            yield f"{name} changed"
        elif name == "signature":
            yield "metrics or requests changed"
        elif name in {"python", "precision", "layout", "split", "seed", "device", "dataset"}:
            yield f"{name} changed: {_value(before, name)} -> {_value(now, name)}"


def _definition(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    own = name.removeprefix("code ")
    if name not in before:
        return f"{own} (now used)"
    return own if name in now else f"{own} (not used any more)"


def _came_or_went(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    return name not in before or name not in now


def _value(parts: Mapping[str, str], name: str) -> str:
    return parts.get(name, "(none)")
