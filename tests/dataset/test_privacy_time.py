"""How long the search for private data takes, however a text was chosen."""

import pytest

from shared.dataset import privacy
from tests.support.growth import seconds, too_slow

KIB = 1024
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
    "pairs of digits": "44 ",
    "groups of a card": "4111 ",
    "private keys without an end": "-----BEGIN PRIVATE KEY-----\n" + "A" * 64 + "\n",
    "headers of private keys": "-----BEGIN PRIVATE KEY-----Proc-Type: ",
    "half accounts in small letters": "de89 ",
    "addresses with many labels": "a@aa.aa.aa.aa.aa.aa.aa.aa-",
    "apostrophes": "o'brien'",
}


@pytest.mark.parametrize("piece", NASTY.values(), ids=NASTY)
def test_the_time_grows_with_the_text(piece: str) -> None:
    small = (piece * (32 * KIB))[: 32 * KIB]
    assert too_slow(lambda: privacy.mask(small), lambda: privacy.mask(small * 4), 0.001) is None


def test_a_mebibyte_of_addresses_takes_seconds() -> None:
    text = "a@b.com " * (KIB * KIB // 8)
    assert seconds(lambda: privacy.mask(text)) < 5
    assert privacy.mask(text[:80]) == "[e-mail address] " * 10
