"""`tunedrop convert`: what becomes of other formats, and what is said of all that does not fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.dataset.checks.example_checks import check_example
from shared.dataset.findings.finding import Severity
from shared.dataset.findings.table import TABLE
from shared.dataset.reading.limits import Steps
from tests.support.converted import (
    ALPACA,
    ASKED,
    CHAT,
    COMPLETION,
    FORMS,
    GPT,
    HUMAN,
    LOOK,
    PREFERENCE,
    SAID,
    SHAREGPT,
    TOOL,
    WORSE,
    convert,
    written,
)


def errors(example: Any) -> list[str]:
    found = check_example(example, Steps())
    return [finding.id for finding in found if TABLE[finding.id].severity is Severity.ERROR]


@pytest.mark.parametrize(("name", "record", "example"), FORMS)
def test_a_record_becomes_an_example_that_the_check_takes(
    tmp_path: Path, name: str, record: Any, example: Any
) -> None:
    done, found = convert(written(tmp_path, record), "--json")
    assert (done.exit_code, found) == (0, [example]), done.output
    report = json.loads(done.stdout)
    assert (report["format"], report["left_out"], report["without"]) == (name, [], [])
    assert errors(example) == []
    assert convert(written(tmp_path, record), "--from", name)[1] == [example]


TURN = {"from": "narrator", "value": "Once."}
LEFT_OUT: list[tuple[str, Any, str]] = [
    ("sharegpt", {"conversations": [HUMAN, TURN, GPT]}, 'turn 1 of `conversations` is from "narr'),
    ("sharegpt", {"conversations": [HUMAN, "x"]}, 'turn 1 of `conversations` is "x", not an obj'),
    ("sharegpt", {"conversations": [HUMAN, {"from": "gpt", "value": None}]}, "is null, not a text"),
    ("sharegpt", {"conversations": [HUMAN]}, "nobody answers"),
    ("sharegpt", {"conversations": []}, "no `conversations`"),
    ("sharegpt", {"conversations": [HUMAN, {"from": "function_call", "value": "x"}]}, "no JSON"),
    ("sharegpt", {"conversations": [HUMAN, {"from": "tool", "value": "1"}, GPT]}, "not called"),
    ("alpaca", {"instruction": "Go.", "output": ""}, "`output` is empty"),
    ("alpaca", {"instruction": "Go.", "output": 5}, "`output` is 5, not a text"),
    ("prompt-completion", {"prompt": "", "completion": "x"}, "`prompt` is empty"),
    ("prompt-completion", {"prompt": "x", "completion": "y", "label": False}, "`label` is false"),
    ("trl-preference", {"chosen": "It is blue.", "rejected": "It is red."}, "it has no prompt"),
    ("trl-preference", {"prompt": "x", "chosen": "y", "rejected": "y"}, "say the same"),
    (
        "trl-preference",
        {"prompt": [ASKED], "chosen": [SAID], "rejected": [{**WORSE, "role": "user"}]},
        "`rejected` has a message from the user",
    ),
    (
        "trl-preference",
        {"prompt": "Other", "chosen": [ASKED, SAID], "rejected": [ASKED, WORSE]},
        "the prompt is not what",
    ),
    (
        "trl-preference",
        {"chosen": [ASKED, SAID, ASKED, SAID], "rejected": [ASKED, WORSE, ASKED, WORSE]},
        "`chosen` has a message from the user",
    ),
    (
        "openai-legacy",
        {"messages": [ASKED, {"role": "function", "name": "look", "content": "1"}, SAID]},
        "message 1 answers a function that was not called",
    ),
    ("openai-legacy", {"messages": [ASKED], "functions": [1]}, "not a list of definitions"),
    ("openai-legacy", {"messages": [ASKED], "functions": [LOOK], "tools": [TOOL]}, "and `tools`"),
]


@pytest.mark.parametrize(("name", "record", "why"), LEFT_OUT)
def test_what_cannot_be_carried_over_is_left_out_and_told_by_its_line(
    tmp_path: Path, name: str, record: Any, why: str
) -> None:
    good = next(form[1] for form in FORMS if form[0] == name)
    done, found = convert(written(tmp_path, good, record, good), "--from", name)
    assert done.exit_code == 1
    assert len(found) == 2
    assert "left out: line 2: " in done.stdout
    assert why in done.stdout
    assert "2 examples" in done.stdout
    assert "1 left out" in done.stdout


def test_parts_that_are_not_carried_over_are_told_with_their_lines(tmp_path: Path) -> None:
    record = {"conversations": [{**HUMAN, "mood": "bright"}, GPT, HUMAN], "id": "7", "score": None}
    done, found = convert(written(tmp_path, *[record] * 7))
    assert (done.exit_code, found) == (0, [CHAT] * 7)
    assert "without the key 'id': lines 1, 2, 3, 4, 5 and 2 more\n" in done.stdout
    assert "without the key 'mood' of turns: lines" in done.stdout
    assert "without the turns after the last answer: lines" in done.stdout
    assert "score" not in done.stdout


def test_a_line_that_is_no_json_is_left_out_and_the_others_are_not(tmp_path: Path) -> None:
    path = written(tmp_path, *[form[0] for form in ALPACA[:2]])
    path.write_bytes(path.read_bytes() + b'{"instruction": \n[1]\n')
    done, found = convert(path, "--json")
    assert (done.exit_code, found) == (1, [CHAT, CHAT])
    assert [left["place"] for left in json.loads(done.stdout)["left_out"]] == [3, 4]


def test_a_key_that_stands_twice_loses_nothing_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    turns = [
        '{"from": "human", "value": "Hi"}',
        '{"from": "gpt", "value": "Ho", "value": "He"}',
        '{"from": "gpt", "value": "Ho"}',
    ]
    one = f'{{"conversations": [{turns[0]}, {turns[1]}]}}'
    two = f'{{"conversations": [{turns[0]}, {turns[2]}]}}'
    for text, place in (
        (f"{one}\n{two}\n", "line 1"),
        (f"[{two}, {one}]", "entry 2"),
        (f"{two} {one}".replace(": [", ":\n ["), "line 2"),
    ):
        path.write_text(text)
        done, found = convert(path)
        assert (done.exit_code, len(found)) == (1, 1)
        assert f"left out: {place}: it has the key 'value' twice" in done.stdout
    path.write_text('{"instruction": "a", "instruction": "b", "output": "c"}\n')
    assert "it has the key 'instruction' twice" in convert(path)[0].output


def test_a_number_is_no_completion(tmp_path: Path) -> None:
    done, _ = convert(written(tmp_path, {"prompt": "a", "completion": 1.1}, COMPLETION[0][0]))
    assert "`completion` is 1.1, neither a text nor messages" in done.stdout


def test_what_the_check_would_refuse_is_left_out(tmp_path: Path) -> None:
    def turns(*said: tuple[str, Any], **more: Any) -> dict[str, Any]:
        return {"conversations": [{"from": who, "value": what} for who, what in said], **more}

    asked, call = ("human", "How high is it?"), ("function_call", '{"name": "f"}')
    records = [
        turns(asked, ("gpt", "")),
        turns(("human", ["x"]), ("gpt", "b")),
        turns(("gpt", "b")),
        turns(asked, call, ("observation", "1"), ("gpt", "x"), tools="[]"),
        turns(asked, ("gpt", "Ten metres.")),
    ]
    records[4]["conversations"][0]["weight"] = 1
    done, found = convert(written(tmp_path, *records, turns(asked, ("gpt", "Ten metres."))))
    assert (done.exit_code, found) == (1, [CHAT])
    assert done.stdout.count("the check would refuse it: ") == 5
    assert "line 3: the check would refuse it: No message is from a user\n" in done.stdout
    path = tmp_path / "ours.json"
    path.write_text(json.dumps([{"messages": []}, CHAT]))
    assert convert(path)[1] == [{"messages": []}, CHAT]  # the check tells what is wrong there


def test_a_half_of_a_character_and_numbers_that_are_none_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    half = r'{"prompt": "Say \ud83d", "completion": "x"}'
    nan = '{"prompt": [{"role": "user", "content": [{"n": NaN}]}], "completion": "x"}'
    path.write_text(f"{half}\n{nan}\n" + json.dumps(COMPLETION[0][0]) + "\n")
    done, found = convert(path)
    assert found == [CHAT]
    assert "line 1: a text has half of a character" in done.stdout
    assert "line 2: it holds a number" in done.stdout


# ---- which format it is


def test_the_format_is_named_with_its_evidence(tmp_path: Path) -> None:
    done, _ = convert(written(tmp_path, SHAREGPT[0][0], SHAREGPT[2][0], {"text": "x"}))
    assert "in.jsonl (JSONL) is sharegpt: 2 of 3 records have `conversations`" in done.stdout
    assert "whose turns have `from`, first line 1\n" in done.stdout
    assert "left out: line 3: it has no `conversations`" in done.stdout


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([SHAREGPT[0][0], ALPACA[0][0]], "fits 2 formats. sharegpt: 1 of 2 records"),
        ([{**ALPACA[0][0], **SHAREGPT[0][0]}], "fits 2 formats"),
        ([{"text": "x"}], "is none of sharegpt, alpaca"),
        ([CHAT, PREFERENCE], "is in this app's format"),
        ([{}], "has no record that can be read (line 1: it is empty)"),
    ],
)
def test_what_fits_no_format_or_two_is_refused(
    tmp_path: Path, records: list[object], said: str
) -> None:
    done, found = convert(written(tmp_path, *records))
    assert (done.exit_code, found) == (2, [])
    assert said in done.stderr


def test_a_format_that_is_not_there_is_refused_with_what_is(tmp_path: Path) -> None:
    done, found = convert(written(tmp_path, ALPACA[0][0]), "--from", "sharegpt")
    assert (done.exit_code, found) == (2, [])
    assert "is sharegpt; it has 'instruction', 'output'" in done.stderr
    assert convert(written(tmp_path, ALPACA[0][0]), "--from", "magic")[0].exit_code == 2


def test_other_keys_are_taken_when_they_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, {"q": "How high is it?", "a": "Ten metres."})
    done, found = convert(path, "--user", "q", "--assistant", "a")
    assert (done.exit_code, found) == (0, [CHAT])
    assert (
        "has no 'b'; it has 'a', 'q'" in convert(path, "--user", "b", "--assistant", "a")[0].stderr
    )
    assert convert(path, "--user", "q")[0].exit_code == 2


# ---- prompt and completion from before there was chat


def test_marks_that_all_have_are_taken_off_and_told(tmp_path: Path) -> None:
    records = [
        {"prompt": f"How high is {name}?\n\n###\n\n", "completion": f" {size} metres. END"}
        for name, size in (("it", "Ten"), ("she", "Two"))
    ]
    done, found = convert(written(tmp_path, *records))
    assert [m["content"] for e in found for m in e["messages"]] == [
        "How high is it?", "Ten metres.", "How high is she?", "Two metres."
    ]  # fmt: skip
    assert r"taken off the end of every prompt: '\n\n###\n\n'" in done.stdout
    assert "taken off the end of every completion: ' END'" in done.stdout
    assert "taken off the beginning of every completion: a blank" in done.stdout


def test_marks_that_some_have_stay(tmp_path: Path) -> None:
    records = [{"prompt": "a ->", "completion": " b"}, {"prompt": "c", "completion": "d"}]
    done, found = convert(written(tmp_path, *records))
    assert [m["content"] for m in found[0]["messages"]] == ["a ->", " b"]
    assert "taken off" not in done.stdout
    done, found = convert(written(tmp_path, records[0]))  # one alone shows nothing
    assert [m["content"] for m in found[0]["messages"]] == ["a ->", " b"]
