"""`tunedrop export`: a model's rated answers as a training file, fetched from the app's API.

Knows the route and nothing of how conversations are remembered.
"""

import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path


class ExportError(Exception):
    """One sentence on what went wrong and what to do about it."""


def export(app: str, key: str, model: str, out: Path, provenance: Path | None) -> int:
    """Write the examples, and where they come from; the number of examples."""
    address = f"{app.rstrip('/')}/api/models/{urllib.parse.quote(model, safe='')}/examples"
    examples = _fetch(address, key)
    if not examples:
        raise ExportError(
            f"{model} has no rated answers yet: switch remembering on (TUNEDROP_REMEMBER) and "
            "rate some with POST /api/feedback."
        )
    if provenance:
        provenance.write_bytes(_fetch(f"{address}?provenance=1", key))
    out.write_bytes(examples)
    return examples.count(b"\n")


def _fetch(address: str, key: str) -> bytes:
    if not address.startswith(("https://", "http://")):
        raise ExportError(f"{address} is no web address: give --app https://NAME….")
    request = urllib.request.Request(address, headers={"x-functions-key": key})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:  # nosec B310
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        cure = "give a Functions key with --key" if error.code == 401 else "see the app's log"
        raise ExportError(f"The app answered {error.code}: {cure}.") from None
    except OSError as error:
        raise ExportError(f"The app could not be reached at {address}: {error}.") from None
