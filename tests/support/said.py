"""What the source says to people, as it stands there."""

import ast
from collections.abc import Iterator

from tests.support.house import ROOT


def messages() -> Iterator[tuple[str, str]]:
    """Every text in shared/ that is no docstring, with the file that it stands in; what is filled
    in is {}."""
    for path in sorted((ROOT / "shared").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for text in texts(tree):
            yield path.relative_to(ROOT).as_posix(), text


def texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.JoinedStr):
        parts = (v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
        yield "".join(str(part) for part in parts)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts(child)
