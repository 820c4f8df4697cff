"""Which examples are called alike."""

import random
from typing import Any

import numpy as np
import pytest

from shared.dataset.measure import similarity
from tests.dataset.builders import WORDS, line, scan, varied


def tokens(examples: list[list[int]], pictures: tuple[int, ...] = ()) -> similarity.Signatures:
    flat = np.array([token for example in examples for token in example], np.uint32)
    lengths = np.array([len(e) for e in examples], np.int64)
    shown = np.array(pictures or [0] * len(examples), np.uint64)
    return similarity.signatures(flat, lengths, shown)


def test_a_signature_is_the_same_whatever_stands_beside_the_example() -> None:
    (alone,) = tokens([[*range(50)]])
    beside, with_another, with_one = tokens([[*range(50)]] * 3, (0, 7, 9))
    assert alone.tolist() == beside.tolist()
    assert len({found.tobytes() for found in (beside, with_another, with_one)}) == 3


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


def least(count: int, one: list[int], other: list[int]) -> list[int]:
    """The least that each is linked with, found in the plainest way."""
    labels = list(range(count))
    for _ in range(count):
        for a, b in zip(one, other, strict=True):
            labels[a] = labels[b] = min(labels[a], labels[b])
    return labels


def test_links_are_followed_in_few_rounds_whatever_the_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(1)
    for _ in range(300):
        count = chance.randint(1, 20)
        one, other = ([chance.randrange(count) for _ in range(15)] for _ in range(2))
        found = similarity.connect(np.arange(count), np.array(one), np.array(other))
        assert found.tolist() == least(count, one, other)
    rounds: list[int] = []
    monkeypatch.setattr(similarity, "np", _Counting(rounds))
    size = 1 << 12
    backwards = np.array([int(f"{n:012b}"[::-1], 2) for n in range(size)])
    assert not similarity.connect(np.arange(size), backwards[:-1], backwards[1:]).any()
    assert len(rounds) < 5 * 30


class _Counting:
    """numpy that notes how often arrays are compared."""

    def __init__(self, rounds: list[int]) -> None:
        self._rounds = rounds

    def __getattr__(self, name: str) -> Any:
        if name == "minimum":
            self._rounds.append(1)
        return getattr(np, name)


def test_the_beginnings_of_giants_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "COMPARED", 100)
    chance = random.Random(2)
    words = [chance.randrange(200_000) for _ in range(300)]
    rows = [words[:40], words, words[:100], words[100:], words[:40]]
    flat = np.array([word for row in rows for word in row], np.uint32)
    lengths = np.array([len(row) for row in rows])
    found = similarity.signatures(flat, lengths, np.zeros(len(rows), np.uint64))
    assert found[1].tolist() == found[2].tolist() != found[3].tolist()
    assert found[0].tolist() == found[4].tolist()
