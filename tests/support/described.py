"""What the app's own description says of an answer."""

import json
from pathlib import Path
from typing import Any

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "console/openapi.json").read_text(encoding="utf-8")
)


def schema_of(path: str, method: str, status: int) -> dict[str, Any]:
    """Of the JSON in an answer, with all that it refers to."""
    answer = DOCUMENT["paths"][path][method]["responses"][str(status)]
    schema = answer["content"]["application/json"]["schema"]
    return {**schema, "components": DOCUMENT["components"]}
