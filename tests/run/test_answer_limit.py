"""How long an answer of a comparison may be: no right answer is cut, whatever it is made of."""

import base64
import json
import random

import pytest

from shared.model.evaluation import Call, Example, Expected
from shared.run.answer_limit import LONGEST, SHORTEST, fitting

CHANCE = random.Random(1)
TEXTS = {
    "JSON of digits": json.dumps([[CHANCE.randint(0, 9) for _ in range(6)] for _ in range(40)]),
    "hexadecimal": json.dumps([f"{CHANCE.getrandbits(128):032x}" for _ in range(10)]),
    "base64": base64.b64encode(CHANCE.randbytes(400)).decode(),
    "code": "for(i=0;i<n;i++){a[i]=b[i]+c[i];d[i]^=~e[i]&0xff;}\n" * 10,
    "emoji": "🏴‍☠️🦜⚓️👨‍👩‍👧‍👦" * 20,
    "Burmese": "မင်္ဂလာပါ ကျွန်တော် အကူအညီ လိုပါတယ် " * 10,
}


def asked(text: str = "", calls: tuple[Call, ...] = ()) -> Example:
    return Example(1, {"messages": []}, Expected(text, calls))


def tokens(text: str) -> int:
    from shared.dataset.measure.tokens import encoding

    return len(encoding("o200k_base").encode(text))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_answer_may_have_half_more_tokens_than_the_longest_that_is_expected(text: str) -> None:
    found, most = fitting([asked(text), asked("Aye.")], "gpt-4.1-nano-2025-04-14")
    assert len(found) == 2
    assert most == int(1.5 * tokens(text)) > SHORTEST


def test_what_would_not_fit_is_left_out_and_makes_the_limit_no_longer() -> None:
    long = asked("aye " * LONGEST)
    found, most = fitting([long, asked("Aye.")], "gpt-4.1-nano-2025-04-14")
    assert found == (asked("Aye."),)
    assert most == SHORTEST


def test_the_limit_is_bounded() -> None:
    nearly = asked("aye " * (LONGEST - 100))
    assert fitting([nearly], "gpt-4.1-nano-2025-04-14") == ((nearly,), LONGEST)


def test_calls_of_tools_have_room_around_them() -> None:
    calls = tuple(Call(name="f", arguments="{}") for _ in range(20))
    assert fitting([asked(calls=calls)], "gpt-4.1-nano-2025-04-14")[1] > 20 * 20


@pytest.mark.parametrize("model", ["Ministral-3B", "one-that-nobody-knows"])
def test_with_another_tokenizer_twice_as_many_are_reckoned_with(model: str) -> None:
    text = TEXTS["base64"]
    assert fitting([asked(text)], model)[1] == 3 * tokens(text)


def test_a_model_that_thinks_has_room_for_it() -> None:
    assert fitting([asked("Aye.")], "gpt-oss-20b")[1] == SHORTEST + 2_000
