"""Tokens are tiktoken's tokens, on any text, from the vocabulary that tiktoken itself accepts."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.dataset.measure import tokens
from shared.dataset.measure.tokens import PER_EXAMPLE, PER_MESSAGE
from tests.dataset.builders import ANSWER, USER, line, scan
from tests.support.growth import too_slow

ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
ENCODINGS = ("o200k_base", "cl100k_base")

NASTY = [
    "",
    " ",
    "\n\n \n\t\r\n",
    "<|endoftext|>",
    "a<|endofprompt|>b<|im_start|>system<|fim_prefix|>",
    "<|endof",
    "🏳️‍🌈👩‍👩‍👧‍👦👍🏽🇩🇪",
    "Ünïcödé ÀÉÎ ß İı ﬁ Ω≈ç√",
    "漢字かな交じり文とテキスト。한국어 텍스트",
    "עברית العربية हिन्दी ไทย ქართული",
    "a\u0301e\u0308 zero\u200bwidth\u200djoin\ufeff",
    "\x00\x01\x07\x1b[31m\x7f\x85",
    "I'll they'RE we’ve 'S 'LL d'accord o'clock",
    "1234567890 12 345,678.90 ١٢٣ ½ Ⅷ",
    "aaaaaaaaaa" * 500,
    "=" * 3000,
    " " * 3000 + "x",
    "\n" * 1000,
    "x" + "😀" * 500,
    "0" * 1500,
    "def f(x):\n    return {'a': [1,2,3]}\n\n\n#---\t\tend",
    "CamelCaseHTTPServer SHOUTING mIxEd snake_case __init__",
    "\U0010ffff\ue000\u2028\u2029",
]
PIECES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(NASTY).map(lambda text: text[:200]),
    st.text(alphabet=" \n\t\r\u00a0\u3000'’sStT", max_size=20),
    st.text(alphabet="aAzZéÉßǅʰªͅ漢あ1٣½_-/.", max_size=30),
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)
Counter = Callable[[str], tokens.Encoding]
OFFLINE = """
import socket, sys

class Closed(socket.socket):
    def __init__(self, *_args, **_named):
        raise AssertionError("a connection was asked for")

socket.socket = socket.create_connection = Closed
sys.modules["gigatoken"] = None  # as where it has no wheel
from shared.dataset.measure import tokens

for name in tokens.SPLITTERS:
    print(name, tokens.encoding(name).encode("hello <|endoftext|> world").tolist())
assert "tiktoken" in sys.modules
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tiktoken.Encoding]:
    """tiktoken with our vocabulary in its cache. It checks the file against its own digest, so
    that this also proves the vocabulary to be OpenAI's."""
    cache = tmp_path_factory.mktemp("tiktoken")
    for name in ENCODINGS:
        key = hashlib.sha1(ADDRESS.format(name).encode()).hexdigest()
        Path(cache / key).write_bytes(tokens.vocabulary(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
        return {name: tiktoken.get_encoding(name) for name in ENCODINGS}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("counter", [tokens.with_gigatoken, tokens.with_tiktoken])
def test_nasty_texts(name: str, counter: Counter, reference: dict[str, tiktoken.Encoding]) -> None:
    ours = counter(name)
    for text in NASTY:
        assert ours.encode(text).tolist() == reference[name].encode_ordinary(text), text[:40]


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("counter", [tokens.with_gigatoken, tokens.with_tiktoken])
def test_any_text(name: str, counter: Counter, reference: dict[str, tiktoken.Encoding]) -> None:
    ours = counter(name)

    @settings(max_examples=1500, deadline=None, derandomize=True, database=None)
    @given(TEXTS)
    def agree(text: str) -> None:
        assert ours.encode(text).tolist() == reference[name].encode_ordinary(text)

    agree()


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("counter", [tokens.with_gigatoken, tokens.with_tiktoken])
def test_texts_together_have_the_tokens_of_each(
    name: str, counter: Counter, reference: dict[str, tiktoken.Encoding]
) -> None:
    """Also where what is put between them stands in them, or touches more whitespace."""
    ours = counter(name)
    between = tokens.BETWEEN.decode()
    assert len(reference[name].encode_ordinary(between)) == 1
    near = st.sampled_from([between, between[1:], between * 2, f"a{between}b", f"a.{between}\n"])
    ends = st.sampled_from(["a", ".", "'s", "1", "/", "\u0301", "\x1f", "\u00a0", " a", "a ", "\n"])

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.one_of(ends, near, PIECES).filter(bool), max_size=8))
    def agree(texts: list[str]) -> None:
        found, counts = tokens.encode_all(ours, texts)
        each = [reference[name].encode_ordinary(text) for text in texts]
        assert counts.tolist() == list(map(len, each))
        assert found.tolist() == [token for one in each for token in one]

    agree()


