"""The app's own description of itself: complete, and true of the answers that it gives."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.stack import StackHarness

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "console/openapi.json").read_text(encoding="utf-8"))


def described() -> set[tuple[str, str]]:
    return {
        (method.upper(), path.lstrip("/"))
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
    }


def test_every_route_is_described_and_nothing_else() -> None:
    import function_app

    bindings = [
        json.loads(binding)
        for function in function_app.app.get_functions()
        for binding in function.get_raw_bindings()
    ]
    routes = {(m, b["route"]) for b in bindings if b["type"] == "httpTrigger" for m in b["methods"]}
    # OpenAPI has no sign for a parameter that takes the rest of a path.
    assert described() == {(method, route.replace("{*", "{")) for method, route in routes}


def get(stack: StackHarness, path: str, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{stack.addresses.app_url}/api/{path}",
        headers={"x-functions-key": stack.addresses.function_key, **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("runs", "/runs"),
        ("runs/nobody", "/runs/{id}"),
        ("runs/nobody/report.json", "/runs/{id}/{name}"),
        ("models", "/models"),
        ("cost", "/cost"),
        ("cost?month=later", "/cost"),
        ("cost?model=nobody", "/cost"),
        ("models/nobody", "/models/{name}"),
        ("v1/models", "/v1/models"),
        ("v1/models/nobody", "/v1/models/{model}"),
        ("trace/req-nobodys", "/trace/{id}"),
        ("trace/a/slash=and%3Amore", "/trace/{id}"),
        ("trace/a%20blank", "/trace/{id}"),
        ("v1/assistants", "/{path}"),
        ("models/nobody/data", "/models/{name}/data"),
        ("staged/no-id", "/staged/{id}"),
        ("health", "/health"),
        ("openapi.json", "/openapi.json"),
        ("console/secret.txt", "/console/{name}"),
    ],
)
def test_answers_are_as_described(stack: StackHarness, path: str, template: str) -> None:
    status, body = get(stack, path)
    answer = DOCUMENT["paths"][template]["get"]["responses"][str(status)]
    answer = resolve(answer["$ref"]) if "$ref" in answer else answer
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    whole = {**schema, "components": DOCUMENT["components"]}
    Draft202012Validator(whole).validate(body)


def resolve(reference: str) -> dict[str, Any]:
    found = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found
