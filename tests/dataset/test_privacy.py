"""Private data is found in a time that grows with the text, and overlaps are settled as ever."""

import random
import time
from collections.abc import Callable

import pytest

from shared.dataset import privacy
from shared.dataset.privacy import PrivateSpan

KIB = 1024
MOST_GROWTH = 6  # times the time for four times the text; what is quadratic needs sixteen


def naive(found: list[PrivateSpan]) -> list[PrivateSpan]:
    """The rule as it is said: secrets first, then by place; what overlaps one that is taken is
    not taken. Compares every span with every other."""
    taken: list[PrivateSpan] = []
    for span in sorted(found, key=lambda one: (not one.secret, one.start)):
        if all(span.end <= other.start or other.end <= span.start for other in taken):
            taken.append(span)
    return sorted(span for span in taken if span.kind)


def spans(chance: random.Random) -> list[PrivateSpan]:
    """Crowded, so that they touch, nest and overlap in every way."""
    found = []
    for _ in range(chance.randint(0, 40)):
        start = chance.randrange(120)
        kind = chance.choice(("", "card number", "e-mail address", "API key"))
        end = start + chance.randint(1, 25)
        found.append(PrivateSpan(start, end, kind, chance.random() < 0.3))
    return found


def test_overlaps_are_settled_as_by_comparing_all_with_all() -> None:
    for seed in range(500):
        found = spans(random.Random(seed))
        assert privacy._without_overlaps(found) == naive(found), seed


PIECES = (
    "jane.doe@contoso.com", "a@b", "4111 1111 1111 1111", "4111111111111112", "+49 30 1234567",
    "DE89370400440532013000", "DE89 3704 0044 0532 0130 01", "123-45-6789", "sk-" + "a1" * 12,
    "ghp_" + "a1B2" * 9, "AccountKey=" + "a1B2" * 12 + "==", "(212) 867-5309", "@", ".", "-", " ",
    "1", "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0NSJ9", ".abcdefghijklmn", "+", "x", "\n",
)  # fmt: skip


def test_texts_are_searched_as_by_comparing_all_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(1)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(0, 60))) for _ in range(400)]
    quick = [privacy.find(text) for text in texts]
    monkeypatch.setattr(privacy, "_without_overlaps", naive)
    assert quick == [privacy.find(text) for text in texts]


NASTY = {
    "addresses": "a@b.com ",
    "addresses without an end": "a@a.a.",
    "names before no address": "a.",
    "names before a sign": "a.b-c_d%e!@",
    "cards": "4111 1111 1111 1111 ",
    "digits": "1",
    "digits and spaces": "4 ",
    "versions": "1.1.1.",
    "half numbers": "123-45-",
    "phones": "+49 30 1234567, ",
    "plus signs": "+1+",
    "brackets": "(212) ",
    "accounts": "DE89 3704 0044 0532 0130 00 ",
    "half accounts": "AB12 CDEF ",
    "tokens without an end": "-eyJ",
    "tokens of two parts": "-eyJaaaaaaaaaa.eyJaaaaaaaaaa ",
    "tokens of many parts": "eyJaaaaaaaaaa.",
    "keys": "sk-abcdefghijklmnopqrstuv ",
    "half keys": "sk-ab ",
    "dashes": "-",
    "half private keys": "-----BEGIN A ",
    "storage keys": "AccountKey=abc",
    "signs": "github_pat_hf_xoxb-gho_AKIA",
}


def seconds(work: Callable[[], object]) -> float:
    """The least of three, of this thread's own time: others may use the processor as well."""
    times = []
    for _ in range(3):
        before = time.thread_time()
        work()
        times.append(time.thread_time() - before)
    return min(times)


@pytest.mark.parametrize("piece", NASTY.values(), ids=NASTY)
def test_the_time_grows_with_the_text(piece: str) -> None:
    small = (piece * (32 * KIB))[: 32 * KIB]
    few = seconds(lambda: privacy.mask(small))
    many = seconds(lambda: privacy.mask(small * 4))
    assert many < MOST_GROWTH * max(few, 0.001)


def test_a_mebibyte_of_addresses_takes_seconds() -> None:
    text = "a@b.com " * (KIB * KIB // 8)
    assert seconds(lambda: privacy.mask(text)) < 5
    assert privacy.mask(text[:80]) == "[e-mail address] " * 10
