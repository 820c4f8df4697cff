"""The pages in docs/ that are made from code: `dev.py docs` writes them, a test compares them.

One module for each page, by the page's name (`life_of_a_run` makes docs/life-of-a-run.md,
`run_yaml_schema` makes docs/run-yaml.schema.json), with

    page() -> str             the whole page, or
    parts() -> dict[str, str] what stands in it between `<!-- made: NAME -->` and `<!-- end -->`

A new module is found by itself. Nothing here ships.
"""

import importlib
import pkgutil
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
END = "<!-- end -->"


class PageError(Exception):
    """A page lacks the marks of a part, or has marks that nobody fills."""


def modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__) if module.name != "__main__"]


def path_of(module: str) -> Path:
    if module.endswith("_schema"):
        return DOCS / f"{module.removesuffix('_schema').replace('_', '-')}.schema.json"
    return DOCS / f"{module.replace('_', '-')}.md"


def pages() -> dict[Path, str]:
    """Every page that is made from code, as it should be. Raises PageError."""
    return {path_of(module): made(module) for module in modules()}


def stale() -> dict[Path, str]:
    """Those that are not as they should be."""
    return {path: text for path, text in pages().items() if _read(path) != text}


def made(name: str) -> str:
    """The page that this module makes. Raises PageError."""
    module = importlib.import_module(f"{__name__}.{name}")
    if hasattr(module, "page"):
        return f"{module.page().rstrip()}\n"
    return filled(_read(path_of(name)), module.parts())


def filled(text: str, parts: dict[str, str]) -> str:
    """The page with its marked parts made anew. Raises PageError."""
    marked = re.findall(r"<!-- made: (.+?) -->\n", text)
    if sorted(marked) != sorted(parts) or text.count(END) != len(marked):
        raise PageError(f"The page marks the parts {marked}; made are {list(parts)}.")
    for name, content in parts.items():
        start = f"<!-- made: {name} -->\n"
        before, _, rest = text.partition(start)
        after = rest.partition(END)[2]
        text = f"{before}{start}{content.strip()}\n{END}{after}"
    return text


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
