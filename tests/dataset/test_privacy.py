"""Private data: what is found, what is left alone, how overlaps are settled."""

import json
import random

import pytest

from shared.dataset import privacy
from shared.dataset.privacy import PrivateSpan
from shared.dataset.reading.prefilter import Prefilter

PRIVATE = [
    ("e-mail address", "write to jane.doe+x@mail.contoso.co.uk today"),
    ("phone number", "call +44 20 7946 0958 now"),
    ("phone number", "call (212) 867-5309"),
    ("card number", "4111-1111-1111-1111"),
    ("card number", "378282246310005"),
    ("IBAN", "GB82 WEST 1234 5698 7654 32"),
    ("IBAN", "DE89370400440532013000"),
    ("social security number", "it is 123-45-6789."),
    ("API key", "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"),
    ("API key", "sk_live_abcdefghijklmnopqrstuvwx"),
    ("API key", "td-" + "0a1b2c3d" * 8),
    ("GitHub token", "ghp_" + "a1B2" * 9),
    ("AWS key", "AKIAIOSFODNN7EXAMPLE"),
    ("Google key", "AIza" + "a1B2c" * 7),
    ("Slack token", "xoxb-123456789012-abcdefghij"),
    ("Hugging Face token", "hf_" + "abcdefghij" * 4),
    ("storage key", "AccountKey=" + "a1B2" * 21 + "=="),
    ("JSON web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.abcdefghijklmn"),
    ("private key", "-----BEGIN RSA PRIVATE KEY-----"),
]
PUBLIC = [
    "mail@example.com and me@host.test",
    "user@localhost",
    "call 555-555-0123",
    "4111 1111 1111 1112",
    "DE89 3704 0044 0532 0130 01",
    "CODE89370400440532013000",
    "2026-11-22 10:00:00, version 10.20.30.40",
    "pi is 3.14159265358979323846",
    "std-" + "0a1b2c3d" * 8,
    "td-" + "0a1b2c3d" * 7,
    "task-force risk-free desk-bound and internationalization",
    "000-12-3456",
    "@handle or a @ b",
]


@pytest.mark.parametrize(("what", "text"), PRIVATE)
def test_what_is_private_is_found_and_masked(what: str, text: str) -> None:
    assert [span.kind for span in privacy.find(text)] == [what]
    assert f"[{what}]" in privacy.mask(text)
    for data in (json.dumps(text).encode(), text.encode()):
        kinds = Prefilter([b"plain", data, b"plain"]).private_kinds().tolist()
        assert [kinds[0], kinds[2]] == [0, 0]
        assert [span.kind for span in privacy.find(text, kinds[1])] == [what]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("To jane.doe+x@mail.contoso.co.uk, today", "To [e-mail address], today"),
        ("To sean.o'neil@contoso.com", "To [e-mail address]"),
        ("To sean.o\u2019neil@contoso.com", "To [e-mail address]"),
        ("by card 4222222222222.", "by card [card number]."),  # as short as they are
        ("by card 4111 1111 1111 1111 12/29", "by card [card number] 12/29"),
        ("from DE89 3704 0044 0532 0130 00, now", "from [IBAN], now"),
        ("call +44 20 7946 0958 now", "call [phone number] now"),
        ("call +٤٤ ٢٠٧٩٤٦٠٩٥٨ on 2026-11-22", "call [phone number] on 2026-11-22"),
        ("GB40WESTAB1CD2EF3GHIJK since 2026-11-22", "[IBAN] since 2026-11-22"),
        (
            f"-----BEGIN PRIVATE KEY-----\n{'a1B2' * 5}\n{'c3D4' * 4} and more",
            "[private key] and more",
        ),
    ],
)
def test_nothing_of_a_value_is_left(text: str, left: str) -> None:
    assert privacy.mask(text) == left


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is_left_alone(text: str) -> None:
    assert list(privacy.find(text)) == []
    assert privacy.mask(text) == text


def naive(found: list[PrivateSpan]) -> list[PrivateSpan]:
    """The rule in its plainest form: secrets first, then by place; what overlaps a span that was
    taken is left out. Compares every span with every other."""
    taken: list[PrivateSpan] = []
    for span in sorted(found, key=lambda one: (not one.secret, one.start)):
        if all(span.end <= other.start or other.end <= span.start for other in taken):
            taken.append(span)
    return sorted(taken)


def spans(chance: random.Random) -> list[PrivateSpan]:
    """Crowded, so that they touch, nest and overlap in every way."""
    found = []
    for _ in range(chance.randint(0, 40)):
        start = chance.randrange(120)
        kind = chance.choice(("card number", "e-mail address", "API key"))
        end = start + chance.randint(1, 25)
        found.append(PrivateSpan(start, end, kind, chance.random() < 0.3))
    return found


def test_overlaps_are_settled_as_by_comparing_all_with_all() -> None:
    for seed in range(500):
        found = spans(random.Random(seed))
        assert privacy._without_overlaps(found) == naive(found), seed


PIECES = (
    "jane.doe@contoso.com",
    "a@b",
    "4111 1111 1111 1111",
    "4111111111111112",
    "+49 30 1234567",
    "DE89370400440532013000",
    "DE89 3704 0044 0532 0130 01",
    "123-45-6789",
    "sk-" + "a1" * 12,
    "ghp_" + "a1B2" * 9,
    "AccountKey=" + "a1B2" * 12 + "==",
    "(212) 867-5309",
    "@",
    ".",
    "-",
    " ",
    "1",
    "eyJhbGciOiJIUzI1NiJ9",
    ".eyJzdWIiOiIxMjM0NSJ9",
    ".abcdefghijklmn",
    "+",
    "x",
    "\n",
)


def test_texts_are_searched_as_by_comparing_all_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(1)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(0, 60))) for _ in range(400)]
    quick = [privacy.find(text) for text in texts]
    monkeypatch.setattr(privacy, "_without_overlaps", naive)
    assert quick == [privacy.find(text) for text in texts]
