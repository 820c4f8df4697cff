"""The pages as a site: all is there, as GitHub shows it, and nothing is fetched to read it."""

import re
import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from docs import site
from docs.markdown import ROOT, named
from local import set_up
from tests.environments import environment

COMPARED = {"h1", "h2", "h3", "h4", "ul", "ol", "li", "table", "tr", "pre", "img"}
ELSEWHERE = re.compile(r"""<(?:link|script|img)[^>]+(?:href|src)=["']?https?://[^"'> ]+""")


class Elements(HTMLParser):
    """How many of each kind there are; of a page of the site, in its article."""

    def __init__(self, text: str, *, whole: bool) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()
        self._inside = whole
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside |= tag == "article"
        if self._inside and tag in COMPARED:
            self.counted[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        self._inside &= tag != "article"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    extras = set_up.pyproject()["project"]["optional-dependencies"]
    reader = [line for line in extras["laptop"] if line.startswith("markdown-it-py")]
    python = environment("site", *extras["site"], *reader)
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [str(python), "-m", "docs.site", str(place)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "html"


def shown_as(page: Path, built: Path) -> str:
    name = "index.html" if page.name == "README.md" else f"{page.stem}.html"
    return (built / page.relative_to(ROOT).with_name(name)).read_text(encoding="utf-8")


def test_every_page_has_all_that_it_has_on_github(built: Path) -> None:
    github = MarkdownIt("commonmark").enable("table")
    other = {}
    for page in site.shown():
        here = Elements(shown_as(page, built), whole=False).counted
        there = Elements(github.render(page.read_text(encoding="utf-8")), whole=True).counted
        if here != there:
            other[named(page)] = (here - there, there - here)
    assert other == {}


def test_a_reader_needs_no_network(built: Path) -> None:
    fetched = {
        (path.name, found)
        for path in built.rglob("*.html")
        for found in ELSEWHERE.findall(path.read_text(encoding="utf-8"))
    }
    assert fetched == set()
    assert not any("fonts.g" in p.read_text("utf-8") for p in built.rglob("*.css"))
