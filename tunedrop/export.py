"""`tunedrop export`: a model's rated answers as a training file, fetched from the app's API.

Knows the route and nothing of how conversations are remembered.
"""

import urllib.parse
from pathlib import Path

from tunedrop.app import App
from tunedrop.errors import CommandError


def export(app: App, model: str, out: Path, provenance: Path | None) -> int:
    """Write the examples, and where they come from; the number of examples. Raises CommandError."""
    path = f"api/models/{urllib.parse.quote(model, safe='')}/examples"
    examples = _fetch(app, path)
    if not examples:
        raise CommandError(
            f"{model} has no rated answers yet: switch remembering on (TUNEDROP_REMEMBER) and "
            "rate some with POST /api/feedback."
        )
    if provenance:
        provenance.write_bytes(_fetch(app, f"{path}?provenance=1"))
    out.write_bytes(examples)
    return examples.count(b"\n")


def _fetch(app: App, path: str) -> bytes:
    status, body = app.request(path, timeout=120)
    if status != 200:
        raise app.unexpected_status(status)
    return body
