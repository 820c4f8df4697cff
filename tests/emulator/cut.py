"""Cuts out of OpenAI's published description what the emulator has, and keeps it beside the tests.

    git clone https://github.com/openai/openai-openapi
    python -m tests.emulator.cut openai-openapi

Kept is what decides a request or an answer; texts for readers and examples are left out. The cut
says itself of which commit and day it is. Knows nothing of the emulator but the paths that it has.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CUT = Path(__file__).with_name("openai_openapi.json")
ROOTS = ("/files", "/uploads", "/fine_tuning/jobs", "/models", "/completions", "/embeddings")
PATHS = ("/chat/completions", "/responses", "/responses/{response_id}")
UNDER = ("/responses/{response_id}/cancel", "/responses/{response_id}/input_items")
# Of a path that the emulator has: what it does not do (stored chats).
LEFT_OUT = {("/chat/completions", "get")}
FOR_READERS = {"description", "summary", "example", "examples", "title", "externalDocs", "tags"}
PREFIX = "#/components/schemas/"


def cut(document: dict[str, Any]) -> dict[str, Any]:
    paths = {
        path: {
            method: {**operation, "responses": {"200": operation["responses"]["200"]}}
            for method, operation in methods.items()
            if (path, method) not in LEFT_OUT  # answers that are errors: all are ErrorResponse
        }
        for path, methods in document["paths"].items()
        if _is_emulated(path)
    }
    paths = _plain(paths)
    schemas = document["components"]["schemas"]
    kept: dict[str, Any] = {}
    wanted = {*references(paths), "ErrorResponse"}
    while missing := sorted(wanted - kept.keys()):
        for name in missing:
            kept[name] = _plain(schemas[name])
            wanted |= set(references(kept[name]))
    return {"paths": paths, "components": {"schemas": dict(sorted(kept.items()))}}


def _is_emulated(path: str) -> bool:
    return path in (*PATHS, *UNDER) or any(path == r or path.startswith(f"{r}/") for r in ROOTS)


def references(node: Any) -> Iterator[str]:
    """Names of the schemas that it refers to."""
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.removeprefix(PREFIX)
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def _plain(node: Any, named: bool = False) -> Any:
    """Without what is for readers; `named`: the keys are names that the document gives."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _plain(value, named=not named and key == "properties")
        for key, value in node.items()
        if named or not (key in FOR_READERS or key.startswith("x-"))
    }
    if kept.get("exclusiveMinimum") is True:  # as OpenAPI 3.0 says it, in a document of 3.1
        kept["exclusiveMinimum"] = kept.pop("minimum")
    if not named and kept.pop("nullable", False) is True:  # likewise
        kept = {"anyOf": [kept, {"type": "null"}]}
    if "content" in kept and not named:
        kept["description"] = ""  # OpenAPI wants one of an answer
    return kept


def main(clone: Path) -> None:
    git = ["git", "-C", str(clone)]
    text = subprocess.check_output([*git, "show", "HEAD:openapi.json"], text=True)
    said = subprocess.check_output([*git, "log", "-1", "--format=%H %cs"], text=True).split()
    document = json.loads(text)
    source = f"https://github.com/openai/openai-openapi, commit {said[0]} of {said[1]}, MIT"
    head = {"openapi": document["openapi"], "info": {"title": source, "version": said[1]}}
    CUT.write_text(in_lines({**head, **cut(document)}), encoding="utf-8")


def in_lines(document: dict[str, Any]) -> str:
    """JSON with a path or a schema in each line, so that a newer cut shows what is another."""
    paths = ",\n".join(_line(*item) for item in document["paths"].items())
    schemas = ",\n".join(_line(*item) for item in document["components"]["schemas"].items())
    head = ",\n".join(_line(key, document[key]) for key in ("openapi", "info"))
    components = f'{{"schemas": {{\n{schemas}\n}}}}'
    return f'{{\n{head},\n"paths": {{\n{paths}\n}},\n"components": {components}\n}}\n'


def _line(key: str, value: Any) -> str:
    return f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
