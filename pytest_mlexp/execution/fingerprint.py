"""Fingerprints of code and parameters: the same as long as nothing that could change a result changed.

First-party functions and classes count by their syntax tree without comments, docstrings and the
decorators that declare them; libraries count by qualified name and version. Functions that are called but
not captured (globals) are not followed.
"""

from __future__ import annotations

import ast
import copyreg
import functools
import inspect
import sys
import sysconfig
import textwrap
from collections.abc import Iterable
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented))
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LIBRARY_FOLDERS = ("site-packages", "dist-packages")


def fingerprint(*parts: object) -> str:
    """Return 16 hex digits of code and parameters, stable across processes, hash seeds and machines.

    Parts may be functions, classes, partials, bound methods, estimators (class and ``get_params``),
    arrays, tensors, containers, plain values, and objects that could be pickled (class and state). An
    object without such a state counts by its class alone.
    """
    return _digest(_Walk().text(parts))[:16]


class _Walk:
    """One traversal; knows what it is inside of, so that cycles end."""

    def __init__(self) -> None:
        self._inside: list[object] = []

    def text(self, value: object) -> str:
        """Return a text that tells ``value`` from every other one."""
        if type(value) in _PLAIN:
            return f"{type(value).__name__} {value!r}"
        for depth, outer in enumerate(self._inside):
            if outer is value:
                return f"cycle {depth}"
        self._inside.append(value)
        try:
            return self._compound(value)
        finally:
            self._inside.pop()

    def _compound(self, value: Any) -> str:
        if isinstance(value, dict) and type(value) is dict:
            return self._join("dict", sorted(f"{self.text(k)}: {self.text(v)}" for k, v in value.items()))
        if type(value) in {set, frozenset}:
            return self._join("set", sorted(map(self.text, value)))
        if type(value) in {list, tuple}:
            return self._join(type(value).__name__, map(self.text, value))
        return self._code(value) or self._data(value) or self._object(value)

    def _join(self, kind: str, items: Iterable[str]) -> str:
        return f"{kind}({', '.join(map(_digest, items))})"

    def _all(self, kind: str, *values: object) -> str:
        return self._join(kind, map(self.text, values))

    def _code(self, value: Any) -> str | None:
        """Return the text of something that runs, None for anything else."""
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, CodeType):
            names = (value.co_names, value.co_varnames, value.co_freevars)
            return self._all("code", value.co_code, value.co_consts, value.co_exceptiontable, names)
        if isinstance(value, ModuleType):
            return f"module {value.__name__} {_version(value.__name__)}"
        return self._wrapper(value)

    def _wrapper(self, value: Any) -> str | None:
        """Return the text of a callable around another object, None for anything else."""
        if isinstance(value, functools.partial):
            return self._all("partial", value.func, value.args, value.keywords)
        if isinstance(value, MethodType):
            return self._all("method", value.__func__, value.__self__)
        if isinstance(value, BuiltinFunctionType):
            return self._all("builtin", _library_name(value), value.__self__)
        if isinstance(value, property):
            return self._all("property", value.fget, value.fset, value.fdel)
        if hasattr(value, "__wrapped__"):  # functools.lru_cache, staticmethod and the like
            return self._all("wrapper", type(value), value.__wrapped__, _public(value))
        return None

    def _function(self, function: FunctionType) -> str:
        cells = [_content(cell) for cell in function.__closure__ or ()]
        if _is_library(function.__code__.co_filename):
            module = function.__globals__["__name__"]  # its own, where functools.wraps copied another's
            name = f"{module}.{function.__code__.co_qualname} {_version(module)}"
            return self._all("library", name, getattr(function, "__wrapped__", cells))
        body = _function_source(function.__code__, function.__code__.co_filename)
        own = body if body is not None else function.__code__
        return self._all("function", own, function.__defaults__, function.__kwdefaults__, cells)

    def _class(self, cls: type) -> str:
        if _is_library_module(cls.__module__):
            return self._all("library", _library_name(cls))
        own: object = _class_source(cls)
        if own is None:  # typed in, or made by a function
            methods = {name: part for name, part in vars(cls).items() if isinstance(part, FunctionType)}
            own = (cls.__qualname__, methods, _public(cls))
        return self._all("class", own, list(cls.__bases__))

    def _data(self, value: Any) -> str | None:
        """Return the text of an estimator, an array or a tensor, None for anything else."""
        if hasattr(value, "get_params"):
            return self._all("estimator", type(value), value.get_params(deep=False))
        root = type(value).__module__.partition(".")[0]
        if root == "numpy" and hasattr(value, "tobytes") and not value.dtype.hasobject:
            return self._all("array", str(value.dtype), value.shape, _digest(value.tobytes()))
        if root == "torch" and hasattr(value, "untyped_storage"):
            import torch

            raw = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            return self._all("tensor", type(value), str(value.dtype), tuple(value.shape), _digest(raw))
        return None

    def _object(self, value: Any) -> str:
        """Return the text of any other object: its class and the state that pickling would keep."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            state: Any = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 - whatever an object raises, it has no state that can be read
            return self._all("opaque", type(value))
        if isinstance(state, str):
            return self._all("global", state, _library_name(type(value)))
        rest = [list(part) if hasattr(part, "__next__") else part for part in state[1:]]
        return self._all("object", type(value), state[0], *rest)


def _digest(content: str | bytes) -> str:
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return blake2b(data, digest_size=16).hexdigest()


def _public(value: object) -> dict[str, Any]:
    """Return the attributes of an object's own that the language does not add."""
    return {name: part for name, part in getattr(value, "__dict__", {}).items() if not name.startswith("__")}


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return ...


