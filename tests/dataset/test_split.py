"""Two files out of one where little can be told apart, and what is said where none can be."""

import json
from pathlib import Path

import pytest

from shared.dataset.split import CannotSplit, Split, split_file
from tests.dataset.builders import USER, good, judged, line, varied


def answers(*counts: int) -> bytes:
    """So many answers to each of some prompts, that resemble one another in nothing."""
    asked = [varied(1000 + number)["messages"][0] for number in range(len(counts))]
    lines = [
        line({"messages": [asked[prompt], varied(100 * prompt + number)["messages"][1]]})
        for prompt, count in enumerate(counts)
        for number in range(count)
    ]
    return b"".join(lines)


def halves(source: bytes, folder: Path, share: float = 0.1) -> tuple[Split, list[bytes]]:
    whole, *parts = (folder / name for name in ("all.jsonl", "training.jsonl", "validation.jsonl"))
    whole.write_bytes(source)
    made = split_file(whole, parts[0], parts[1], share, 0)
    return made, [part.read_bytes() for part in parts]


@pytest.mark.parametrize(
    ("groups", "share", "held"),
    [
        ((10,) * 4, 0.1, 10),  # a quarter comes nearest to a tenth
        ((6,) * 5, 0.1, 6),
        ((20, 20), 0.5, 20),
        ((20, 20), 0.2, 20),
        ((30, 9, 3), 0.1, 3),
        ((14, 4, 3, 3), 0.25, 6),
        ((30, 6, 1), 0.1, 1),  # 7 are farther from 4 than 1 is
        ((30, 3, 1), 0.1, 4),
        ((1,) * 40, 0.1, 4),
        ((1, 1, 1, 1), 0.1, 1),
    ],
)
def test_a_few_large_groups_are_divided_as_well_as_they_can_be(
    groups: tuple[int, ...], share: float, held: int, tmp_path: Path
) -> None:
    made, (training, validation) = halves(answers(*groups), tmp_path, share)
    assert (made.training, made.validation) == (sum(groups) - held, held)
    assert not judged(training, validation).leaks


@pytest.mark.parametrize(
    ("source", "message", "fix"),
    [
        (answers(40), "all 40 examples ask the same", "of other prompts"),
        (answers(20, 20), "of 2 groups has 20 of 40 examples", "a share of 0.17"),
        (answers(6, 6), "of 2 groups has 6 of 12 examples", "of other prompts"),
        (answers(1), "all 1 example ask", "of other prompts"),
        (good(10), "10 must be left to train on", "of other prompts"),
        (b"", "no example could be read", "tunedrop check"),
        (b"[1]\n\n{\n", "no example could be read", "tunedrop check"),
    ],
)
def test_where_nothing_can_be_held_out_nothing_is_written_and_it_is_said(
    source: bytes, message: str, fix: str, tmp_path: Path
) -> None:
    with pytest.raises(CannotSplit) as told:
        halves(source, tmp_path)
    assert message in told.value.message
    assert fix in told.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["all.jsonl"]


def test_the_share_that_is_named_is_one_that_holds_something_out(tmp_path: Path) -> None:
    made, _ = halves(answers(20, 20), tmp_path, 0.17)
    assert made.validation == 20


def test_a_set_that_the_service_takes_leaves_one_that_it_takes(tmp_path: Path) -> None:
    made, (training, _) = halves(good(11), tmp_path, 0.5)
    assert (made.training, made.validation) == (10, 1)
    assert "too-few-examples" not in judged(training).files[0].counts


def test_lines_that_cannot_be_read_are_told_and_are_trained_on(tmp_path: Path) -> None:
    odd = b'\n{"messages": [\n[1]\n' + line({"text": "Hi"}) + b" \n"
    source = b"\xef\xbb\xbf" + good(15) + odd + good(30)[len(good(15)) :] + b'{"x"'
    made, (training, validation) = halves(source, tmp_path)
    assert made.unreadable == (17, 18, 19, 36)
    assert made.training + made.validation == 34
    assert made.validation == len(validation.splitlines()) == 3
    assert b"[1]\n" in training
    assert all(json.loads(one) for one in validation.splitlines())


def test_one_question_about_many_pictures_is_divided(tmp_path: Path) -> None:
    def seen(number: int) -> bytes:
        url = {"url": f"https://pictures/{number}.png"}
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]
        return line({"messages": [{**USER, "content": parts}, varied(number)["messages"][1]]})

    made, (training, validation) = halves(b"".join(map(seen, range(30))), tmp_path)
    assert (made.training, made.validation) == (27, 3)
    assert not judged(training, validation).leaks
