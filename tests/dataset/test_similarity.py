"""Which examples are called alike."""

import random

import numpy as np
import pytest

from shared.dataset.measure import similarity
from tests.dataset.builders import WORDS, line, scan, varied


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
