"""Private data in the forms that people and programs write it in, and what only looks like it."""

import json

import pytest

from shared.dataset import privacy
from shared.dataset.reading.prefilter import Prefilter

CARD = "4111111111111111"
PEM = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"
BEGIN, END = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
BLOCK = "-----{} PGP PRIVATE KEY BLOCK-----"

PRIVATE = {
    "a private key": (f"{BEGIN}\n{PEM}\n{END} and", "[private key] and"),
    "a private key within JSON": (f"{BEGIN}\\n{PEM}\\n{END}", "[private key]"),
    "a private key with headers": (
        f"{BEGIN}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\n{PEM}\n{END}",
        "[private key]",
    ),
    "a private key of PGP": (
        f"{BLOCK.format('BEGIN')}\n{PEM}\n{BLOCK.format('END')}",
        "[private key]",
    ),
    "a private key that was cut off": (
        f"{BEGIN}\n{PEM}\n{PEM}=\nwhat now",
        "[private key]\nwhat now",
    ),
    "half a key and a whole one": (
        f"{BEGIN}\n{PEM}\n{BEGIN}\n{PEM}\n{END}",
        "[private key]\n[private key]",
    ),
    "a card with its expiry": (f"My card is {CARD} 12/27.", "My card is [card number] 12/27."),
    "a card and a number": (f"Charge {CARD} 2 times.", "Charge [card number] 2 times."),
    "groups and a number": ("4111 1111 1111 1111 123", "[card number] 123"),
    "two cards": (f"{CARD} 4111-1111-1111-1111", "[card number] [card number]"),
    "a card in a row of CSV": (f"Ada,{CARD},12/27", "Ada,[card number],12/27"),
    "a card between numbers": (f"42,{CARD},12", "42,[card number],12"),
    "a card at a line's end": (f"Card {CARD}.5 % fee", "Card [card number].5 % fee"),
    "a card with dots": ("4111.1111.1111.1111", "[card number]"),
    "a card with wide dashes": ("4111 - 1111 - 1111 - 1111", "[card number]"),
    "a card with underscores": ("4111_1111_1111_1111", "[card number]"),
    "a card with no-break spaces": ("4111\xa01111\xa01111\xa01111", "[card number]"),
    "a card with thin spaces": ("4111\u20091111\u20091111\u20091111", "[card number]"),
    "a card with dashes": ("4111\u20131111\u20131111\u20131111", "[card number]"),
    "a card of Mastercard's other series": (
        "Card 2223003122003222, thanks",
        "Card [card number], thanks",
    ),
    "a card after two letters and digits": ("ID12 4111 1111 1111 1111", "ID12 [card number]"),
    "a card after a number": ("Order 23 4111 1111 1111 1111", "Order 23 [card number]"),
    "a card as a decimal": (f"{CARD}.0", "[card number].0"),
    "a card of a small issuer": ("Card 3158209374610526 it is", "Card [card number] it is"),
    "a card whose digits with the next one are right as well": (
        f"Card {CARD}.3 % fee",
        "Card [card number].3 % fee",
    ),
    "a card with large digits": ("4556737586899855", "[card number]"),
    "a card that begins like a phone number": ("401-288-8888 881881", "[card number]"),
    "a card before a key": (f"{CARD}AccountKey={'a1B2' * 21}", "[card number][storage key]"),
    "a phone number of few different digits": ("+33 30 3113331", "[phone number]"),
    "two addresses": ("a@contoso.com, b@contoso.com", "[e-mail address], [e-mail address]"),
    "an address and two keys": (
        f"b@contoso.com AKIAIOSFODNN7EXAMPLE hf_{'abcdefghij' * 3}",
        "[e-mail address] [AWS key] [Hugging Face token]",
    ),
    "an address whose domain ends like a reserved one": (
        "boss@counterexample.com",
        "[e-mail address]",
    ),
    "an address of a domain with an umlaut": ("ada@müller.de", "[e-mail address]"),
    "an address of a country's own letters": ("ada@почта.рф", "[e-mail address]"),
    "an address of a domain in Punycode": ("ada@xn--mller-kva.xn--p1ai", "[e-mail address]"),
    "an address before a hyphen": ("Mail ada@contoso.com-2024", "Mail [e-mail address]-2024"),
    "an address before a footnote": ("To ada@contoso.com.2 Then", "To [e-mail address].2 Then"),
    "an address between underscores": ("_ada@contoso.com_", "[e-mail address]_"),
    "an address before other letters": ("ada@contoso.comです", "[e-mail address]です"),
    "an address with an apostrophe": ("Mail o'brien@contoso.com", "Mail [e-mail address]"),
    "an address between apostrophes": ("to='ada@contoso.com'", "to='[e-mail address]'"),
    "an IBAN in small letters": ("de89370400440532013000", "[IBAN]"),
    "an IBAN in a sentence": ("de89 3704 0044 0532 0130 00 is mine", "[IBAN] is mine"),
    "an IBAN in capitals": ("GB82 WEST 1234 5698 7654 32 IS MINE", "[IBAN] IS MINE"),
    "an IBAN with hyphens": ("DE89-3704-0044-0532-0130-00", "[IBAN]"),
    "the shortest IBAN": ("from NO9386011117947 now", "from [IBAN] now"),
    "an IBAN of another country": ("To ZZ277204816352091746 it is", "To [IBAN] it is"),
    "the longest IBAN": ("ZZ64720481635209174620481635209146", "[IBAN]"),
    "two IBANs": ("DE89370400440532013000 GB82WEST12345698765432", "[IBAN] [IBAN]"),
}


