"""Who may chat: named keys, of which the app knows only the hashes. Closed by default."""

import hashlib
import hmac
from collections.abc import Mapping

from shared.errors import AccessDenied, SettingError


def admit(headers: Mapping[str, str], app_keys: tuple[str, ...]) -> str:
    """The name of the key that the caller holds, sent as Bearer or `api-key`.

    Raises AccessDenied. Every key is compared, each in constant time, so that how long a refusal
    takes tells nothing.
    """
    offered = _offered(headers)
    digest = hashlib.sha256(offered.encode()).hexdigest()
    names = [name for name, known in map(_entry, app_keys) if hmac.compare_digest(known, digest)]
    if not names:
        raise AccessDenied(
            "The API key is missing or not known here.",
            "Send one of the app's keys as `Authorization: Bearer KEY` or as `api-key: KEY`.",
        )
    return names[0]


def _offered(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("api-key", "")


def _entry(app_key: str) -> tuple[str, str]:
    name, _, digest = app_key.partition(":")
    if len(digest) != hashlib.sha256().digest_size * 2:
        raise SettingError(
            f"The entry {name!r} of TUNEDROP_APP_KEYS is not NAME:SHA256.",
            "Give the SHA-256 of the key in hexadecimal, not the key itself.",
        )
    return name, digest.lower()
