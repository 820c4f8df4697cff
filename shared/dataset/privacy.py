"""Personal data and secrets in a text: where they are, and the text without them.

What a pattern finds must pass its own arithmetic (Luhn for cards, mod 97 for IBANs). Names and
addresses need a language model and are not looked for. Most texts of a file never come here:
`reading.prefilter` says, for many lines at once, which may hold something.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from shared.dataset.pictures import outside_of_pictures

SECRET, ADDRESS, NUMBER = 1, 2, 4  # to be added up


class PrivateSpan(NamedTuple):
    start: int
    end: int
    kind: str  # "e-mail address"
    secret: bool


class _Detector(NamedTuple):
    """A pattern begins with the first characters of what it finds, so that the engine skips to
    them, and only then looks back whether a word begins there. `sign` is in every text with one.

    No pattern may read a stretch of text more than a few times, however the text was chosen: what
    is repeated without a limit stands at the end, or is consumed where the rest is missing.

    `end` says where in the text what was found ends; 0 if it is nothing. A number's pattern
    consumes its first character only, so what is nothing hides no number that begins within it.
    """

    kind: str
    pattern: re.Pattern[str]
    sign: str = ""
    end: Callable[[re.Match[str]], int] = re.Match.end
    before: int = 0  # characters of what is found that stand before the match, and are common


def _address_end(match: re.Match[str]) -> int:
    """Behind the last label that may be a top-level domain: a footnote or a year may follow."""
    labels = match.group()[1:].split(".")
    for last in range(len(labels) - 1, 0, -1):
        if top := _TOP_LEVEL.match(labels[last]):
            host = ".".join([*labels[:last], top.group()])
            reserved = f".{host.lower()}".endswith(_RESERVED)
            return 0 if reserved else match.start() + 1 + len(host)
    return 0


def _card_end(match: re.Match[str]) -> int:
    """Of several the longest: what follows a card may be its expiry or an amount. Where that is
    so, or where it is written in an unusual way, the digits must be those of an issuer."""
    text, start = match.string, match.start()
    run = match.group() + match[1]
    before, after = text[max(0, start - 2) : start], text[start + len(run) : start + len(run) + 1]
    for end in reversed(_luhn_ends(run, after)):
        number = run[:end]
        digits = "".join(c for c in number if c.isdigit())
        if len(set(digits)) == 1 or number.count(".") == 1:  # with one point it is a decimal
            continue
        usual = end == len(run) and _USUAL_CARD.match(text, start)
        if (usual and not _GOES_ON.fullmatch(before)) or _ISSUED.fullmatch(digits):
            return start + end
    return 0


def _luhn_ends(run: str, after: str) -> list[int]:
    """Where in digits and separators a number has ended whose check digit is right, and no further
    digit touches it. Whether it is as long as a card's is not asked here."""
    total = other = 0  # `total` has the last digit once, `other` has it doubled
    ends = []
    for place, char in enumerate(run, 1):
        if not char.isdigit():
            continue
        digit = int(char)
        total, other = other + digit, total + digit * 2 - 9 * (digit > 4)
        if total % 10 == 0 and not (run[place : place + 1] or after).isdigit():
            ends.append(place)
    return ends


def _iban_end(match: re.Match[str]) -> int:
    """As long as its country's are; in capitals, with spaces at the most, of any country."""
    text, start = match.string, match.start() - 2
    run = text[start : match.end()] + match[1]
    places = [place for place, char in enumerate(run, 1) if char.isalnum()]
    length = _IBAN_LENGTHS.get(run[:2].upper(), 99)
    if len(places) >= length:
        end = places[length - 1]
        if not text[start + end : start + end + 1].isalnum() and _mod97(run[:end]):
            return start + end
    usual = _USUAL_IBAN.match(text, start)
    return usual.end() if usual and _mod97(usual.group()) else 0


def _mod97(value: str) -> bool:
    plain = "".join(char for char in value if char.isalnum())
    moved = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _social_security_end(match: re.Match[str]) -> int:
    """Those that exist have no 000, 666 or 9xx at the beginning."""
    return 0 if match.group().startswith(("000", "666", "9")) else match.end()


def _phone_end(match: re.Match[str]) -> int:
    """555-0100 to 555-0199 are kept free for films and examples."""
    digits = "".join(c for c in match.group() if c.isdigit())
    return match.end() if "55501" not in digits and len(set(digits)) > 2 else 0