@pytest.mark.parametrize("name", ENCODINGS)
def test_text_is_cut_by_tiktokens_own_expressions(
    name: str, reference: dict[str, tiktoken.Encoding]
) -> None:
    assert tokens.PATTERNS[name] == reference[name]._pat_str


def test_without_gigatoken_tiktoken_counts_offline_and_keeps_no_files(
    tmp_path: Path, reference: dict[str, tiktoken.Encoding]
) -> None:
    """With a cache of tiktoken's that holds something else, and without any network."""
    cache = tmp_path / "data-gym-cache"
    cache.mkdir()
    for name in ENCODINGS:
        key = hashlib.sha1(ADDRESS.format(name).encode()).hexdigest()
        (cache / key).write_text("of an older version")
    places = {"TIKTOKEN_CACHE_DIR": str(cache), "TMPDIR": str(tmp_path), "TEMP": str(tmp_path)}
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, env=os.environ | places
    )
    expected = [
        f"{n} {reference[n].encode_ordinary('hello <|endoftext|> world')}" for n in ENCODINGS
    ]
    assert done.stdout.splitlines() == expected, done.stderr
    assert done.returncode == 0, done.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("counter", [tokens.with_gigatoken, tokens.with_tiktoken])
@pytest.mark.parametrize("piece", ["a", "=", " ", "\n", "aA", "0", "漢", "😀", "'s", "_-"])
def test_the_time_grows_with_the_text(name: str, counter: Counter, piece: str) -> None:
    """Long runs without a word's end, which many counters take with their square."""
    encode, small = counter(name).encode, (piece * 50_000)[:50_000]
    assert too_slow(lambda: encode(small), lambda: encode(small * 4)) is None


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_role_is_one_token(name: str) -> None:
    for role in ("system", "developer", "user", "assistant", "tool"):
        assert len(tokens.encoding(name).encode(role)) == 1


def test_an_example_is_counted_as_in_the_cookbook(
    reference: dict[str, tiktoken.Encoding],
) -> None:
    system = {"role": "system", "content": "Be brief and kind <|endoftext|>."}
    messages = [system, {**USER, "content": "Where is 東京?"}, {**ANSWER, "content": "In Japan."}]
    count = reference["o200k_base"].encode_ordinary
    texts = sum(len(count(message["content"])) for message in messages)
    stats = scan(line({"messages": messages}) * 3).stats
    assert stats.total
    assert stats.assistant
    assert stats.total.max == stats.total.min == texts + 3 * PER_MESSAGE + PER_EXAMPLE
    assert stats.assistant.max == len(count("In Japan."))


def test_percentiles_are_the_fifth_and_the_ninety_fifth() -> None:
    words = [{**ANSWER, "content": "word" + " word" * count} for count in range(100)]
    stats = scan(b"".join(line({"messages": [USER, answer]}) for answer in words)).stats
    assert stats.assistant
    assert (stats.assistant.min, stats.assistant.max, stats.assistant.sum) == (1, 100, 5050)
    assert (stats.assistant.p5, stats.assistant.median, stats.assistant.p95) == (6.0, 50.5, 95.0)
    assert sum(stats.assistant.bars) == 100


def test_no_other_encoding_is_guessed() -> None:
    with pytest.raises(ValueError, match="p50k_base"):
        tokens.encoding("p50k_base")
