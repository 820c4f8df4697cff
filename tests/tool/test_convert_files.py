"""`tunedrop convert`: the files that it reads, tables among them, and where it writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.converted import ALPACA, ASKED, CHAT, PREFERENCE, SAID, SYSTEM, convert, written
from tunedrop.__main__ import cli


def test_an_array_and_json_over_several_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text(json.dumps([ALPACA[0][0], 5, ALPACA[1][0]], indent=2))
    done, found = convert(path)
    assert (done.exit_code, found) == (1, [CHAT, CHAT])
    assert "left out: entry 2: it is 5, not an object" in done.stdout
    path.write_text("\n".join(json.dumps(form[0], indent=2) for form in ALPACA[:3]))
    assert convert(path)[1] == [CHAT] * 3
    path.write_text(json.dumps([CHAT, CHAT]))
    done, found = convert(path)
    assert (done.exit_code, found) == (0, [CHAT, CHAT])
    path.write_text('[{"a": 1},')
    assert "begins like a JSON array" in convert(path)[0].stderr


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_as_spreadsheets_write_it(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    path = tmp_path / "in.csv"
    rows = ['Question{}"Answer"', 'How high is it?{}"Ten, or ""10"";\nmetres é"', "x{}y"]
    path.write_text(
        "\r\n".join(rows).format(*[delimiter] * 3).replace("{}", delimiter),
        encoding=encoding,
        newline="",
    )
    done, found = convert(path)
    assert done.exit_code == 0, done.output
    assert found[0]["messages"][1]["content"] == 'Ten, or "10";\nmetres é'
    assert len(found) == 2
    assert "(CSV with" in done.stdout
    assert "'Question' asks, 'Answer' answers" in done.stdout


TABLES: list[tuple[str, Any]] = [
    ("instruction,input,output\nHow high is it?,,Ten metres.\n", CHAT),
    ("Prompt,Chosen,Rejected\nHow high is it?,Ten metres.,Who knows.\n", PREFERENCE),
    (
        "user,assistant,system\nHow high is it?,Ten metres.,Be brief.\n",
        {"messages": [SYSTEM, ASKED, SAID]},
    ),
    ("prompt,completion\nHow high is it?,Ten metres.\n", CHAT),
]


@pytest.mark.parametrize(("text", "example"), TABLES)
def test_the_columns_say_what_the_rows_are(tmp_path: Path, text: str, example: Any) -> None:
    path = tmp_path / "in.csv"
    path.write_text(text)
    assert convert(path)[1] == [example]


def test_rows_that_do_not_fit_are_told_by_the_line_where_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('question,answer,note\n"a\nb",c,n\nd,\ne,f,\ng,,\n')
    done, found = convert(path)
    assert (done.exit_code, len(found)) == (1, 2)
    assert "left out: line 4: it has 2 cells; the header has 3" in done.stdout
    assert "left out: line 6: the column 'answer' is empty" in done.stdout
    assert "without the key 'note': line 2\n" in done.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Frage,Antwort\na,b\n", "--user COLUMN --assistant COLUMN"),
        (b"question,answer,prompt,completion\na,b,c,d\n", "--user COLUMN"),
        (b"question,question\na,b\n", "with the same name"),
        (b"just a text\nand another\n", "--delimiter"),
        (b"PAR1\x00\x00", "read_parquet"),
        (b"PK\x03\x04\x00", "a ZIP archive"),
        (b"question,answer\na,\xff\n", "see line 2"),
        (b"  \n", "is empty"),
        (b",\n,\n", "has no row"),
        (b"sep=;\n", "has no row"),
    ],
)
def test_a_file_that_does_not_tell_what_it_is_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    done, found = convert(path)
    assert (done.exit_code, found) == (2, [])
    assert said in done.stderr


def test_what_excel_writes_before_the_header_names_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("sep=|\r\n\r\nquestion|answer|n\r\nHow high is it?|Ten metres.|\r\na|\r\n")
    done, found = convert(path)
    assert (done.exit_code, found) == (1, [CHAT])
    assert "left out: line 5: it has 2 cells" in done.stdout


def test_our_own_format_in_utf16_becomes_utf8(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(f"{json.dumps(CHAT)}\n" * 2, encoding="utf-16")
    done, found = convert(path)
    assert (done.exit_code, found) == (0, [CHAT, CHAT])
    assert "(JSONL in UTF-16) is this app's format" in done.stdout


def test_the_command_that_is_named_can_be_copied(tmp_path: Path) -> None:
    (tmp_path / "my data").mkdir()
    done, _ = convert(written(tmp_path / "my data", ALPACA[0][0]))
    assert f"now: tunedrop check '{tmp_path / 'my data' / 'out.jsonl'}'" in done.stdout


def test_columns_and_a_delimiter_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("Frage:Antwort\nHow high is it?:Ten metres.\n")
    options = ["--delimiter", ":", "--user", "Frage", "--assistant", "Antwort"]
    assert convert(path, *options)[1] == [CHAT]
    path.write_text("Frage\tAntwort\nHow high is it?\tTen metres.\n")
    assert convert(path, "--delimiter", "tab", *options[2:])[1] == [CHAT]


ROWS = [f"q{n} is long?,a{n} is it" for n in range(100)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({3: 'q3,"unterminated'}, "opened in line 5 is not closed"),
        ({3: '"q3 is broken,a3'}, "opened in line 5 is not closed"),
        ({3: '"q3 is\nfine","a3'}, "opened in line 6 is not closed"),
        ({3: 'q3,"He said" and left'}, "line 5: text follows the quote"),
        ({3: 'q3,"a3 is 5', 50: 'q50,a50 is "big"'}, "lines 5 to 52: text follows the quote"),
        ({3: '"q3 is broken,a3', 50: 'q50",a50'}, "line 5 holds what looks like 48 rows"),
        ({3: 'q3,"a3', 4: 'q4,a4"'}, "line 5 holds what looks like 2 rows, up to line 6"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_stray_quote_takes_no_row_with_it(
    tmp_path: Path, delimiter: str, wrong: dict[int, str], said: str
) -> None:
    path = tmp_path / "in.csv"
    rows = ["question,answer", *(wrong.get(n, row) for n, row in enumerate(ROWS))]
    path.write_text("\n".join(rows).replace(",", delimiter) + "\n")
    done, found = convert(path)
    assert (done.exit_code, found) == (2, [])
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "answer",
    [
        "Two lines,\nplain",
        "Hello\nDear Sir, bye\nYours, Ann",
        "Paragraphs\n\nwith,commas\n\nin,them",
        'He said ""yes"", twice\nand left',
        "5 inch\n",
    ],
)
def test_a_cell_of_several_lines_is_one(tmp_path: Path, answer: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(f'question,answer\n{ROWS[0]}\nq1,"{answer}"\n{ROWS[2]}\na 5" pipe,fits\n')
    done, found = convert(path)
    assert (done.exit_code, len(found)) == (0, 4), done.output
    path.write_text('"question","answer"\n"q1","a,b\nc,d"\n"q2","e"\n')
    assert len(convert(path)[1]) == 2


def test_where_cells_have_several_lines_one_that_may_be_rows_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    text = "question,answer\n" + 'q,"one\ntwo"\n' * 2 + 'q3,"Here:\nf(a,b)"\n'
    path.write_text(text)
    done, found = convert(path)
    assert (done.exit_code, len(found)) == (1, 2)
    assert "left out: line 6: a quote that is opened in line 6 holds" in done.stdout
    path.write_text(text + '"q4,a4\n' + "q,a\n" * 4 + 'q5",a5\n')
    assert convert(path)[0].exit_code == 2
    path.write_text(text + 'q3,"Here:\nf(a,b)"\n' * 2)
    assert convert(path)[0].exit_code == 2


# ---- where it goes


def test_the_output_takes_the_examples_alone(tmp_path: Path) -> None:
    path = written(tmp_path, ALPACA[0][0])
    for arguments, given in (([str(path)], None), (["-"], path.read_bytes())):
        done = CliRunner().invoke(cli, ["convert", *arguments], input=given)
        assert done.exit_code == 0
        assert json.loads(done.stdout_bytes) == CHAT
        assert "is alpaca" in done.stderr
    assert CliRunner().invoke(cli, ["convert", str(path), "--json"]).exit_code == 2


def test_nothing_is_written_where_nothing_was_carried_over(tmp_path: Path) -> None:
    done, found = convert(written(tmp_path, {"instruction": "", "output": "x"}))
    assert (done.exit_code, found) == (2, [])
    assert "left out: line 1: `instruction` is empty" in done.stdout
    assert "nothing could be carried over" in done.stderr
    assert "does not exist" in convert(tmp_path / "nowhere")[0].stderr


def test_the_check_that_is_named_takes_what_was_written(tmp_path: Path) -> None:
    pair = {"prompt": "How high is it?", "chosen": "Ten metres.", "rejected": "No idea."}
    for form, options in ((ALPACA[0][0], []), (pair, ["--method", "dpo"])):
        done, _ = convert(written(tmp_path, *[form] * 12))
        command = done.stdout.rpartition("; now: tunedrop ")[2].split()
        assert command[2:] == options
        assert CliRunner().invoke(cli, command).exit_code == 0
