"""Bicep files read as data, as far as a grammar without a compiler allows.

Values become dicts, lists, strings, numbers and booleans; whatever is computed becomes an
Expression with its text. Nothing is evaluated, and Azure's own types are not known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

INFRA = Path(__file__).resolve().parents[2] / "infra"
# What Bicep offers without a declaration.
BUILT_IN = {"array", "az", "bool", "int", "object", "string", "sys"}


class Expression(str):
    """Text of something that is computed, e.g. `roles.openai.id`."""


@dataclass
class Resource:
    symbol: str
    type: str
    version: str
    existing: bool
    body: dict[str, Any]


@dataclass
class Module:
    symbol: str
    file: str
    body: dict[str, Any]


@dataclass
class File:
    """One file. `params` maps names to their defaults (None: required)."""

    path: Path
    text: str
    params: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    allowed: dict[str, list[Any]] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)

    def resource(self, symbol: str) -> Resource:
        (found,) = (r for r in self.resources if r.symbol == symbol)
        return found


@cache
def read(path: Path) -> File:
    text = path.read_text(encoding="utf-8")
    root = Parser(Language(tree_sitter_bicep.language())).parse(text.encode()).root_node
    file = File(path, text)
    decorators: list[Node] = []
    for node in root.children:
        if node.type == "decorators":
            decorators = node.children
            continue
        if node.type.endswith("_declaration"):
            _declare(file, node, decorators)
            decorators = []
    file.broken = [
        f"{path.name}:{node.start_point.row + 1}"
        for node in _walk(root)
        if node.type == "ERROR" or node.is_missing
    ]
    file.undeclared = sorted(set(_used(root)) - _declared(root) - BUILT_IN)
    return file


def all_files() -> list[File]:
    return [read(path) for path in sorted(INFRA.glob("*.bicep"))]


def _declare(file: File, node: Node, decorators: list[Node]) -> None:
    named = [child for child in node.children if child.is_named]
    match node.type:
        case "parameter_declaration":
            name, *rest = named
            default = [child for child in rest if child.type != "type"]
            file.params[_text(name)] = _value(default[0]) if default else None
            for call in (child for d in decorators for child in d.children):
                if call.type == "call_expression" and _text(call.children[0]) == "allowed":
                    file.allowed[_text(name)] = _value(call.children[1].named_children[0])
        case "variable_declaration":
            file.variables[_text(named[0])] = _value(named[-1])
        case "output_declaration":
            file.outputs[_text(named[0])] = _value(named[-1])
        case "resource_declaration":
            kind, _, version = str(_value(named[1])).partition("@")
            existing = any(child.type == "existing" for child in node.children)
            body = _body(named[-1])
            file.resources.append(Resource(_text(named[0]), kind, version, existing, body))
        case "module_declaration":
            file.modules.append(Module(_text(named[0]), _value(named[1]), _body(named[-1])))


def _body(node: Node) -> dict[str, Any]:
    """The object of a resource or module, also inside of `if` and `for`."""
    while node.type != "object":
        node = node.named_children[-1]
    return dict(_value(node))


def _value(node: Node) -> Any:
    match node.type:
        case "string":
            if all(child.type in ("'", "string_content") for child in node.children):
                return "".join(_text(c) for c in node.children if c.type == "string_content")
        case "number":
            return int(_text(node))
        case "boolean":
            return _text(node) == "true"
        case "array":
            return [_value(child) for child in node.named_children if child.type != "comment"]
        case "object":
            properties = (c for c in node.named_children if c.type == "object_property")
            return {
                _key(p.named_children[0]): _value(p.named_children[-1])
                for p in properties
                if len(p.named_children) > 1
            }
    return Expression(_text(node))


def _key(node: Node) -> str:
    value = _value(node)
    return str(value)


def _declared(root: Node) -> set[str]:
    names: set[str] = set()
    for node in _walk(root):
        named = node.named_children
        if node.type.endswith("_declaration"):
            names.add(_text(named[0]))
        elif node.type == "for_statement":
            names |= {_text(n) for n in _initializer(node)}
        elif node.type == "lambda_expression":
            names.add(_text(named[0]))
    return names


def _initializer(loop: Node) -> Iterator[Node]:
    """The names of `for x in` and of `for (x, index) in`."""
    for child in loop.children:
        if child.type == "in":
            return
        names = ("identifier", "loop_variable", "loop_enumerator")
        yield from (n for n in _walk(child) if n.type in names)


def _used(root: Node) -> Iterator[str]:
    for node in _walk(root):
        parent = node.parent
        if node.type != "identifier" or parent is None:
            continue
        is_key = parent.type == "object_property" and parent.named_children[0] == node
        is_function = parent.type == "call_expression" and parent.children[0] == node
        if not is_key and not is_function:
            yield _text(node)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
