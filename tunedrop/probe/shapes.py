"""Objects of the service held against the types of OpenAI's and Microsoft's SDKs.

A misfit is the place in the object and what is the matter there: `absent` (the type requires it),
`null`, `other value` (none of those that the type lists), `other type`, `added` (the type has no
such key). Values are never shown. Knows no operation.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

ABSENT, NULL, VALUE, TYPE, ADDED = "absent", "null", "other value", "other type", "added"
PLAIN: Mapping[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool}


def of_openai(name: str, body: Any) -> list[str]:
    """Misfits of an object of the data plane with a type of `openai`, each once."""
    from pydantic import ValidationError

    model = _openai()[name]
    found: set[str] = set()
    try:
        model.model_validate(body)
    except ValidationError as error:
        for one in error.errors():
            found.add(f"{_place(one['loc'])}: {_matter(one)}")
    if isinstance(body, dict):
        found.update(f"{place}: {ADDED}" for place in _added(model.construct(**body), ""))
    return sorted(found)


@cache
def _openai() -> Mapping[str, Any]:
    from openai.types import FileObject, Model, Upload
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
    from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

    types = (FileObject, Model, Upload, ChatCompletion, ChatCompletionChunk, FineTuningJob)
    return {one.__name__: one for one in (*types, FineTuningJobEvent, FineTuningJobCheckpoint)}


def _place(location: tuple[Any, ...]) -> str:
    """Without the branches of a union, and without the places in a list."""
    return ".".join("*" if isinstance(part, int) else str(part) for part in location)


def _matter(error: Any) -> str:
    if error["type"] == "missing":
        return ABSENT
    if error["type"] == "literal_error":
        return VALUE if error["input"] is not None else NULL
    return NULL if error["input"] is None else TYPE


def _added(value: Any, place: str) -> Iterator[str]:
    """Keys that no type knows, in the object and in those within it."""
    from pydantic import BaseModel

    if isinstance(value, list):
        for one in value:
            yield from _added(one, f"{place}*.")
    elif isinstance(value, BaseModel):
        for key in value.model_extra or {}:
            yield f"{place}{key}"
        for key in value.model_fields_set - set(value.model_extra or {}):
            yield from _added(getattr(value, key, None), f"{place}{key}.")


def of_microsoft(name: str, body: Any) -> list[str]:
    """Misfits of an object of the control plane with a model of `azure-mgmt-cognitiveservices`."""
    return sorted(set(_misfits(name, body, "")))


def _misfits(name: str, body: Any, place: str) -> Iterator[str]:
    from azure.mgmt.cognitiveservices import models

    if not isinstance(body, dict):
        yield f"{place or 'body'}: {TYPE}"
        return
    model: Any = getattr(models, name)
    types = {at["key"]: at["type"] for at in model._attribute_map.values()}
    required = [key for key, rule in model._validation.items() if rule.get("required")]
    for key in (model._attribute_map[one]["key"] for one in required):
        if key not in body:
            yield f"{place}{key}: {ABSENT}"
    for key, value in body.items():
        if key not in types:
            yield f"{place}{key}: {ADDED}"
        elif value is not None:
            yield from _of_type(types[key], value, f"{place}{key}")


def _of_type(kind: str, value: Any, place: str) -> Iterator[str]:
    if kind[0] in "[{":
        inside = value if kind[0] == "[" else value.values() if isinstance(value, dict) else None
        if not isinstance(value, list if kind[0] == "[" else dict) or inside is None:
            yield f"{place}: {TYPE}"
            return
        for one in inside:
            yield from _of_type(kind[1:-1], one, f"{place}.*")
    elif kind in PLAIN or kind == "iso-8601":
        wanted = PLAIN.get(kind, str)
        if not isinstance(value, wanted) or (kind != "bool" and isinstance(value, bool)):
            yield f"{place}: {TYPE}"
    elif kind != "object":
        yield from _misfits(kind, value, f"{place}.")
