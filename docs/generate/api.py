"""docs/api.md: every route with its parameters, bodies and answers, from the app's own description
(console/openapi.json), which tests hold against the app.
"""

import json
from collections.abc import Iterator
from typing import Any

from docs.generate import DOCS, PageError

DOCUMENT = DOCS.parent / "console/openapi.json"
SECTIONS = {  # of which paths, by their first part
    "Chat": ("v1", "openai", "feedback", "{path}"),
    "Runs": ("runs", "plan"),
    "Drops that are tried first": ("staged",),
    "Models": ("models", "cost", "trace"),
    "Keys": ("keys",),
    "The app itself": ("health", "doctor", "console", "openapi.json", "manage"),
}
WHO = {
    "bearer": "a key of the app",
    "functionKey": "a key of the Functions host",
    "": "everybody",
}
_PAGE = """# The API

All routes of the app, below its address (`https://APP.azurewebsites.net/api`, on a laptop
`http://127.0.0.1:7071/api`). The app serves this description itself, for tools:
`GET /api/openapi.json` (OpenAPI 3.1, [console/openapi.json](../console/openapi.json)).

A key of the app is sent as `Authorization: Bearer KEY` or as `api-key: KEY`; one of the Functions
host as `x-functions-key: KEY`. [chat.md](chat.md) says what callers may rely on, [runs.md](runs.md)
what the answers about runs mean, and [how-to/clients.md](how-to/clients.md) has examples.

{sections}

## Answers that many routes give

| name | what it is |
|---|---|
{common}

## Objects

{objects}

This page is made by `python3 dev.py docs`.
"""

Node = dict[str, Any]


def page() -> str:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return _PAGE.format(
        sections="\n\n".join(
            f"## {title}\n\n" + "\n\n".join(_routes(document, firsts))
            for title, firsts in SECTIONS.items()
        ),
        common="\n".join(
            f"| {name} | {_told(about)} |"
            for name, about in document["components"]["responses"].items()
        ),
        objects="\n\n".join(_objects(document)),
    )


def _routes(document: Node, firsts: tuple[str, ...]) -> Iterator[str]:
    known = {first for each in SECTIONS.values() for first in each}
    for path, methods in document["paths"].items():
        first = path.split("/")[1]
        if first not in known:
            raise PageError(f"docs/generate/api.py has no section for {path}.")
        if first in firsts:
            yield from ("\n".join(_route(path, *each)) for each in _grouped(methods))


def _grouped(methods: Node) -> Iterator[tuple[str, Node]]:
    """Methods that are described in the same words are one entry."""
    names: dict[str, list[str]] = {}
    told: dict[str, Node] = {}
    for method, about in methods.items():
        names.setdefault(about["summary"], []).append(method.upper())
        told.setdefault(about["summary"], about)
    yield from ((", ".join(names[summary]), about) for summary, about in told.items())


def _route(path: str, methods: str, about: Node) -> Iterator[str]:
    yield f"### `{methods} /api{path}`\n"
    who = WHO[next(iter(about["security"][0]))] if about.get("security") else WHO[""]
    yield (
        f"{_sentence(about['summary'])} {about.get('description', '')}".rstrip() + f" For {who}.\n"
    )
    if parameters := about.get("parameters"):
        yield "| parameter | in | what it is |\n|---|---|---|"
        yield from (_parameter(each) for each in parameters)
        yield ""
    if "requestBody" in about:
        yield from _body(about["requestBody"])
    yield "| answer | what it is |\n|---|---|"
    yield from (f"| {status} | {_told(each)} |" for status, each in _own(about).items())
    common = [
        f"{status} {each['$ref'].rpartition('/')[2]}"
        for status, each in about["responses"].items()
        if "$ref" in each
    ]
    if common:
        yield f"\nOr [one of many routes](#answers-that-many-routes-give): {', '.join(common)}."


def _own(about: Node) -> Node:
    return {status: each for status, each in about["responses"].items() if "$ref" not in each}


def _parameter(about: Node) -> str:
    schema = about.get("schema", {})
    default = f" Default: `{schema['default']}`." if "default" in schema else ""
    told = f"{about.get('description', '')}{_choices(schema)}{default}"
    return f"| `{about['name']}` | {about['in']} | {_cell(told)} |"


def _body(about: Node) -> Iterator[str]:
    for kind, each in about["content"].items():
        schema = each.get("schema", {})
        needed = "required" if about.get("required") else "optional"
        yield (
            f"Body ({needed}): `{kind}`{_of(schema)}. {about.get('description', '')}".rstrip()
            + "\n"
        )
        yield from _properties(schema)


def _told(about: Node) -> str:
    """Of an answer: what it is, its headers, its types."""
    kinds = [
        f"`{kind}`{_of(each.get('schema', {}))}" for kind, each in about.get("content", {}).items()
    ]
    headers = [f"`{name}`" for name in about.get("headers", {})]
    told = about["description"] + (f" Headers: {', '.join(headers)}." if headers else "")
    return _cell(" ".join([told, *([", ".join(kinds)] if kinds else [])]))


def _objects(document: Node) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        lines = [f"### {name}\n"]
        if told := schema.get("description"):
            lines.append(f"{told}\n")
        yield "\n".join([*lines, *_properties(schema)]).rstrip()


def _properties(schema: Node) -> Iterator[str]:
    rows = list(_rows(schema))
    if rows:
        yield "| key | type | what it is |\n|---|---|---|"
        yield from rows
        yield ""


def _rows(schema: Node) -> Iterator[str]:
    for part in schema.get("allOf", []):
        yield from _rows(part)
    for name, about in schema.get("properties", {}).items():
        mark = " (always)" if name in schema.get("required", []) else ""
        told = f"{about.get('description', '')}{_choices(about)}"
        yield f"| `{name}`{mark} | {_type(about)} | {_cell(told)} |"


def _type(schema: Node) -> str:
    if "$ref" in schema:
        return _link(schema["$ref"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[key]))
    named = schema.get("type", "any")
    if named == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    return " or ".join([named] if isinstance(named, str) else named)


def _of(schema: Node) -> str:
    return f": {_type(schema)}" if {"$ref", "anyOf", "oneOf"} & set(schema) else ""


def _link(reference: str) -> str:
    """To the heading of the object; one of its parts is told by that object."""
    parts = reference.removeprefix("#/components/schemas/").split("/")
    inner = "".join(f".{part}" for part in parts[1:] if part != "properties")
    return f"[{parts[0]}{inner}](#{parts[0].lower()})"


def _choices(schema: Node) -> str:
    choices = schema.get("enum", [])
    return f" One of {', '.join(f'`{each}`' for each in choices)}." if choices else ""


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
