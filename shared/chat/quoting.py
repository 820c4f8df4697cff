"""What a service says in an error, as far as a caller may read it: one line, short, without keys
and without private data.

Knows envelopes, not what a code means.
"""

import json
import re
from typing import Any

from shared.chat.events import MAX_PARSED_BYTES
from shared.dataset.privacy import mask
from shared.printable import shown

MAX_SENTENCE = 300  # characters of what the service says
# A gateway may repeat a key. What is kept: ids with dashes, names, and the id of a request.
_KEY = re.compile(
    r"(?<!(?i:request id ))(?<![A-Za-z0-9])[A-Za-z0-9]{32,}"
    r"|(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{32,}",
    re.ASCII,
)


def told_in(body: Any) -> tuple[str, str]:
    """Code and sentence, as a message quotes them; in Azure's envelope, or in that of API
    Management: `{"statusCode": 401, "message": …}`."""
    error = body.get("error", body) if isinstance(body, dict) else {}
    if not isinstance(error, dict):
        error = {"message": error}
    sentence, code = (
        _KEY.sub("[a key]", mask(str(error.get(part) or "")[: 4 * MAX_SENTENCE]))
        for part in ("message", "code")
    )
    return shown(code, 60), shown(sentence.strip(), MAX_SENTENCE)


def parsed(body: bytes | None) -> Any:
    if not body or len(body) > MAX_PARSED_BYTES:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None  # a gateway's page, or nothing
