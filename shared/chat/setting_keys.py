"""The keys of the app setting: read out of it, or refused as a whole.

A setting that would let in more than was meant lets nobody in.
"""

import hashlib
from collections import Counter

from pydantic import TypeAdapter, ValidationError

from shared.chat.callers import NARROWED, KeyHolder, SettingKey, may_be_narrowed
from shared.errors import SettingError
from shared.printable import shown

SETTING = "TUNEDROP_APP_KEYS"
# `printf %s "$KEY" | sha256sum` makes one of them where KEY is not set.
EMPTY_DIGESTS = {
    hashlib.sha256(text).hexdigest() for text in (b"", b" ", b"\t", b"\n", b"\r\n", b"\0")
}


def parse_keys(app_keys: str) -> list[KeyHolder]:
    """NAME:SHA256 separated by commas, or a JSON list of callers. Raises SettingError."""
    try:
        if app_keys.lstrip().startswith("["):
            holders: list[KeyHolder] = [
                *TypeAdapter(list[SettingKey]).validate_json(
                    app_keys.encode("utf-8", "surrogatepass")
                )
            ]
        else:
            entries = [part.strip().partition(":") for part in app_keys.split(",") if part.strip()]
            holders = [SettingKey(name=name, sha256=digest) for name, _, digest in entries]
    except ValidationError as error:
        # The value itself may be a key that somebody has pasted: it is not repeated.
        places = {".".join(map(str, problem["loc"])) for problem in error.errors()}
        raise SettingError(
            f"{SETTING} cannot be read: {shown(', '.join(sorted(places)), 200)}.",
            "Give NAME:SHA256 with the SHA-256 of each key in hexadecimal, not the key itself. A "
            "limit that is not wanted is left out; it cannot be null.",
        ) from None
    _refuse_empty_keys(holders)
    _refuse_doubles(holders)
    _refuse_narrowed(holders)
    return holders


def _refuse_empty_keys(holders: list[KeyHolder]) -> None:
    for holder in holders:
        if holder.sha256.lower() in EMPTY_DIGESTS:
            raise SettingError(
                f"{SETTING}: the digest of {holder.name!r} is that of an empty text, which "
                '`printf %s "$KEY" | sha256sum` makes where KEY is not set.',
                "Set KEY to the key and make its digest again.",
            )


def _refuse_narrowed(holders: list[KeyHolder]) -> None:
    for holder in holders:
        if holder.models is not None and not may_be_narrowed(holder.role):
            raise SettingError(
                f"{SETTING}: {holder.name!r} has the role {holder.role} and models; {NARROWED}.",
                "Leave models out there; a key of the role chat may have some.",
            )


def _refuse_doubles(holders: list[KeyHolder]) -> None:
    """Two of one name would share a limit; of two with one key the first would decide for both."""
    for word, values in (
        ("name", [holder.name for holder in holders]),
        ("digest", [holder.sha256.lower() for holder in holders]),
    ):
        value, count = Counter(values).most_common(1)[0] if values else ("", 0)
        if count > 1:
            names = sorted({h.name for h in holders if value in (h.name, h.sha256.lower())})
            raise SettingError(
                f"{SETTING} has {count} entries of one {word}: {', '.join(map(repr, names))}.",
                "Give each caller a name and a key of its own.",
            )
