"""Fingerprints of code and parameters: the same as long as nothing that could change a result changed.

First-party functions and classes count by their syntax tree without comments and docstrings, with all that
their names stand for, transitively; libraries count by qualified name and version.
"""

from __future__ import annotations

import copyreg
import functools
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

from pytest_mlexp.provenance.code.constants import PLAIN
from pytest_mlexp.provenance.code.definitions import CodeWalk
from pytest_mlexp.provenance.code.locating import is_of_library
from pytest_mlexp.provenance.code.normalising import normalised
from pytest_mlexp.provenance.code.positions import class_node, function_node
from pytest_mlexp.provenance.code.reading import read_by
from pytest_mlexp.provenance.contained import memory_order
from pytest_mlexp.provenance.digests import digest
from pytest_mlexp.provenance.libraries.folders import is_library
from pytest_mlexp.provenance.libraries.packages import OWN_DISTRIBUTION, is_own, is_standard, version_of, versions
from pytest_mlexp.provenance.live import attributes, content_of, functions_in, names_of, public_of, typed_text


def fingerprint(*parts: object) -> str:
    """Return 16 hex digits of code and parameters, stable across processes, hash seeds and machines.

    Parts may be functions, classes, partials, bound methods, estimators (class and ``get_params``),
    arrays, tensors, containers, plain values, and objects that could be pickled (class and state). An
    object without such a state counts by its class alone. In which module a definition stands does not count, nor
    does this package, as how it was installed says nothing of the team's code, nor a library that is imported beside
    it and not used: the last user of an import may go without a trace.
    """
    walk, text = follow(parts)
    return digest(f"{text}\n{walk.anonymous()}")[:16]


def follow(
    value: object,
    *,
    named: bool = False,
    module: str = "",
    join: Callable[[CodeWalk], object] = lambda _: None,
) -> tuple[ValueWalk, str]:
    """Walk a value; again where code was reached that reads what was left out, such as docstrings.

    Args:
        value: what is walked.
        named: see ``ValueWalk``.
        module: where the value was declared, whose import counts as well.
        join: adds to the code that was reached.
    """
    keeping: frozenset[str] = frozenset()
    while True:
        walk = ValueWalk(named=named, keeping=keeping)
        if module:
            walk.code.enter(module)
        text = walk.text(value)
        join(walk.code)
        needed = keeping | read_by([*walk.code.texts.values(), *walk.typed_in], frozenset(walk.code.packages))
        if needed == keeping:
            return walk, text
        keeping = needed