@pytest.mark.parametrize("form", PRIVATE)
def test_what_is_private_is_masked_however_it_is_written(form: str) -> None:
    text, masked = PRIVATE[form]
    assert privacy.mask(text) == masked


def escaped(text: str) -> str:
    """As JSON with every character that may be written by its code."""
    return '"' + "".join(f"\\u{ord(char):04x}" for char in text) + '"'


@pytest.mark.parametrize("form", PRIVATE)
def test_the_prefilter_passes_every_form_however_json_writes_it(form: str) -> None:
    text, _ = PRIVATE[form]
    plain = json.dumps(text, ensure_ascii=False)
    written = [plain, json.dumps(text), plain.replace("/", "\\/"), escaped(text)]
    kinds = Prefilter([line.encode() for line in written]).private_kinds().tolist()
    assert [privacy.find(text, kind) for kind in kinds] == [privacy.find(text)] * len(written)


def test_a_phone_number_whose_slash_is_escaped_passes_the_prefilter() -> None:
    assert Prefilter([b'"+49\\/30\\/12\\/34\\/567"']).private_kinds().tolist() == [privacy.NUMBER]


def test_letters_of_other_languages_are_no_reason_to_search_a_line() -> None:
    line = json.dumps("Grüße aus München, Привет, 東京").encode()
    assert Prefilter([line]).private_kinds().tolist() == [0]


def test_a_long_word_of_other_signs_is_no_reason_to_search_a_line() -> None:
    lines = [b"see skills/of.the:trade;and<more>", b"see sk-llsXofXtheXtradeXandXmore"]
    assert Prefilter(lines).private_kinds().tolist() == [0, privacy.SECRET]


@pytest.mark.parametrize(
    "text",
    [
        "mail@EXAMPLE.com, me@mail.example.com-2024 and you@host.test.2",
        "mail@example.comです",
        "lodash@4.17.21 react@18.0.0-beta.1 typescript@5.0.0-dev.20230101",
        "0.4111111111111111 and 1.4111111111111111",  # decimals
        "41.11111111111111 and 4111.111111111111",  # decimals with as many digits as a card
        "4111111111111112 12/27",  # a wrong check digit
        "Customer 30 3704 0044 0532 0130 01",  # right by chance, of no issuer
        "de89370400440532013001 and ab12cdef3456789012345678",
        "The file begins with BEGIN PRIVATE KEY and ends with END PRIVATE KEY.",
        "2026.11.27.10.00.00.123456",
        ",3158209374610526 and x,3158209374610526",  # parts of a row, of no large issuer
        "Count 3158209374610526 12",  # of no large issuer, and the digits go on
        "45320000000000019725 x",  # more digits than a card has
        "41111111111111115 2",
        "DE893704004405320130005 x",  # more characters than an IBAN of Germany has
        "ZZ517204816352091746204816352091467",  # more characters than any IBAN has
        "666-12-3456 and 912-12-3456",
        "call 212-212-2121",
    ],
)
def test_what_only_looks_private_is_left_alone(text: str) -> None:
    assert privacy.mask(text) == text


def test_of_a_name_before_an_address_64_characters_are_masked() -> None:
    assert privacy.mask(f"o'{'x' * 63}@contoso.com") == "o'[e-mail address]"


def test_only_what_is_asked_for_is_found_and_a_secret_is_told_as_one() -> None:
    text = f"a@contoso.com {CARD} AKIAIOSFODNN7EXAMPLE"
    found = {
        kind: [(span.kind, span.secret) for span in privacy.find(text, kind)]
        for kind in (privacy.SECRET, privacy.ADDRESS, privacy.NUMBER)
    }
    assert found == {
        privacy.SECRET: [("AWS key", True)],
        privacy.ADDRESS: [("e-mail address", False)],
        privacy.NUMBER: [("card number", False)],
    }


@pytest.mark.parametrize("number", [4111111111111111, 4111111111111111.0, 4.111111111111111e15])
def test_a_number_that_is_a_card_is_masked(number: float) -> None:
    assert privacy.mask_number(number) == "[card number]"


@pytest.mark.parametrize("number", [0, 1.5, -2.0, 1e300, float("inf"), 4111111111111112])
def test_any_other_number_stays_itself(number: float) -> None:
    assert privacy.mask_number(number) is number


def test_escapes_of_a_text_with_nothing_private_are_kept() -> None:
    assert privacy.mask('{"a": "\\u003cb\\u003e"}') == '{"a": "\\u003cb\\u003e"}'


def test_a_masked_text_of_json_stays_json() -> None:
    written = json.dumps({"a": "\\u0022 \x22 \\"}).replace("x22", "u0022")
    text = f'[{written}, "jane.doe\\u0040contoso.com \\u0022\\u005c"]'
    assert json.loads(privacy.mask(text))[1] == '[e-mail address] "\\'
