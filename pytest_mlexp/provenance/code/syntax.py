"""Questions about syntax trees that several modules ask."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Chain = tuple[str, ...]
Dotted = tuple[str, Chain]  # a name, and the attributes that are taken of it
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
DEFINITION = FUNCTION | ast.ClassDef
ASSIGNMENT = ast.Assign | ast.AnnAssign | ast.AugAssign
IMPORT = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class Import:
    """What an import loads: a module, or perhaps an attribute of one; and the name that is bound to it, if any."""

    level: int
    module: str
    attribute: str | None = None
    bound: str = ""

    def within(self, chain: Chain) -> Chain:
        """The attributes that are taken of the module, for those that are taken of the name."""
        return (self.attribute, *chain) if self.attribute else chain


def imports_of(node: IMPORT) -> Iterator[Import]:
    """What an import statement imports, one by one."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield Import(node.level, node.module or "", alias.name, alias.asname or alias.name)
        elif alias.asname:
            yield Import(0, alias.name, bound=alias.asname)
        else:
            root = alias.name.partition(".")[0]
            yield Import(0, root, bound=root)
            if root != alias.name:  # loads the submodule too
                yield Import(0, alias.name)


def path_of(node: ast.AST) -> Dotted | None:
    """``("helpers", ("scales", "norm"))`` of ``helpers.scales.norm``; None of anything else."""
    chain: list[str] = []
    while isinstance(node, ast.Attribute):
        chain.insert(0, node.attr)
        node = node.value
    return (node.id, tuple(chain)) if isinstance(node, ast.Name) else None


def last_name(node: ast.AST) -> str:
    """``norm`` of ``helpers.norm``, of ``make().norm`` and of ``norm``; empty of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def without_calls(node: ast.AST) -> ast.AST:
    """``table.add`` of ``table.add(1)(2)``, as of decorators with arguments."""
    while isinstance(node, ast.Call):
        node = node.func
    return node


def text_of(node: ast.AST | None) -> str | None:
    """The text that a literal is; None of anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def texts_in(*nodes: ast.AST) -> Iterator[str]:
    """All texts that are written out."""
    return (text for node in nodes for inner in ast.walk(node) if (text := text_of(inner)) is not None)


def calls_in(*nodes: ast.AST) -> Iterator[ast.Call]:
    """All calls."""
    return (inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Call))


def names_in(*nodes: ast.AST) -> Iterator[ast.Name]:
    """All names, read or bound."""
    return (inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name))


def targets_of(node: ast.AST) -> list[ast.expr]:
    """What an assignment of any kind is to; nothing of anything else."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) else []


def defaults_of(arguments: ast.arguments) -> list[ast.expr]:
    """The defaults of all parameters that have one."""
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]


def decorators_of(node: ast.AST) -> list[ast.AST]:
    """What decorates a definition, without its arguments; nothing of anything else."""
    return [without_calls(decorator) for decorator in getattr(node, "decorator_list", ())]


def first_line(node: ast.stmt | ast.expr) -> int:
    """The line that a node begins in, with its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def in_this_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, without what is inside of functions and classes."""
    yield node
    if not isinstance(node, DEFINITION | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from in_this_scope(child)
