"""Pictures in a message: which are taken, and what the small model is told of one. Pure.

It has no eyes. A picture is to it a few words made of its digest, so that two pictures are two and
the same one is the same in training and in chat; nothing is fetched or decoded.
"""

import base64
import binascii
import hashlib
import re
from typing import Any

MOST_IN_AN_EXAMPLE = 64  # S-DOC, as all of these limits
LARGEST = 10_000_000
DETAILS = ("auto", "low", "high")
_EMBEDDED = re.compile(r"data:([^,]{0,100}),", re.IGNORECASE)
_KINDS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/webp": (b"RIFF",),
}


def picture_text(given: object) -> str:
    """What the model is told; ValueError says why it is no picture. `given`: the `image_url` of a
    part, an object with `url` and perhaps `detail`."""
    url = given.get("url") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(url, str) or not url:
        raise ValueError("has an image without a url")
    if given.get("detail", "auto") not in DETAILS:
        raise ValueError(f"has an image whose detail is none of {', '.join(DETAILS)}")
    if url.lower().startswith(("https://", "http://")):
        return _told(url.encode())
    return _told(_embedded(url))


def _told(content: bytes) -> str:
    return f"<image {hashlib.sha256(content).hexdigest()[:8]}>"


def _embedded(url: str) -> bytes:
    head = _EMBEDDED.match(url)
    kind, _, coding = head[1].lower().partition(";") if head else ("", "", "")
    if not head or coding != "base64":
        raise ValueError("has an image that is neither at an http address nor embedded in base64")
    known: Any = _KINDS.get(kind)
    if known is None:
        raise ValueError(f"has an image of the type {kind[:40]!r}, not one of {', '.join(_KINDS)}")
    try:
        content = base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("has an image whose base64 cannot be decoded") from None
    if not content.startswith(known):
        raise ValueError(f"has an image that is no {kind}")
    if len(content) > LARGEST:
        raise ValueError(f"has an image of {len(content)} bytes; {LARGEST} are allowed")
    return content
