"""OpenAI's published description as a judge: does a body have the shape that it says?

Taken at its word, and closed: a key that it does not know is a misfit too. What Azure does
otherwise is patched in beforehand (deviations.py). Knows nothing of HTTP; judge.py does.
"""

import copy
import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import jsonschema_rs

from .cut import CUT, PREFIX
from .deviations import DEVIATIONS, Deviation

DOCUMENT: dict[str, Any] = json.loads(CUT.read_text(encoding="utf-8"))
TELLTALES = ("type", "object", "role")  # keys by which one branch of several is meant
# A schema that stands in an `allOf` must leave room for the keys of those beside it.
PARTIAL = ".part"
UNIONS = ("allOf", "anyOf", "oneOf")


class Published:
    def __init__(self, deviations: Iterable[Deviation] = DEVIATIONS) -> None:
        schemas = copy.deepcopy(DOCUMENT["components"]["schemas"])
        for deviation in deviations:
            _patch(schemas, deviation)
        whole = {name: _closed(schema) for name, schema in schemas.items()}
        parts = {f"{name}{PARTIAL}": _closed(s, partial=True) for name, s in schemas.items()}
        self._components = {"schemas": {**whole, **parts}}
        self._validator = cache(self._compiled)

    def misfits(self, schema: str, body: Any) -> list[str]:
        """Each as its place and what is wrong there; none where the body is as described."""
        validator = self._validator(schema)
        if validator.is_valid(body):
            return []
        return [said for error in validator.iter_errors(body) for said in _told(error)]

    def _compiled(self, schema: str) -> jsonschema_rs.Draft202012Validator:
        reference = {"$ref": f"{PREFIX}{schema}", "components": self._components}
        return jsonschema_rs.Draft202012Validator(reference)


def _closed(node: Any, *, partial: bool = False) -> Any:
    """The schema without room for keys that it does not name. Of several schemas of which one fits,
    more may: the document offers some twice."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    if partial and isinstance(reference := node.get("$ref"), str):
        return {**node, "$ref": reference + PARTIAL}
    closed = {key: _closed(value) for key, value in node.items() if key not in UNIONS}
    if "properties" in node:
        closed["properties"] = {key: _closed(one) for key, one in node["properties"].items()}
    if "allOf" in node:
        closed["allOf"] = [_closed(one, partial=True) for one in node["allOf"]]
    if either := [*node.get("anyOf", []), *node.get("oneOf", [])]:
        closed["anyOf"] = [_closed(one, partial=partial) for one in either]
    if not partial and isinstance(node.get("properties") or node.get("allOf"), dict | list):
        closed.setdefault("unevaluatedProperties", False)
    return closed


def _patch(schemas: dict[str, Any], deviation: Deviation) -> None:
    at = _place(schemas, deviation.place)
    if deviation.kind == "absent":
        at["required"].remove(deviation.key)
    elif deviation.kind == "added":
        assert deviation.key not in at["properties"], deviation
        at["properties"][deviation.key] = deviation.schema
    else:
        at["properties"][deviation.key] = {
            "anyOf": [at["properties"][deviation.key], deviation.schema]
        }


def _place(schemas: dict[str, Any], place: str) -> dict[str, Any]:
    name, *keys = place.split(".")
    at: dict[str, Any] = schemas[name]
    for key in keys:
        at = at["properties"][key.removesuffix("[]")]
        at = at["items"] if key.endswith("[]") else at
        at = next((one for one in at.get("anyOf", []) if "properties" in one), at)
    return next((one for one in at.get("allOf", []) if "properties" in one), at)


def _told(error: jsonschema_rs.ValidationError) -> Iterator[str]:
    """Of several schemas of which none fits, what is wrong by the one that was meant."""
    if branches := getattr(error.kind, "context", None):
        deep = len(error.instance_path)
        meant = min(branches, key=lambda branch: (_is_another(branch, deep), len(branch)))
        for inner in meant:
            yield from _told(inner)
        return
    place = "/".join(str(part) if isinstance(part, str) else "*" for part in error.instance_path)
    yield f"{place or 'the body'}: {error.kind.name}: {error.message[-200:]}"


def _is_another(branch: list[jsonschema_rs.ValidationError], deep: int) -> bool:
    """Whether the body says itself that it is not of this kind."""
    return any(
        (error.kind.name == "type" and len(error.instance_path) == deep)
        or (len(error.instance_path) == deep + 1 and error.instance_path[-1] in TELLTALES)
        for error in branch
    )
