"""The files of the benchmark: prose out of the documentation of Python and of installed packages.

Paragraphs are put together by chance from a fixed seed, so that nothing has to be downloaded.
"""

import json
import random
import re
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks a topic up.",
        "parameters": {
            "type": "object",
            "properties": {"topic": {"type": "string"}},
            "required": ["topic"],
        },
    },
}


def write(path: Path, megabytes: int, seed: int = 1, *, tools: float = 0.05) -> None:
    chance = random.Random(seed)
    systems = [
        f"You are the assistant of a {kind}. Answer in a few sentences, and say so when you are "
        "not sure."
        for kind in ("library", "harbour", "bakery", "museum", "school")
    ]
    left = megabytes * 1_000_000 - 10_000  # 512 MB is the most that the service takes
    with path.open("wb") as file:
        while left > 0:
            line = json.dumps(_example(chance, systems, tools), ensure_ascii=False)
            left -= file.write(line.encode() + b"\n")


def _example(chance: random.Random, systems: list[str], tools: float) -> dict[str, Any]:
    def text(low: int, high: int) -> str:
        prose = "\n\n".join(chance.choices(_prose(), k=chance.randint(low, high)))
        return prose if chance.random() < 0.8 else prose.replace("'", "’").replace(" - ", " — ")

    messages: list[dict[str, Any]] = [{"role": "system", "content": chance.choice(systems)}]
    for _ in range(chance.choice((1, 1, 1, 2))):
        messages += [
            {"role": "user", "content": text(1, 2)},
            {"role": "assistant", "content": text(1, 4)},
        ]
    if chance.random() >= tools:
        return {"messages": messages}
    id = f"call_{chance.randrange(10**8)}"
    call = {"name": "look_up", "arguments": json.dumps({"topic": text(1, 1)[:30]})}
    messages[-1:-1] = [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": id, "type": "function", "function": call}],
        },
        {"role": "tool", "tool_call_id": id, "content": text(1, 1)},
    ]
    return {"messages": messages, "tools": [TOOL]}


@lru_cache
def _prose() -> list[str]:
    """Some 18,000 different paragraphs, 3 MB, out of docstrings."""
    library = Path(sysconfig.get_paths()["stdlib"])
    sources = [
        path
        for path in sorted(library.rglob("*.py"))
        if not {"site-packages", "test", "lib2to3", "encodings"} & set(path.parts)
    ]
    for package in ("numpy", "openai", "pydantic"):
        sources += sorted(Path(str(files(package))).rglob("*.py"))
    return list(dict.fromkeys(p for path in sources for p in _paragraphs(path)))


def _paragraphs(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8", errors="ignore")
    for docstring in re.findall(r'^\s*[rR]?"""(.*?)"""', text, re.DOTALL | re.MULTILINE):
        for paragraph in docstring.split("\n\n"):
            plain = " ".join(paragraph.split())
            if 60 < len(plain) < 800 and plain.count(" ") > 8 and "<|" not in plain:
                yield plain
