"""Every link of a page that leads to a file or a heading of this project finds it."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from docs import markdown
from docs.markdown import Link, anchor_of, anchors, links, named, pages

ELSEWHERE = ("http://", "https://", "mailto:")


def broken(link: Link) -> str:
    """Why it leads nowhere; empty if it leads somewhere."""
    if link.target.startswith(ELSEWHERE):
        return ""
    place, _, anchor = link.target.partition("#")
    path = (link.page.parent / unquote(place)).resolve() if place else link.page
    if not path.exists():
        return f"{link}: there is no such file"
    if anchor and path.suffix == ".md" and unquote(anchor) not in anchors(path):
        return f"{link}: {named(path)} has no such heading"
    return ""


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_link_finds_its_file_and_its_heading(page: Path) -> None:
    assert [told for link in links(page) if (told := broken(link))] == []


def test_the_pages_are_found() -> None:
    names = {named(page) for page in pages()}
    assert {"README.md", "docs/chat.md", "examples/README.md", "docs/api.md"} <= names
    assert sum(len(list(links(page))) for page in pages()) > 300


# ---- and it would be seen


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    "text",
    [
        "[a](gone.md)",
        "[a](#nowhere)",
        "[a][1]\n\n[1]: gone.md",
        "![a](gone.png)",
        '<img src="gone.png">',
        "| a |\n|---|\n| [b](page.md#nowhere) |",
    ],
)
def test_a_link_that_leads_nowhere_is_seen(page: Path, text: str) -> None:
    page.write_text(f"# Here\n\n{text}\n", encoding="utf-8")
    assert [bool(broken(link)) for link in links(page)] == [True]


@pytest.mark.parametrize("text", ["`[a](gone.md)`", "```\n[a](gone.md)\n```", "[a](#here)"])
def test_what_is_no_link_or_leads_somewhere_is_left_alone(page: Path, text: str) -> None:
    page.write_text(f"# Here\n\n{text}\n", encoding="utf-8")
    assert [told for link in links(page) if (told := broken(link))] == []


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("What is checked, and what is not", "what-is-checked-and-what-is-not"),
        ("`dev.py up --func`", "devpy-up---func"),
        ("CI / Build", "ci--build"),
        ("Avaliação e correção", "avaliação-e-correção"),
        ("snake_case", "snake_case"),
    ],
)
def test_an_anchor_is_what_github_makes_of_a_heading(heading: str, anchor: str) -> None:
    assert anchor_of(heading) == anchor


def test_a_heading_that_is_there_again_gets_a_number(page: Path) -> None:
    page.write_text("# Chat\n\n## Chat\n\n## [Other](x.md) *one*\n", encoding="utf-8")
    assert markdown.anchors(page) == ("chat", "chat-1", "other-one")
