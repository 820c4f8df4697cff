"""The project's pages as CommonMark with tables: their links, headings and fenced blocks.

Knows how GitHub makes an anchor of a heading; the site is set to do the same. Knows nothing of what
the pages say.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
TOP = ("*.md", ".github/**/*.md", *(f"{p}/**/*.md" for p in ("docs", "examples", "infra", "local")))
NOT_OURS = {"node_modules", ".venv", ".local"}
_PARSER = MarkdownIt("commonmark").enable("table")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
_HTML = re.compile(r"""(?:src|href)=["']([^"']+)["']""")


@dataclass(frozen=True)
class Fence:
    """`line`: of its first line of content, counted from 1."""

    page: Path
    line: int
    language: str
    content: str

    def __str__(self) -> str:
        return f"{named(self.page)}:{self.line}"


@dataclass(frozen=True)
class Link:
    page: Path
    line: int
    target: str

    def __str__(self) -> str:
        return f"{named(self.page)}:{self.line}: {self.target}"


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


@cache
def pages() -> tuple[Path, ...]:
    found = {path for pattern in TOP for path in ROOT.glob(pattern)}
    return tuple(sorted(path for path in found if not NOT_OURS & set(path.parts)))


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    return tuple(_PARSER.parse(page.read_text(encoding="utf-8")))


def links(page: Path) -> Iterator[Link]:
    """Of links and pictures, also of those written as HTML."""
    for token in tokens(page):
        line = token.map[0] + 1 if token.map else 0
        for inner in token.children or []:
            if target := inner.attrGet("href") or inner.attrGet("src"):
                yield Link(page, line, str(target))
        if token.type in ("html_block", "inline"):
            yield from (Link(page, line, target) for target in _HTML.findall(_html(token)))


def _html(token: Token) -> str:
    if token.type == "html_block":
        return token.content
    return "".join(t.content for t in token.children or [] if t.type == "html_inline")


def quoted(page: Path) -> Iterator[str]:
    """What stands in backticks."""
    for token in tokens(page):
        yield from (inner.content for inner in token.children or [] if inner.type == "code_inline")


def fences(page: Path) -> Iterator[Fence]:
    for token in tokens(page):
        if token.type == "fence" and token.map:
            yield Fence(page, token.map[0] + 2, token.info.strip(), token.content)


@cache
def anchors(page: Path) -> tuple[str, ...]:
    """Of each heading, in order; a heading that is there again gets a number."""
    seen: Counter[str] = Counter()
    found = []
    for heading in headings(page):
        anchor = anchor_of(heading)
        found.append(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return tuple(found)


def headings(page: Path) -> Iterator[str]:
    """Their texts, without marks."""
    for opening, inline in pairwise(tokens(page)):
        if opening.type == "heading_open":
            kept = ("text", "code_inline")
            yield "".join(t.content for t in inline.children or [] if t.type in kept)


def anchor_of(heading: str) -> str:
    return _NOT_IN_ANCHORS.sub("", heading.lower()).replace(" ", "-")
