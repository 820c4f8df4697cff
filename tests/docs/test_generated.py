"""What the pages that are made from code say is whole: nothing of the code is missing there."""

import ast
import json
import re

from docs.generate import DOCS, api
from shared.run.outcome import LOG_KINDS

ROOT = DOCS.parent


def test_every_kind_of_line_in_a_runs_log_is_explained() -> None:
    used = {
        node.args[0].value
        for path in (ROOT / "shared").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "LogLine"
        and isinstance(node.args[0], ast.Constant)
    }
    assert used == set(LOG_KINDS)


def test_every_route_method_and_object_of_the_api_is_on_its_page() -> None:
    page = api.page()
    document = json.loads(api.DOCUMENT.read_text(encoding="utf-8"))
    described = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    headings = re.findall(r"^### `([A-Z, ]+) /api(\S+)`$", page, re.MULTILINE)
    assert {(m, path) for methods, path in headings for m in methods.split(", ")} == described
    for name in document["components"]["schemas"]:
        assert f"\n### {name}\n" in page
    assert "None" not in page
