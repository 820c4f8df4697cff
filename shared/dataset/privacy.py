"""Personal data and secrets in a text: where they are, and the text without them.

What a pattern finds must pass its own arithmetic (Luhn for cards, mod 97 for IBANs). Names and
addresses need a language model and are not looked for. Most texts of a file never come here:
`glance` tells, for many lines at once, which of them may hold something.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

SECRET, ADDRESS, NUMBER = 1, 2, 4  # to be added up


class Private(NamedTuple):
    start: int
    end: int
    what: str  # "e-mail address"
    secret: bool


class _Kind(NamedTuple):
    """A pattern begins with the first characters of its finds, and only then looks back whether a
    word begins there: so that the engine skips to them. `sign` is in every text that has a find.

    No pattern may read a stretch of text more than a few times, however the text was chosen: what
    is repeated without a limit stands at the end, or is consumed where the rest is missing. Such a
    pattern has one group, which is empty where nothing was found.
    """

    what: str
    pattern: re.Pattern[str]
    sign: str = ""
    proof: Callable[[str], bool] = bool


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


def _given_out(value: str) -> bool:
    """Social security numbers that exist: no 000, 666 or 9xx at the beginning."""
    return not value.startswith(("000", "666", "9"))


def _real_phone(value: str) -> bool:
    """555-0100 to 555-0199 are kept free for films and examples."""
    digits = "".join(c for c in value if c.isdigit())
    return "55501" not in digits and len(set(digits)) > 2


_RESERVED = (".example", ".invalid", ".test", ".localhost")  # RFC 2606: nobody's addresses
_RESERVED_DOMAINS = ("example.com", "example.org", "example.net")

_API_KEY = r"[srp](?<!\w.)k{}(?:live_|test_|proj-|ant-)?[A-Za-z0-9_-]{{20,}}"
_SECRETS = (
    _Kind("private key", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"), "KEY-----"),
    _Kind("storage key", re.compile(r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}"), "AccountKey="),
    _Kind(
        "JSON web token",
        re.compile(
            r"eyJ(?<!\w...)[A-Za-z0-9_-]{10,}+(\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,})?"
        ),
        "eyJ",
    ),
    _Kind("GitHub token", re.compile(r"gh(?<!\w..)[opsur]_[A-Za-z0-9]{36,}"), "gh"),
    _Kind("GitHub token", re.compile(r"github_pat_[A-Za-z0-9_]{40,}"), "github_pat_"),
    _Kind("AWS key", re.compile(r"AKIA(?<!\w....)[0-9A-Z]{16}\b"), "AKIA"),
    _Kind("AWS key", re.compile(r"ASIA(?<!\w....)[0-9A-Z]{16}\b"), "ASIA"),
    _Kind("Google key", re.compile(r"AIza(?<!\w....)[A-Za-z0-9_-]{35}"), "AIza"),
    _Kind("Slack token", re.compile(r"xox(?<!\w...)[abeoprs]-[A-Za-z0-9-]{15,}"), "xox"),
    _Kind("Hugging Face token", re.compile(r"hf_(?<!\w...)[A-Za-z]{30,}"), "hf_"),
    _Kind("API key", re.compile(_API_KEY.format("-")), "k-"),
    _Kind("API key", re.compile(_API_KEY.format("_")), "k_"),
)
_ADDRESS = _Kind(  # without what stands before the @
    "e-mail address",
    re.compile(r"@(?<=[\w.%+-]@)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
    "@",
    _real_address,
)
_BEFORE_AT = re.compile(r"[\w.%+-]{1,64}")  # of the text backwards
_NUMBERS = (  # of two that overlap the one that begins first is meant, or is named first
    _Kind(
        "IBAN",
        re.compile(r"[A-Z](?<!\w.)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        proof=_mod97,
    ),
    _Kind(
        "card number",
        re.compile(r"[3-6](?<![\d.,].)\d(?:[ -]?\d){11,17}(?![\d.,]\d)"),
        proof=_luhn,
    ),
    _Kind(
        "social security number",
        re.compile(r"[0-9](?<![\d-].)\d{2}-\d{2}-\d{4}(?![\d-])"),
        proof=_given_out,
    ),
    _Kind(
        "phone number",
        re.compile(
            r"[+(0-9](?<![\w.].)(?:(?<=\+)\d{1,3}(?:[ .()/-]{0,2}\d){7,12}"
            r"|(?<=\()\d{3}\) ?\d{3}[ .-]\d{4}|(?<=\d)\d{2}[ .-]\d{3}[ .-]\d{4})(?!\w|[.-]\d)"
        ),
        proof=_real_phone,
    ),
)
_DIGITS = re.compile(r"[0-9](?:[ ().+/-]{0,3}[0-9]){7}")


def find(text: str, kinds: int = SECRET + ADDRESS + NUMBER) -> list[Private]:
    """In the order of the text, without overlaps; a secret goes before personal data."""
    found: list[Private] = []
    if kinds & SECRET:
        for kind in _SECRETS:
            if kind.sign in text:
                found += _matches(kind, text, secret=True)
    if kinds & ADDRESS and "@" in text:
        for host in _matches(_ADDRESS, text):
            name = _BEFORE_AT.match(text[max(0, host.start - 64) : host.start][::-1])
            found += [host._replace(start=host.start - name.end())] if name else []
    if kinds & NUMBER and _DIGITS.search(text):
        for kind in _NUMBERS:
            found += _matches(kind, text)
    return _apart(found) if found else found


def _matches(kind: _Kind, text: str, *, secret: bool = False) -> Iterator[Private]:
    """What fails its proof is nothing, and keeps its place: no card within a mistyped IBAN."""
    for match in kind.pattern.finditer(text):
        if kind.pattern.groups and match[1] is None:
            continue
        told = kind.what if kind.proof(match.group()) else ""
        yield Private(match.start(), match.end(), told, secret)


def _apart(found: list[Private]) -> list[Private]:
    """Secrets first, then what begins first; what overlaps one that was taken is left out.

    Each list is read once in the order of the text, so the time grows with the finds and not with
    their square: a text may hold a hundred thousand.
    """
    ranked = sorted(found, key=lambda private: private.start)
    secrets = _first_of_overlapping([private for private in ranked if private.secret])
    others = _clear_of(secrets, [private for private in ranked if not private.secret])
    apart = [*secrets, *_first_of_overlapping(others)]
    return sorted(private for private in apart if private.what)


def _first_of_overlapping(ranked: Iterable[Private]) -> list[Private]:
    apart: list[Private] = []
    for private in ranked:
        if not apart or apart[-1].end <= private.start:
            apart.append(private)
    return apart


def _clear_of(taken: list[Private], ranked: list[Private]) -> Iterator[Private]:
    """Those that overlap none of `taken`. Both are in order; `taken` has no overlaps."""
    place = 0
    for private in ranked:
        while place < len(taken) and taken[place].end <= private.start:
            place += 1
        if place == len(taken) or private.end <= taken[place].start:
            yield private


def mask(text: str) -> str:
    """The text with every find replaced by its kind, e.g. [e-mail address]."""
    parts, end = [], 0
    for private in find(text):
        parts += [text[end : private.start], f"[{private.what}]"]
        end = private.end
    return "".join([*parts, text[end:]])
