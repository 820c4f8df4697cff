"""Which line of a merged dataset came from where: a JSON file beside it, so that the dataset itself
stays one. What an earlier merge has written is carried on.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from shared.dataset.merge import Merged

SCHEMA_VERSION = 1
SUFFIX = ".provenance.json"  # no name that the app takes for a dataset


def beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".jsonl") + SUFFIX)


def describe(done: Merged, name: str, sha256: str, origins: Sequence[tuple[int, int]]) -> bytes:
    """The document, as JSON: `lines` has for each line the number of its source and its line
    there."""
    sources, known = _earlier(done.base.path, done.base.result.sha256)
    if not known:
        sources = [_source(done.base.name, done.base.result.sha256)]
    sources.append(_source(done.additions.name, done.additions.result.sha256))
    additions = len(sources) - 1
    lines = [[additions, line] if side else known.get(line, [0, line]) for side, line in origins]
    document = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "sha256": sha256,
        "sources": sources,
        "lines": lines,
        "noted": [noted._asdict() for noted in done.noted],
    }
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _source(name: str, sha256: str) -> dict[str, str]:
    return {"name": name, "sha256": sha256}


def _earlier(path: Path, sha256: str) -> tuple[list[dict[str, str]], dict[int, list[int]]]:
    """Sources of an earlier merge, and where each line is from, if this is still what it wrote;
    else nothing."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(beside(path).read_bytes())
        if found["sha256"] == sha256 and found["schema_version"] == SCHEMA_VERSION:
            lines = {n: [int(part) for part in one] for n, one in enumerate(found["lines"], 1)}
            return [_source(one["name"], one["sha256"]) for one in found["sources"]], lines
    return [], {}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