@functools.lru_cache(maxsize=1024)
def _function_source(code: CodeType, filename: str) -> str | None:  # noqa: ARG001 - equal code stands in two files
    """Return the normalised source that ``code`` was compiled from, None where it cannot be told."""
    try:
        lines, _ = inspect.findsource(code)
    except (OSError, TypeError):
        return None
    found = [node for node in ast.walk(_parsed("".join(lines))) if _made(node, code)]
    return _normalised(found[0]) if len(found) == 1 else None


@functools.lru_cache(maxsize=1024)
def _class_source(cls: type) -> str | None:
    try:
        return _normalised(ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0])
    except (OSError, TypeError, SyntaxError):
        return None


@functools.lru_cache(maxsize=64)
def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def _made(node: ast.AST, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != code.co_name:
        return False
    return min([node.lineno, *(d.lineno for d in node.decorator_list)]) == code.co_firstlineno


def _normalised(node: ast.AST) -> str:
    """Return ``node`` as source without its own decorators, docstrings, comments and layout."""
    node = ast.parse(ast.unparse(node)).body[0]  # a copy: the tree of a file is shared
    if isinstance(node, _DEFINITIONS):
        node.decorator_list = []
    for inner in ast.walk(node):
        if isinstance(inner, _DEFINITIONS) and ast.get_docstring(inner, clean=False) is not None:
            inner.body = inner.body[1:] or [ast.Pass()]
    return ast.unparse(node)


@functools.cache
def _is_library(filename: str) -> bool:
    """Return whether a file is of the standard library or was installed."""
    path = Path(filename)
    if filename.startswith("<frozen") or any(folder in path.parts for folder in _LIBRARY_FOLDERS):
        return True
    return any(path.is_relative_to(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))


def _is_library_module(name: str) -> bool:
    filename = getattr(sys.modules.get(name), "__file__", None)
    return _is_library(filename) if filename else name.partition(".")[0] in sys.stdlib_module_names


def _library_name(value: Any) -> str:
    module = getattr(value, "__module__", None) or "builtins"
    return f"{module}.{getattr(value, '__qualname__', type(value).__qualname__)} {_version(module)}"


@functools.cache
def _version(module: str) -> str:
    """Return the version of the distribution a module is from; the standard library has Python's."""
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names:
        return f"python {sys.version_info.major}.{sys.version_info.minor}"
    stated = getattr(sys.modules.get(root), "__version__", None)
    if isinstance(stated, str):
        return f"{root} {stated}"
    owners = _distributions().get(root, ())  # slow, so the last resort
    return " ".join(f"{name} {metadata.version(name)}" for name in sorted(set(owners)))


@functools.cache
def _distributions() -> Any:
    return metadata.packages_distributions()
