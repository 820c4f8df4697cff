"""Every page is found from docs/index.md, of which the site's navigation is made."""

from pathlib import Path

import pytest

from docs import site
from docs.markdown import named


def in_navigation() -> list[str]:
    return [
        path
        for section in site.navigation()
        for pages in section.values()
        for entry in pages
        for path in entry.values()
    ]


def test_every_page_is_in_the_index_and_once_in_the_navigation() -> None:
    paths = [site.HOME, *in_navigation()]
    assert sorted(paths) == sorted(named(page) for page in site.shown())


def test_sections_are_those_of_the_index_in_its_order() -> None:
    titles = [title for section in site.navigation() for title in section]
    headings = [
        line.removeprefix("## ")
        for line in site.INDEX.read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert titles == ["Overview", *headings]


def test_a_page_stands_where_it_is_linked_first_and_two_may_have_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "INDEX", tmp_path / "index.md")
    monkeypatch.setattr(site, "shown", lambda: [tmp_path / "a.md", tmp_path / "b.md"])
    site.INDEX.write_text("## One\n\n[it](a.md), [it](b.md#x), [a](a.md)\n\n## Two\n\n[b](b.md)\n")
    assert site.navigation()[1:] == [{"One": [{"it": "a.md"}, {"it": "b.md"}]}]


def test_a_link_to_a_folder_becomes_its_words(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    page = tmp_path / "page.md"
    page.write_text("See [`local/`](local) and [b](page.md), [c](https://x.org).", encoding="utf-8")
    assert site.without_folders(page) == "See `local/` and [b](page.md), [c](https://x.org)."