_RESERVED = (  # RFC 2606: nobody's addresses
    *(".example", ".invalid", ".test", ".localhost"),
    *(".example.com", ".example.org", ".example.net"),
)
_TOP_LEVEL = re.compile(
    r"(?:xn--[a-z0-9-]{2,59}|[a-z]{2,}|[^\W\d_]{2,})(?![a-z0-9])", re.IGNORECASE
)
_USUAL_CARD = re.compile(r"[3-6]\d(?:[ -]?\d){11,17}(?![\d.,]\d)")
_GOES_ON = re.compile(r".?[.,]|\d[ -]", re.DOTALL)  # a row or a number has begun before
_ISSUED = re.compile(  # the first digits of the large issuers, and how many they have
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|6(?:011|4[4-9]\d|[25]\d\d)\d{12,15}"
    r"|(?:5[0678]|6[37])\d{11,17}"
)
_USUAL_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_REGISTRY = (  # of IBANs: how many characters those of which countries have
    "15 NO, 16 BE, 18 DK FI FO FK GL NL SD, 19 MK SI, 20 AT BA EE KZ LT LU MN XK, 21 CH HR "
    "LI LV, 22 BG BH CR DE GB GE IE ME RS VA, 23 AE GI IL IQ OM SO TL, 24 AD CZ DZ ES MD PK "
    "RO SA SE SK TN VG, 25 AO CV LY MZ PT ST, 26 IR IS TR, 27 BI BF CF CI CM DJ FR GR IT MC "
    "MR SM, 28 AL AZ BJ BY CY DO GT HN HU LB MA ML NI PL SN SV, 29 BR EG PS QA UA, 30 JO KW "
    "MU YE, 31 MT SC, 32 LC, 33 RU"
)
_IBAN_LENGTHS = {
    country: int(length)
    for length, *countries in map(str.split, _REGISTRY.split(","))
    for country in countries
}

