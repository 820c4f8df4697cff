"""`tunedrop check` and `tunedrop split` as people and pipelines call them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.dataset.builders import good, line, talk, varied
from tunedrop.__main__ import cli

run = CliRunner()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    content = {"good": good(60), "bad": good(12) + b"{\n" + talk({"role": "bot"}), "few": b""}
    content["held"] = line(varied(3))
    for name, data in content.items():
        (tmp_path / f"{name}.jsonl").write_bytes(data)
    return {name: str(tmp_path / f"{name}.jsonl") for name in content}


def test_a_good_file(files: dict[str, str]) -> None:
    result = run.invoke(cli, ["check", files["good"], "--epochs", "3"])
    assert result.exit_code == 0
    assert "accepted" in result.stdout
    assert "60 examples" in result.stdout
    assert "to train gpt-4.1-nano-2025-04-14 (globalStandard, 3 epochs)" in result.stdout


def test_a_bad_file(files: dict[str, str]) -> None:
    result = run.invoke(cli, ["check", files["bad"], files["few"]])
    assert result.exit_code == 1
    assert f"{files['bad']}:13:" in result.stdout
    assert f"{files['bad']}:14: message 0: The role is " + '"bot".' in result.stdout
    assert "(empty)" in result.stdout


def test_json_and_html(files: dict[str, str], tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    arguments = ["check", files["good"], "--validation", files["held"], "--json"]
    result = run.invoke(cli, [*arguments, "--html", str(html)])
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert [file["role"] for file in data["files"]] == ["training", "validation"]
    assert data["files"][1]["counts"] == {"leakage": 1}
    assert "Dataset report" in html.read_text(encoding="utf-8")


def test_annotations_for_github(files: dict[str, str]) -> None:
    result = run.invoke(cli, ["check", files["bad"], "--github"])
    assert result.exit_code == 1
    assert f"::error file={files['bad']},line=13,title=not-json::The line" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "nowhere.jsonl"],
        ["check", "nowhere.jsonl", "--method", "magic"],
        ["check", "a.jsonl", "b.jsonl", "--fix", "c.jsonl"],
        ["check", "nowhere.jsonl", "--epochs", "0"],
        ["split", "nowhere.jsonl", "--training", "t", "--validation", "v"],
    ],
)
def test_a_wrong_call_is_a_wrong_call(arguments: list[str]) -> None:
    assert run.invoke(cli, arguments).exit_code == 2


def test_a_method_that_is_none_is_told_by_its_name(files: dict[str, str]) -> None:
    result = run.invoke(cli, ["check", files["good"], "--method", "magic"])
    assert result.exit_code == 2
    assert "'magic' is neither supervised nor dpo" in result.output


@pytest.mark.parametrize(("epochs", "said"), [([], "3 epochs, a guess)"), (["3"], "3 epochs)")])
def test_a_price_says_whether_it_rests_on_a_guess(
    files: dict[str, str], epochs: list[str], said: str
) -> None:
    options = ["--epochs", *epochs] if epochs else []
    assert said in run.invoke(cli, ["check", files["good"], "--quick", *options]).stdout


def test_a_budget_rejects(files: dict[str, str]) -> None:
    result = run.invoke(cli, ["check", files["good"], "--budget", "0.001"])
    assert result.exit_code == 1
    assert "the budget is $0.00" in result.stdout


def test_fix_writes_a_copy(files: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    result = run.invoke(cli, ["check", files["good"], "--fix", str(copy)])
    assert result.exit_code == 0
    assert "nothing to fix" in result.stderr
    assert copy.read_bytes() == good(60)


def test_split(files: dict[str, str], tmp_path: Path) -> None:
    parts = [str(tmp_path / name) for name in ("t.jsonl", "v.jsonl")]
    arguments = ["split", files["good"], "--training", parts[0], "--validation", parts[1]]
    result = run.invoke(cli, arguments)
    assert result.exit_code == 0
    assert "54 examples" in result.stdout


def test_a_split_that_holds_nothing_out_says_so_and_writes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "voice.jsonl"
    source.write_bytes(good(1) * 30)
    parts = [str(tmp_path / name) for name in ("t.jsonl", "v.jsonl")]
    call = ["split", str(source), "--training", parts[0], "--validation", parts[1]]
    result = run.invoke(cli, call)
    assert result.exit_code == 2
    assert "all 30 examples ask the same" in result.stderr
    assert list(tmp_path.iterdir()) == [source]


def test_quick_leaves_out_the_checks_of_texts(files: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "private.jsonl"
    path.write_bytes(
        good(60)
        + talk(
            {"role": "user", "content": "me@contoso.com"}, {"role": "assistant", "content": "Yes."}
        )
    )
    for arguments, reported in (([], True), (["--quick"], False)):
        result = run.invoke(cli, ["check", str(path), *arguments])
        assert ("personal-data" in result.stdout) is reported


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("--region", "mars", ""),
        ("--region", "swedncentral", "swedencentral"),
        ("--sku", "Foo", ""),
        ("--sku", "globlStandard", "GlobalStandard"),
    ],
)
def test_a_place_or_a_sku_that_is_none_is_refused_with_the_nearest(
    files: dict[str, str], option: str, value: str, near: str
) -> None:
    result = run.invoke(cli, ["check", files["good"], option, value], env={"COLUMNS": "400"})
    assert result.exit_code == 2
    assert value in result.output
    assert f"The nearest name is {near}" in result.output


@pytest.mark.parametrize(
    "taken", [("--region", "Sweden Central"), ("--region", "usgovarizona"), ("--sku", "developer")]
)
def test_a_place_or_a_sku_may_be_written_as_people_do(
    files: dict[str, str], taken: tuple[str, str]
) -> None:
    assert run.invoke(cli, ["check", files["good"], *taken]).exit_code == 0
