"""Personal data and secrets in a text: where they are, and the text without them.

What a pattern finds must pass its own arithmetic (Luhn for cards, mod 97 for IBANs). Names and
addresses need a language model and are not looked for. Most texts of a file never come here:
`reading.prefilter` says, for many lines at once, which may hold something.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

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
    is repeated without a limit stands at the end, or is consumed where the rest is missing. Such a
    pattern has one group, which is empty where nothing was found.
    """

    kind: str
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
    _Detector("private key", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"), "KEY-----"),
    _Detector("storage key", re.compile(r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}"), "AccountKey="),
    _Detector(
        "JSON web token",
        re.compile(
            r"eyJ(?<!\w...)[A-Za-z0-9_-]{10,}+(\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,})?"
        ),
        "eyJ",
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
)
_ADDRESS = _Detector(  # without what stands before the @
    "e-mail address",
    re.compile(r"@(?<=[\w.%+-]@)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
    "@",
    _real_address,
)
_BEFORE_AT = re.compile(r"[\w.%+-]{1,64}")  # of the text backwards
_NUMBERS = (  # of two that overlap the one that begins first is meant, or is named first
    _Detector(
        "IBAN",
        re.compile(r"[A-Z](?<!\w.)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        proof=_mod97,
    ),
    _Detector(
        "card number",
        re.compile(r"[3-6](?<![\d.,].)\d(?:[ -]?\d){11,17}(?![\d.,]\d)"),
        proof=_luhn,
    ),
    _Detector(
        "social security number",
        re.compile(r"[0-9](?<![\d-].)\d{2}-\d{2}-\d{4}(?![\d-])"),
        proof=_given_out,
    ),
    _Detector(
        "phone number",
        re.compile(
            r"[+(0-9](?<![\w.].)(?:(?<=\+)\d{1,3}(?:[ .()/-]{0,2}\d){7,12}"
            r"|(?<=\()\d{3}\) ?\d{3}[ .-]\d{4}|(?<=\d)\d{2}[ .-]\d{3}[ .-]\d{4})(?!\w|[.-]\d)"
        ),
        proof=_real_phone,
    ),
)
_DIGITS = re.compile(r"[0-9](?:[ ().+/-]{0,3}[0-9]){7}")


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
    return _without_overlaps(found) if found else found


def _matches(detector: _Detector, text: str, *, secret: bool = False) -> Iterator[PrivateSpan]:
    """What fails its proof is nothing, and keeps its place: no card within a mistyped IBAN."""
    for match in detector.pattern.finditer(text):
        if detector.pattern.groups and match[1] is None:
            continue
        kind = detector.kind if detector.proof(match.group()) else ""
        yield PrivateSpan(match.start(), match.end(), kind, secret)


def _without_overlaps(found: list[PrivateSpan]) -> list[PrivateSpan]:
    """Secrets first, then what begins first; what overlaps a span that was taken is left out.

    Each list is read once in the order of the text, so the time grows with the number of spans and
    not with its square: a text may hold a hundred thousand.
    """
    ordered = sorted(found, key=lambda span: span.start)
    secrets = _keep_first([span for span in ordered if span.secret])
    others = _keep_first(_clear_of(secrets, [span for span in ordered if not span.secret]))
    return sorted(span for span in [*secrets, *others] if span.kind)


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
    """The text with every span replaced by its kind, e.g. [e-mail address]."""
    parts, end = [], 0
    for span in find(text):
        parts += [text[end : span.start], f"[{span.kind}]"]
        end = span.end
    return "".join([*parts, text[end:]])
