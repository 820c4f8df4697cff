"""`python -m docs.site [FOLDER]`: the pages as a site in .local/site, made by mkdocs-material.

The pages stay plain Markdown for GitHub. A copy of them, and of every file that they link to, is
what the site is made of: so links that leave docs/ work there too. Which pages there are, in what
order and for which reader, is what docs/index.md says. Knows no page by its name but that one.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from docs.markdown import ROOT, links, named, pages, tokens

INDEX = ROOT / "docs/index.md"
PLACE = ROOT / ".local/site"
HIDDEN = ROOT / ".github"  # forms, and no pages
HOME = "README.md"


def main() -> int:
    """Exits with 1 where a link or an anchor leads nowhere, or a page is not in the index."""
    place = Path(sys.argv[1]).resolve() if sys.argv[1:] else PLACE
    shutil.rmtree(place, ignore_errors=True)
    copy(place / "pages")
    config = place / "mkdocs.yml"
    config.write_text(yaml.safe_dump(configuration(place)), encoding="utf-8")
    built = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", str(config)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # of the theme's own, about other programs
    code = subprocess.run(built, cwd=place, env=environ, check=False).returncode
    if code == 0:
        html = place / "html"
        print(f"{len(shown())} pages: open {html / 'index.html'}")
        print(
            f"with its search: {sys.executable} -m http.server --bind 127.0.0.1 --directory {html}"
        )
    return code


def configuration(place: Path) -> dict[str, Any]:
    return {
        "INHERIT": str(ROOT / "docs/mkdocs.yml"),
        "docs_dir": str(place / "pages"),
        "site_dir": str(place / "html"),
        "nav": [{"Tunedrop": HOME}, *navigation()],
    }


def shown() -> list[Path]:
    return [page for page in pages() if HIDDEN not in page.parents]


def navigation() -> list[dict[str, list[dict[str, str]]]]:
    """Each section of the index with the pages that it links to, each where it is linked first."""
    sections: dict[str, list[dict[str, str]]] = {"Overview": [{"All pages": named(INDEX)}]}
    seen = {ROOT / HOME}
    for section, title, page in named_in_index():
        if page not in seen:
            seen.add(page)
            sections.setdefault(section, []).append({title: named(page)})
    return [{section: entries} for section, entries in sections.items()]


def named_in_index() -> Iterator[tuple[str, str, Path]]:
    """Section, text of the link and page, for each link of docs/index.md to a page."""
    section = ""
    every = tokens(INDEX)
    for before, token in zip((None, *every), every, strict=False):
        inner = token.children or []
        if before and before.type == "heading_open":
            section = "".join(t.content for t in inner if t.type in ("text", "code_inline"))
            continue
        for opening, text in pairwise(inner):
            target = str(opening.attrGet("href") or "").partition("#")[0]
            page = (INDEX.parent / unquote(target)).resolve()
            if opening.type == "link_open" and page in shown() and page != INDEX:
                yield section, text.content, page


def copy(folder: Path) -> None:
    """The pages and all that they link to, at the places that they have here."""
    wanted = {path for page in shown() for path in linked(page)} | set(shown())
    for path in sorted(wanted):
        there = folder / path.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        if path in shown():
            there.write_text(without_folders(path), encoding="utf-8")
        else:
            shutil.copyfile(path, there)


def without_folders(page: Path) -> str:
    """Its text; of a link to a folder, which GitHub shows and a site does not, the words alone."""
    text = page.read_text(encoding="utf-8")
    for target in {link.target for link in links(page)}:
        if target and (page.parent / unquote(target)).is_dir():
            text = re.sub(rf"\[([^\[\]]*)\]\({re.escape(target)}\)", r"\1", text)
    return text


def linked(page: Path) -> Iterator[Path]:
    """Files of this project; of a folder nothing is shown."""
    for link in links(page):
        path = (page.parent / unquote(link.target.partition("#")[0])).resolve()
        if path.is_file() and path.is_relative_to(ROOT):
            yield path


if __name__ == "__main__":
    sys.exit(main())