_API_KEY = r"[srp](?<!\w.)k{}(?:live_|test_|proj-|ant-)?[A-Za-z0-9_-]{{20,}}"
_PEM = r"[A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----"
_SECRETS = (
    _Detector(  # to its end; of one that was cut off, the lines that follow
        "private key",
        re.compile(
            rf"-----BEGIN {_PEM}(?:(?:[^-]|-(?!----))*+-----END {_PEM}"
            r"|(?:(?:\s|\\r|\\n){0,4}(?:[A-Z][A-Za-z-]{3,11}: [^\n\\]{0,80}"
            r"|[A-Za-z0-9+/]{16,}+={0,2}))*+)"
        ),
        "PRIVATE KEY",
    ),
    _Detector("storage key", re.compile(r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}"), "AccountKey="),
    _Detector(
        "JSON web token",
        re.compile(
            r"eyJ(?<!\w...)[A-Za-z0-9_-]{10,}+(\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,})?"
        ),
        "eyJ",
        lambda match: match.end() if match[1] else 0,
    ),
    _Detector("GitHub token", re.compile(r"gh(?<!\w..)[opsur]_[A-Za-z0-9]{36,}"), "gh"),
    _Detector("GitHub token", re.compile(r"github_pat_[A-Za-z0-9_]{40,}"), "github_pat_"),
    _Detector("AWS key", re.compile(r"AKIA(?<!\w....)[0-9A-Z]{16}\b"), "AKIA"),
    _Detector("AWS key", re.compile(r"ASIA(?<!\w....)[0-9A-Z]{16}\b"), "ASIA"),
    _Detector("Google key", re.compile(r"AIza(?<!\w....)[A-Za-z0-9_-]{35}"), "AIza"),
    _Detector("Slack token", re.compile(r"xox(?<!\w...)[abeoprs]-[A-Za-z0-9-]{15,}"), "xox"),
    _Detector("Hugging Face token", re.compile(r"hf_(?<!\w...)[A-Za-z]{30,}"), "hf_"),
    _Detector("API key", re.compile(_API_KEY.format("-")), "k-"),
    _Detector("API key", re.compile(_API_KEY.format("_")), "k_"),
    _Detector("API key", re.compile(r"td-(?<!\w...)[0-9a-f]{64}"), "td-"),  # one of this app's
)
_ADDRESS = _Detector(  # without what stands before the @
    "e-mail address",
    re.compile(r"@(?<=[\w.%+-]@)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
    "@",
    _address_end,
)
_BEFORE_AT = re.compile(r"[\w.%+-]{1,64}(?:['\u2019][\w.%+-]{1,64})?")  # of the text backwards
_SPACE = r"\u00a0\u2007\u2009\u202f\u2010\u2011\u2013"  # and hyphens and dashes
_NUMBERS = (  # of two that overlap the one that begins first is meant, or is named first
    _Detector(
        "IBAN",
        re.compile(
            rf"\d(?<=[A-Za-z]{{2}}.)(?<!\w...)(?=(\d(?:[ .{_SPACE}-]?[A-Za-z0-9]){{11,30}}))"
        ),
        end=_iban_end,
        before=2,
    ),
    _Detector(
        "card number",
        re.compile(  # from a group of digits, or from the first of several
            r"[2-6](?<!\d.)(?<!\d\..)(?:(?=\d{3})|(?<!\d[ ._-].))"
            rf"(?=(\d(?:(?:[ ._-]{{0,3}}|[{_SPACE}])\d){{11,17}}))"
        ),
        end=_card_end,
    ),
    _Detector(
        "social security number",
        re.compile(r"[0-9](?<![\d-].)\d{2}-\d{2}-\d{4}(?![\d-])"),
        end=_social_security_end,
    ),
    _Detector(
        "phone number",
        re.compile(
            r"[+(0-9](?<![\w.].)(?:(?<=\+)\d{1,3}(?:[ .()/-]{0,2}\d){7,12}"
            r"|(?<=\()\d{3}\) ?\d{3}[ .-]\d{4}|(?<=\d)\d{2}[ .-]\d{3}[ .-]\d{4})(?!\w|[.-]\d)"
        ),
        end=_phone_end,
    ),
)
# Printable characters, without the two that would end a text of JSON; and spaces and dashes.
_ESCAPE = re.compile(
    r"\\{1,4}u(00(?:2[013-9a-f]|[346][0-9a-f]|5[0-9abd-f]|7[0-9a-e]|a0)|20(?:0[79]|1[013]|2f))",
    re.IGNORECASE,
)
_DIGITS = re.compile(rf"[0-9](?:(?:[ ().+/_-]{{0,3}}|[{_SPACE}])[0-9]){{7}}")


def find(text: str, kinds: int = SECRET + ADDRESS + NUMBER) -> list[PrivateSpan]:
    """In the order of the text, without overlaps; a secret goes before personal data."""
    found: list[PrivateSpan] = []
    if kinds & SECRET:
        for detector in _SECRETS:
            if detector.sign in text:
                found += _matches(detector, text, secret=True)
    if kinds & ADDRESS and "@" in text:
        for host in _matches(_ADDRESS, text):
            name = _BEFORE_AT.match(text[max(0, host.start - 64) : host.start][::-1])
            found += [host._replace(start=host.start - name.end())] if name else []
    if kinds & NUMBER and _DIGITS.search(text):
        for detector in _NUMBERS:
            found += _matches(detector, text)
    found = outside_of_pictures(text, found)
    return _without_overlaps(found) if found else found


def _matches(detector: _Detector, text: str, *, secret: bool = False) -> Iterator[PrivateSpan]:
    for match in detector.pattern.finditer(text):
        if end := detector.end(match):
            yield PrivateSpan(match.start() - detector.before, end, detector.kind, secret)


def _without_overlaps(found: list[PrivateSpan]) -> list[PrivateSpan]:
    """Secrets first, then what begins first; what overlaps a span that was taken is left out.
    The time grows with their number, not with its square: a text may hold a hundred thousand."""
    ordered = sorted(found, key=lambda span: span.start)
    secrets = _keep_first([span for span in ordered if span.secret])
    others = _keep_first(_clear_of(secrets, [span for span in ordered if not span.secret]))
    return sorted([*secrets, *others])


def _keep_first(ordered: Iterable[PrivateSpan]) -> list[PrivateSpan]:
    """Of spans that overlap, the one that begins first."""
    kept: list[PrivateSpan] = []
    for span in ordered:
        if not kept or kept[-1].end <= span.start:
            kept.append(span)
    return kept


def _clear_of(taken: list[PrivateSpan], ordered: list[PrivateSpan]) -> Iterator[PrivateSpan]:
    """Those that overlap none of `taken`. Both are in order, and `taken` has no overlaps."""
    place = 0
    for span in ordered:
        while place < len(taken) and taken[place].end <= span.start:
            place += 1
        if place == len(taken) or span.end <= taken[place].start:
            yield span


def mask(text: str) -> str:
    """The text with every span replaced by its kind, e.g. [e-mail address]. It may be JSON, or a
    part of it: what only its escapes hide is found as well, and then these are written out."""
    plain = _ESCAPE.sub(_written_out, text) if "\\u" in text else text
    found = find(plain)
    return _without(plain, found) if found else text


def mask_number(value: float) -> float | str:
    """The number itself, or its masked digits where it may be a card's."""
    whole = isinstance(value, float) and value.is_integer()
    text = str(int(value) if whole else value)
    masked = mask(text)
    return value if masked == text else masked


def _written_out(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


def _without(text: str, spans: list[PrivateSpan]) -> str:
    parts, end = [], 0
    for span in spans:
        parts += [text[end : span.start], f"[{span.kind}]"]
        end = span.end
    return "".join([*parts, text[end:]])
