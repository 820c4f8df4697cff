"""Privacy, similarity, the split and the mended copy: each by itself."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from shared.dataset import privacy
from shared.dataset.measure import similarity
from shared.dataset.mend import mend
from shared.dataset.reading.prefilter import Prefilter
from shared.dataset.split import split_file
from tests.dataset.builders import ANSWER, USER, WORDS, good, judged, line, scan, talk, varied
from tests.dataset.corpus import NEAR, NEARER

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
    "2026-11-22 10:00:00, version 10.20.30.40",
    "pi is 3.14159265358979323846",
    "task-force risk-free desk-bound and internationalization",
    "000-12-3456",
    "@handle or a @ b",
]


@pytest.mark.parametrize(("what", "text"), PRIVATE)
def test_what_is_private_is_found_and_masked(what: str, text: str) -> None:
    assert [span.kind for span in privacy.find(text)] == [what]
    assert f"[{what}]" in privacy.mask(text)
    for data in (json.dumps(text).encode(), text.encode()):
        kinds = Prefilter(b"plain\n" + data + b"\nplain").private_kinds().tolist()
        assert [kinds[0], kinds[2]] == [0, 0]
        assert [span.kind for span in privacy.find(text, kinds[1])] == [what]


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is_left_alone(text: str) -> None:
    assert list(privacy.find(text)) == []
    assert privacy.mask(text) == text


def tokens(examples: list[list[int]]) -> similarity.Signatures:
    flat = np.array([token for example in examples for token in example], np.uint32)
    return similarity.signatures(flat, np.array([len(e) for e in examples], np.int64))


def test_signatures_agree_about_as_much_as_the_texts() -> None:
    chance = random.Random(5)
    agreed = []
    for _ in range(200):
        one = [chance.randrange(200_000) for _ in range(300)]
        other = one[:270] + [chance.randrange(200_000) for _ in range(30)]  # 268 of 332 runs
        first, second = tokens([one, other])
        agreed.append(int((first == second).sum()))
    assert np.mean(agreed) / similarity.BINS == pytest.approx(268 / 332, abs=0.03)


def test_near_examples_are_grouped_and_others_are_not() -> None:
    chance = random.Random(6)
    originals = [[chance.randrange(200_000) for _ in range(200)] for _ in range(300)]
    changed = [[*text[:100], 7, *text[101:]] for text in originals]
    groups = similarity.groups(tokens(originals + changed))
    assert groups[:300].tolist() == list(range(300))
    assert sum(groups[300:] == np.arange(300)) >= 295
    assert similarity.groups(tokens([])).tolist() == []


def test_short_texts_are_not_called_alike() -> None:
    assert similarity.groups(tokens([[1, 2, 3]] * 3)).tolist() == [0, 1, 2]


def test_the_same_system_prompt_does_not_make_examples_alike() -> None:
    system = {"role": "system", "content": " ".join(WORDS * 40)}
    lines = [line({"messages": [system, *varied(n)["messages"]]}) for n in range(60)]
    assert scan(b"".join(lines)).counts == {}


def test_a_split_has_no_leakage_and_is_the_same_every_time(tmp_path: Path) -> None:
    pairs = [talk({**USER, "content": f"{' '.join(WORDS)} {n}"}, ANSWER) for n in range(20)]
    near = [NEAR, NEARER, NEAR, line(varied(3)), talk(varied(4)["messages"][0], ANSWER)]
    source = tmp_path / "all.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + good(200) + b"\n" + b"".join(near + pairs).rstrip())
    halves = []
    for run in ("one", "two"):
        parts = tmp_path / f"{run}-t.jsonl", tmp_path / f"{run}-v.jsonl"
        kept, held = split_file(source, *parts, 0.2, 7)
        assert kept + held == 225
        assert held == pytest.approx(45, abs=6)
        halves.append([part.read_bytes() for part in parts])
    assert halves[0] == halves[1]
    training, validation = halves[0]
    assert sorted(training.splitlines() + validation.splitlines()) == sorted(
        content for content in source.read_bytes()[3:].splitlines() if content
    )
    assert not judged(training, validation).leaks
    split_file(source, *parts, 0.2, 8)
    assert parts[1].read_bytes() != validation


def test_a_mended_copy(tmp_path: Path) -> None:
    odd = talk({"content": "Hi", "role": "user"}, {**ANSWER, "content": "Ho. "}).rstrip()
    broken = b'{"messages": [\n'
    twice = b'{"messages": [], "messages": []}\n'
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + good(2) + b"\r\n" + odd + b"\n" + good(1) + broken + twice)
    mended = mend(source, target)
    assert mended.sentence() == (
        "fixed: removed 1 byte order mark, removed 1 blank line, removed 1 exact repetition, "
        "put the keys of 1 line in order, removed whitespace around 1 answer"
    )
    assert target.read_bytes() == good(2) + talk(USER, ANSWER) + broken + twice
    assert mend(target, target).sentence() == "fixed: there was nothing to fix"
