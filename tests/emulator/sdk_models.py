"""The models of Microsoft's SDK for Cognitive Services as judges of the control plane's answers.

Each key has to be one that the model knows, of the type that it says, and of a value that its
documentation lists where it lists them. Takes the models as they are; knows nothing of HTTP.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from azure.mgmt.cognitiveservices import models

# The whole path after the account or the location, and the model of the answer.
ANSWERS = (
    (r"/deployments/[^/]+/skus", "DeploymentSkuListResult"),
    (r"/deployments/[^/]+", "Deployment"),
    (r"/deployments", "DeploymentListResult"),
    (r"/accounts/[^/]+/listKeys", "ApiKeys"),
    (r"/accounts/[^/]+/models", "AccountModelListResult"),
    (r"/locations/[^/]+/models", "ModelListResult"),
    (r"/modelCapacities", "ModelCapacityListResult"),
    (r"/usages", "UsageListResult"),
    (r"/accounts/[^/]+", "Account"),
)
PLAIN: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool}


def model_of(path: str) -> str | None:
    """None for what the SDK reads without a model: how a long operation goes."""
    fits = (name for end, name in ANSWERS if re.search(f"{end}$", path, re.IGNORECASE))
    return next(fits, None)


def misfits(name: str, body: Any, place: str = "") -> Iterator[str]:
    """Each as its place and what is wrong there."""
    if not isinstance(body, dict):
        yield f"{place or 'the body'}: not an object, as {name} is"
        return
    known = {at["key"]: (key, at["type"]) for key, at in _model(name)._attribute_map.items()}
    for key in _required(name) - body.keys():
        yield f"{place}/{key}: {name} requires it"
    for key, value in body.items():
        if key not in known:
            yield f"{place}/{key}: {name} has no such key"
        elif value is not None:
            attribute, kind = known[key]
            yield from _of_kind(kind, value, f"{place}/{key}")
            if (listed := _listed(name).get(attribute)) and value not in listed:
                yield f"{place}/{key}: {value!r} is none of {', '.join(sorted(listed))}"


def _of_kind(kind: str, value: Any, place: str) -> Iterator[str]:
    if kind.startswith("["):
        if not isinstance(value, list):
            yield f"{place}: not a list"
            return
        for one in value:
            yield from _of_kind(kind[1:-1], one, f"{place}/*")
    elif kind.startswith("{"):
        if not isinstance(value, dict):
            yield f"{place}: not an object"
            return
        for one in value.values():
            yield from _of_kind(kind[1:-1], one, f"{place}/*")
    elif kind == "iso-8601":
        if not _is_time(value):
            yield f"{place}: {value!r} is no time"
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or (kind != "bool" and isinstance(value, bool)):
            yield f"{place}: {value!r} is not of type {kind}"
    elif kind != "object":
        yield from misfits(kind, value, place)


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def _model(name: str) -> Any:
    return getattr(models, name)


@cache
def _required(name: str) -> set[str]:
    """Keys without which no answer is one."""
    model = _model(name)
    marked = {key for key, rule in model._validation.items() if rule.get("required")}
    return {model._attribute_map[key]["key"] for key in marked}


@cache
def _listed(name: str) -> dict[str, set[str]]:
    """By attribute, the values that the documentation of the model lists."""
    found = {}
    for part in re.split(r":ivar ", _model(name).__doc__ or "")[1:]:
        text = " ".join(part.partition(":vartype")[0].split())
        if values := re.search(r"Known values are: (.*)", text):
            found[text.partition(":")[0]] = set(re.findall(r'"([^"]*)"', values[1]))
    return found
