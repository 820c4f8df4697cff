"""Pages that are made from code are as the code would make them now."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import generate

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("module", generate.modules())
def test_a_page_is_as_the_code_makes_it(module: str) -> None:
    page = generate.path_of(module).read_text(encoding="utf-8")
    assert page == generate.made(module), "run: python3 dev.py docs"


def test_every_page_that_says_it_is_made_has_its_module() -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
    # Others tell contributors to call it.
    sign = re.compile(r"\b[Mm]ade\b[^`]*(?:`[^`]*`[^`]*)?`python3 dev\.py docs`|<!-- made: ")
    saying = {page for page, text in texts.items() if sign.search(text)}
    assert len(saying) >= 14
    assert saying <= set(generate.pages())


def test_a_part_is_made_anew_between_its_marks_and_nothing_else_changes() -> None:
    text = "# A\n\n<!-- made: table -->\nold\n\n| x |\n<!-- end -->\n\nkept\n"
    made = generate.filled(text, {"table": "| y |"})
    assert made == "# A\n\n<!-- made: table -->\n| y |\n<!-- end -->\n\nkept\n"


def test_marks_that_nobody_fills_are_an_error() -> None:
    with pytest.raises(generate.PageError, match="tabel"):
        generate.filled("<!-- made: tabel -->\n<!-- end -->\n", {"table": ""})


def test_an_old_page_is_named_and_the_check_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from docs.generate import __main__ as command

    page = tmp_path / "settings.md"
    page.write_text("long ago", encoding="utf-8")
    for module in (generate, command):
        monkeypatch.setattr(module, "DOCS", tmp_path)
    monkeypatch.setattr(generate, "pages", lambda: {page: "today\n"})
    monkeypatch.setattr(command, "pages", generate.pages)
    monkeypatch.setattr(sys, "argv", ["docs", "--check"])
    assert command.main() == 1
    assert "docs/settings.md" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8") == "long ago"
    monkeypatch.setattr(sys, "argv", ["docs"])
    assert command.main() == 0
    assert page.read_text(encoding="utf-8") == "today\n"


def test_the_command_checks_them_all() -> None:
    command = [sys.executable, "-m", "docs.generate", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