class ValueWalk:
    """One traversal of live objects; the code that they need is gathered in ``code``.

    Knows what it is inside of, so that cycles end.
    """

    def __init__(self, *, named: bool = False, keeping: frozenset[str] = frozenset()) -> None:
        self.code = CodeWalk(keeping, idle=named)
        self.typed_in: list[str] = []
        self.strings: set[str] = set()
        self.keeping = keeping
        self._named = named
        self._inside: list[object] = []

    def anonymous(self) -> str:
        """The code that was reached, told apart by the order of the visit instead of by module."""
        number = {key: str(position) for position, key in enumerate(self.code.texts)}
        parts = [
            (digest(text), [(name, number[target]) for name, target in self.code.edges[key]])
            for key, text in self.code.texts.items()
        ]
        names = list(self.code.texts) if "names" in self.keeping else []
        packages = [(name, version) for name, version in self.code.packages.items() if name != OWN_DISTRIBUTION]
        return digest(repr((parts, names, sorted(packages))))

    def text(self, value: object) -> str:
        """Return a text that tells ``value`` from every other one."""
        if type(value) in PLAIN:
            if type(value) is str:
                self.strings.add(value)
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
        if type(value) is MappingProxyType:
            return self._all("proxy", dict(value))
        if isinstance(value, dict) and type(value) is dict:
            items = [f"{self.text(k)}: {self.text(v)}" for k, v in value.items()]
            return self._join("dict", items if self._named else sorted(items))  # a model may take them in their order
        if type(value) in {set, frozenset}:
            return self._join("set", sorted(map(self.text, value)))
        if type(value) in {list, tuple}:
            return self._join(type(value).__name__, map(self.text, value))
        return self._code(value) or self._data(value) or self._object(value)

    def _join(self, kind: str, items: Iterable[str]) -> str:
        return f"{kind}({', '.join(map(digest, items))})"

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
            self.code.given += self.code.whole(value.__name__)
            return f"module {value.__name__} {self._version(value.__name__)}"
        return self._wrapper(value)

    def _wrapper(self, value: Any) -> str | None:
        """Return the text of a callable around another object, None for anything else."""
        if isinstance(value, functools.partial):
            return self._all("partial", value.func, value.args, value.keywords)
        if isinstance(value, MethodType):
            return self._all("method", value.__func__, value.__self__)
        if isinstance(value, BuiltinFunctionType):
            return self._all("builtin", self._library_name(value), value.__self__)
        if isinstance(value, property):
            return self._all("property", value.fget, value.fset, value.fdel)
        if hasattr(value, "__wrapped__"):  # functools.lru_cache, staticmethod and the like
            return self._all("wrapper", type(value), value.__wrapped__, public_of(value))
        return None

    def _function(self, function: FunctionType) -> str:
        code = function.__code__
        cells = [content_of(cell) for cell in function.__closure__ or ()]
        module = function.__globals__.get("__name__", "")  # its own, where functools.wraps copied another's
        if is_library(code.co_filename) or is_own(module):
            name = f"{module}.{code.co_qualname} {self._version(module)}"
            return self._all("library", name, getattr(function, "__wrapped__", cells))
        return self._all("function", self._body(function), function.__defaults__, function.__kwdefaults__, cells)

    def _body(self, function: FunctionType) -> object:
        """The definition of a function; where its module's text does not hold it, its code and what that names."""
        code = function.__code__
        source = self.code.enter(function.__globals__.get("__name__", ""))
        if source is not None and source.path is not None:
            node = function_node(source.tree, code)
            if node is not None:
                text = self.code.modules.normalise(node, source)
                return self._defined(source.name, code.co_qualname, text, source, code.co_freevars)
        node = function_node(typed_text(code), code)
        own: object = code if node is None else normalised(node, keeping=self.keeping)
        if isinstance(own, str):
            self.typed_in.append(own)
        named = {name: function.__globals__[name] for name in sorted(names_of(code)) if name in function.__globals__}
        return (own, named)

    def _defined(self, module: str, qualname: str, text: str, source: Any, without: Iterable[str] = ()) -> str:
        base = key = f"{module}:{qualname}"
        count = 1
        while key in self.code.texts and self.code.texts[key] != text:
            count += 1
            key = f"{base}#{count}"  # several lambdas of one name
        self.code.given.append(self.code.define(key, text, source, without=without))
        return f"#{list(self.code.texts).index(key)}"

    def _class(self, cls: type) -> str:
        if is_of_library(cls.__module__):
            return self._all("library", self._library_name(cls))
        source = self.code.enter(cls.__module__)
        node = class_node(source.tree, cls) if source is not None else None
        members = {name: part for name, part in vars(cls).items() if isinstance(part, FunctionType)}
        if source is None or node is None:  # typed in, or made by a function
            return self._all("class", (cls.__qualname__, members, public_of(cls)), list(cls.__bases__))
        key = self._defined(source.name, cls.__qualname__, self.code.modules.normalise(node, source), source)
        cells = [[content_of(c) for c in m.__closure__ or () if content_of(c) is not cls] for m in members.values()]
        return self._all("class", key, cells if any(cells) else None, list(cls.__bases__))

    def _data(self, value: Any) -> str | None:
        """Return the text of an estimator, an array or a tensor, None for anything else."""
        if hasattr(value, "get_params"):
            params = value.get_params(deep=False)
            state = getattr(value, "__dict__", {}) if self._named else {}  # what it has learnt may decide a result
            learnt = {name: part for name, part in state.items() if name not in params}
            return self._all("estimator", type(value), params, *([learnt] if learnt else []))
        root = type(value).__module__.partition(".")[0]
        if root == "numpy" and hasattr(value, "tobytes") and not value.dtype.hasobject:
            order = [memory_order(value)] if self._named else []  # it may round a sum otherwise
            return self._all("array", str(value.dtype), value.shape, digest(value.tobytes()), *filter(None, order))
        if root == "torch" and hasattr(value, "untyped_storage"):
            import torch

            raw = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            return self._all("tensor", type(value), str(value.dtype), tuple(value.shape), digest(raw))
        return None

    def _object(self, value: Any) -> str:
        """Return the text of any other object: its class and the state that pickling would keep."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            state: Any = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 - whatever an object raises, it has no state that can be read
            return self._all("opaque", type(value), *functions_in(value), *attributes(value))
        if isinstance(state, str):
            return self._all("global", state, self._library_name(type(value)), *functions_in(value))
        rest = [list(part) if hasattr(part, "__next__") else part for part in state[1:]]
        return self._all("object", type(value), state[0], *rest)

    def _library_name(self, value: Any) -> str:
        module = getattr(value, "__module__", None) or "builtins"
        return f"{module}.{getattr(value, '__qualname__', type(value).__qualname__)} {self._version(module)}"

    def _version(self, module: str) -> str:
        """The version of a library; in named parts it stands beside, so that a new one is told as what it is."""
        root = module.partition(".")[0]
        if not self._named:
            return version_of(module)
        if not is_standard(root):
            self.code.packages |= versions(root)
        return ""
