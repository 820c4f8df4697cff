"""The datasets of examples/ as the check finds them, and what each of them is there to show."""

import json
import runpy
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local.demo import prompt, said
from local.stack import ROOT
from shared.model.evaluation import Answer, Call, example_of
from shared.model.scores import Metric, rubric_of
from tunedrop.__main__ import cli

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/training_set.jsonl"))
SIGNS = runpy.run_path(str(ROOT / "examples/draw_signs.py"))
FILES = ("training_set.jsonl", "validation_set.jsonl")
# By which score a new version of each is told from its base model.
DECIDING = {
    "butler": Metric.TOOL_CALLS,
    "captain": Metric.TOKEN_F1,
    "desks": Metric.EXACT_MATCH,
    "direct": Metric.PREFERRED,
    "parrot": Metric.TOKEN_F1,
    "signs": Metric.EXACT_MATCH,
    "tickets": Metric.JSON_FIELDS,
}
each = pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)


def lines(folder: Path, name: str = "validation_set.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


@each
def test_the_check_has_nothing_to_say_of_it(folder: Path) -> None:
    """But that there are few examples, or that most answers are the parrot's."""
    done = CliRunner().invoke(cli, ["check", str(folder), "--json"])
    report = json.loads(done.stdout)
    assert report["verdict"] == "accepted"
    found = {finding["id"] for file in report["files"] for finding in file["findings"]}
    assert found <= {"few-examples"} | ({"repeated-answer"} if folder.name == "parrot" else set())


@each
def test_it_can_be_compared_by_the_score_that_it_is_for(folder: Path) -> None:
    found = [example_of(number, line) for number, line in enumerate(lines(folder), 1)]
    rubrics = [rubric_of(example) for example in found if example]
    assert len(rubrics) == len(found) >= 8
    assert any(DECIDING[folder.name] in rubric.deciding for rubric in rubrics)


@each
def test_the_readme_says_how_many_examples_it_has(folder: Path) -> None:
    readme = (ROOT / "examples" / "README.md").read_text("utf-8")
    (row, *_) = (line for line in readme.splitlines() if line.startswith(f"| `{folder.name}/` |"))
    counts = [str(len(lines(folder, name))) for name in FILES]
    assert [cell.strip() for cell in row.split("|")[-3:-1]] == counts


@each
def test_the_demo_asks_what_it_was_not_trained_on(folder: Path) -> None:
    request = prompt(folder, None)
    first = example_of(1, lines(folder)[0])
    assert first and request == first.request
    otherwise = prompt(folder, "And now?")["messages"]
    assert otherwise[:-1] == request["messages"][:-1]
    before, now = (one[-1]["content"] for one in (request["messages"], otherwise))
    if isinstance(before, str):
        assert now == "And now?"
    else:
        assert (now[0]["text"], now[1:]) == ("And now?", before[1:])


def test_the_demo_shows_what_was_called() -> None:
    call = Call(name="set_light", arguments='{"room": "study"}')
    assert said(Answer(text=" Aye. ")) == "Aye."
    assert said(Answer(calls=(call, call))) == "\n".join(['set_light({"room": "study"})'] * 2)


def seen(line: dict[str, Any]) -> tuple[bytes, str]:
    """The pixels of an example's picture, and its answer."""
    picture = line["messages"][1]["content"][1]["image_url"]
    content = b64decode(picture["url"].removeprefix("data:image/png;base64,"))
    (size,) = (int.from_bytes(content[at - 4 : at]) for at in [content.index(b"IDAT")])
    begins = content.index(b"IDAT") + 4
    return zlib.decompress(content[begins : begins + size]), line["messages"][2]["content"]


@pytest.mark.parametrize(("name", "each_of", "seed"), SIGNS["SETS"])
def test_the_pictures_are_those_of_the_script(name: str, each_of: int, seed: int) -> None:
    made = [seen(json.loads(line)) for line in SIGNS["examples"](each_of, seed)]
    assert made == [seen(line) for line in lines(ROOT / "examples" / "signs", f"{name}.jsonl")]
    assert len({pixels for pixels, _ in made}) == len(made)


def test_no_picture_is_in_both_sets() -> None:
    sets = [{seen(line)[0] for line in lines(ROOT / "examples" / "signs", name)} for name in FILES]
    assert not sets[0] & sets[1]


def test_the_better_answer_of_a_preference_is_not_always_the_shorter_one() -> None:
    """Or a model would learn to be short."""
    pairs = [
        [line[key][0]["content"] for key in ("preferred_output", "non_preferred_output")]
        for line in lines(ROOT / "examples" / "direct", FILES[0])
    ]
    longer = sum(len(better) > len(worse) for better, worse in pairs)
    assert 3 * longer > len(pairs)
