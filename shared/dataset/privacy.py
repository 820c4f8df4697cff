"""Personal data and secrets in a text: where they are, and the text without them.

Cheap first: `suspicious` looks at raw bytes and rules most of a file out; only what it leaves is
searched by patterns, and what a pattern finds must pass its own arithmetic (Luhn for cards, mod 97
for IBANs). Names and addresses need a language model and are not looked for.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_SECRETS = {
    "private key": r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
    "storage key": r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "GitHub token": r"\b(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})",
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "Google key": r"\bAIza[A-Za-z0-9_-]{35}",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{15,}",
    "Hugging Face token": r"\bhf_[A-Za-z]{30,}",
    "API key": r"\b(?:sk|rk|pk)[-_](?:live_|test_|proj-|ant-)?[A-Za-z0-9_-]{20,}",
}
_NUMBERS = {
    "IBAN": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    "card number": r"(?<![\d.,])[3-6]\d(?:[ -]?\d){11,17}(?![\d.,]\d)",
    "social security number": r"(?<![\d-])(?!000|666|9)\d{3}-\d{2}-\d{4}(?![\d-])",
    "phone number": (
        r"(?<![\w.])(?:\+\d{1,3}(?:[ .()/-]{0,2}\d){7,12}"
        r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w]|[.-]\d)"
    ),
}
_SECRET_NAMES = list(_SECRETS)
_SECRET = re.compile("|".join(f"({pattern})" for pattern in _SECRETS.values()))
_NUMBER_NAMES = list(_NUMBERS)
_NUMBER = re.compile("|".join(f"({pattern})" for pattern in _NUMBERS.values()))
_MAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_DIGITS = re.compile(r"(?:[0-9][ ().+/-]{0,3}){7}[0-9]")

_SOLID = bytes(
    ord("w") if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "_-+/=") else 32
    for byte in range(256)
)
_NUMERIC = bytes(ord("0") if chr(byte) in "0123456789" else 32 for byte in range(256))
_BETWEEN_DIGITS = b" ().-/"
_LONG_WORD = b"w" * 20  # every key and token has a run of at least twenty such characters
_LONG_NUMBER = b"0" * 8
_RESERVED = (".example", ".invalid", ".test", ".localhost")  # RFC 2606: nobody's addresses
_RESERVED_DOMAINS = ("example.com", "example.org", "example.net")


class Private(NamedTuple):
    start: int
    end: int
    what: str  # "e-mail address"
    secret: bool


def suspicious(data: bytes) -> bool:
    """May there be anything in these bytes? False is certain."""
    return (
        b"@" in data
        or _LONG_NUMBER in data.translate(_NUMERIC, _BETWEEN_DIGITS)
        or _LONG_WORD in data.translate(_SOLID)
        or b"PRIVATE KEY" in data
    )


def find(text: str) -> list[Private]:
    """In the order of the text, without overlaps; a secret goes before personal data."""
    found: list[Private] = []
    if _may_hold_a_secret(text):
        found += _matches(_SECRET, _SECRET_NAMES, text, secret=True)
    if "@" in text:
        found += _matches(_MAIL, ["e-mail address"], text)
    if _DIGITS.search(text):
        found += _matches(_NUMBER, _NUMBER_NAMES, text)
    if len(found) < 2:
        return found
    apart: list[Private] = []
    for private in sorted(found, key=lambda one: (not one.secret, one.start)):
        if all(private.end <= other.start or other.end <= private.start for other in apart):
            apart.append(private)
    return sorted(apart)


def _may_hold_a_secret(text: str) -> bool:
    """How all the patterns of secrets begin. Written out, for a loop takes ten times as long."""
    return (
        "k-" in text
        or "k_" in text
        or ("_" in text and "gh" in text)
        or "eyJ" in text
        or "xox" in text
        or "hf_" in text
        or "AIza" in text
        or "AKIA" in text
        or "ASIA" in text
        or "KEY-----" in text
        or "AccountKey=" in text
    )


def _matches(
    pattern: re.Pattern[str], names: list[str], text: str, *, secret: bool = False
) -> Iterator[Private]:
    for match in pattern.finditer(text):
        name = names[(match.lastindex or 1) - 1]
        if _PROOFS.get(name, _sure)(match.group()):
            yield Private(match.start(), match.end(), name, secret)


def mask(text: str) -> str:
    """The text with every find replaced by its kind, e.g. [e-mail address]."""
    parts, end = [], 0
    for private in find(text):
        parts += [text[end : private.start], f"[{private.what}]"]
        end = private.end
    return "".join([*parts, text[end:]])


def _sure(value: str) -> bool:
    return True


def _real_address(value: str) -> bool:
    domain = value.partition("@")[2].lower().rstrip(".-")
    top = domain.rpartition(".")[2]
    reserved = domain.endswith((*_RESERVED, *_RESERVED_DOMAINS))
    return top.isalpha() and len(top) >= 2 and not reserved


def _luhn(value: str) -> bool:
    digits = [int(d) for d in value if d.isdigit()]
    doubled = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _mod97(value: str) -> bool:
    plain = value.replace(" ", "")
    moved = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _real_phone(value: str) -> bool:
    """555-0100 to 555-0199 are kept free for films and examples."""
    digits = "".join(c for c in value if c.isdigit())
    return "55501" not in digits and len(set(digits)) > 2


_PROOFS: dict[str, Callable[[str], bool]] = {
    "e-mail address": _real_address,
    "card number": _luhn,
    "IBAN": _mod97,
    "phone number": _real_phone,
}
