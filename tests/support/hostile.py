"""Files that were made to cost much, in pieces: a process that reads one need not hold it.

    TUNEDROP_HOSTILE=10 python -m tests.support.hostile

checks them all, one after the other, in one process, and prints for each what it took. What is
found in them is the subject of other tests.
"""

import json
import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

SIZE = int(os.environ.get("TUNEDROP_HOSTILE", "1"))  # times the ordinary size, for tests on demand
LONG = 30_000_000  # bytes of a line, just under the limit
MANY = 6_000_000  # bytes of a file of many lines

SYSTEM = b'{"messages": [{"role": "system", "content": "%d"}, '
TALK = b'{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "b"}]}\n'
BEFORE, AFTER = TALK.split(b"%s")
WRONG = {
    "messages": [
        {"role": "bot", "content": 3, "name": "a b", "wieght": 1, "weight": 7},
        3,
        {"role": "user", "weight": 1, "content": " ", "tool_calls": []},
        {"role": "tool", "content": "x"},
        {"role": "user", "content": [{"type": "image_url", "image_url": "x"}, {"type": "audio"}]},
        {"role": "assistant", "tool_calls": [{"id": 1}], "content": None},
    ],
    "tools": [{"type": 1}],
}


class Hostile(NamedTuple):
    """A file of `size` bytes: head, the piece again and again, tail."""

    head: bytes
    piece: bytes
    tail: bytes = b"\n"
    size: int = LONG

    def chunks(self) -> Iterator[bytes]:
        yield self.head
        many = self.piece * max(1, 250_000 // len(self.piece))
        for _ in range(self.size // len(many)):
            yield many
        yield self.tail


def call(arguments: bytes) -> Hostile:
    head = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": ['
    head += b'{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\\"a\\": ['
    tail = b'0]}"}}]}], "tools": [{"type": "function", "function": {"name": "f"}}]}\n'
    return Hostile(head, arguments, tail)


def lines(line: bytes, size: int = MANY) -> Hostile:
    return Hostile(b"", line, b"", size * SIZE)


LIST = b'{"messages": ['
HOSTILE = {
    "empty lists": Hostile(LIST, b"[],", b"0]}\n"),
    "empty objects": Hostile(LIST, b"{},", b"0]}\n"),
    "objects of one key": Hostile(LIST, b'{"a":0},', b"0]}\n"),
    "numbers": Hostile(LIST, b"1e9,", b"0]}\n"),
    "texts": Hostile(LIST, b'"ab",', b"0]}\n"),
    "tools": Hostile(b'{"messages": [], "tools": [', b"{},", b"0]}\n"),
    "keys": Hostile(b"{", b'"a":0,', b'"b":0}\n'),
    "brackets": Hostile(b"", b"["),
    "digits": Hostile(LIST, b"1", b"]}\n"),
    "decimals": Hostile(LIST + b"0.", b"1", b"]}\n"),
    "colons": Hostile(b"", b":"),
    "quotes": Hostile(b"", b'"'),
    "quotes and colons": Hostile(b"", b'":'),
    "blanks": Hostile(b"", b" ", b"x\n"),
    "one letter": Hostile(BEFORE, b"a", AFTER),
    "an emoji and letters": Hostile(BEFORE + "😀".encode(), b"ab ", AFTER),
    "an emoji in what seems an image": Hostile(BEFORE + "data:😀".encode(), b"ab ", AFTER),
    "the same, not plain JSON": Hostile(
        BEFORE + "data:😀".encode(), b"ab ", AFTER[:-3] + b"NaN]}\n"
    ),
    "addresses": Hostile(BEFORE, b"a@b.c ", AFTER),
    "addresses, as far as they are examined": Hostile(BEFORE, b"a@b.c ", AFTER, 3_750_000),
    "words, as far as they are examined": Hostile(BEFORE, b"qz xj! ", AFTER, 3_750_000),
    "emoji, as far as they are examined": Hostile(BEFORE, "😀".encode(), AFTER, 15_000_000),
    "messages, as far as they are examined": Hostile(
        LIST, b'{"role":"user","content":"a"},', b'{"role":"assistant","content":"b"}]}\n', 750_000
    ),
    "escapes": Hostile(BEFORE, b"\\u0000", AFTER),
    "halves of characters": Hostile(BEFORE, b"\\ud800", AFTER),
    "a role": Hostile(b'{"messages": [{"role": "', "ä".encode(), b'"}]}\n'),
    "a key": Hostile(b'{"', b"k", b'": 1}\n'),
    "a key, as far as it is examined": Hostile(b'{"', b"k", b'": 1}\n', 3_750_000),
    "arguments": call(b"[],"),
    "a byte that is none": Hostile(BEFORE, b"a", b"\xff" + AFTER),
    "lines that are good": lines(TALK % b"a"),
    "lines that are blank": lines(b"\n", 2_000_000),
    "lines of an object": lines(b"{}\n", 300_000),
    "lines of all mistakes": lines(json.dumps(WRONG).encode() + b"\n", 3_000_000),
}


def tools_that_differ() -> Iterator[bytes]:
    """The definitions of each line are large, and others than those before."""
    for line in range(20 * SIZE):
        function = {"name": "f", "parameters": {"type": "object", "properties": {}}}
        tools = [
            {"type": "function", "function": {**function, "name": f"f{line}_{n}"}}
            for n in range(2000)
        ]
        talk = json.loads(TALK % b"a")
        yield json.dumps({**talk, "tools": tools}).encode() + b"\n"


def names_that_differ() -> Iterator[bytes]:
    """Tools are called by names that are long, and none is like another."""
    for line in range(300 * SIZE):
        name = {"name": f"{line}" + "x" * 30_000, "arguments": "{}"}
        calls = [{"id": "1", "type": "function", "function": name}]
        messages = [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": calls}]
        yield json.dumps({"messages": messages}).encode() + b"\n"


def kinds() -> dict[str, Iterator[bytes]]:
    made = {"tools that differ": tools_that_differ(), "names that differ": names_that_differ()}
    return {name: hostile.chunks() for name, hostile in HOSTILE.items()} | made


def check(chunks: Iterator[bytes]) -> str:
    from shared.dataset.measure.cost import TrainingPlan
    from shared.dataset.report import document, page
    from shared.dataset.scan import Scan
    from shared.dataset.verdict import judge

    scan = Scan("training.jsonl")
    for chunk in chunks:
        scan.feed(chunk)
    verdict = judge([scan.finish()], TrainingPlan(), date(2026, 11, 22))
    page.as_html("hostile", verdict).encode()
    return json.dumps(document.as_json("hostile", verdict), indent=2)


def peak() -> int:
    """The most memory that this process has ever had, in megabytes."""
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) // 1000


def main() -> None:
    for name, chunks in kinds().items():
        began = time.process_time()
        size = len(check(chunks))
        took = round(time.process_time() - began, 2)
        print(
            json.dumps({"kind": name, "seconds": took, "peak": peak(), "report": size}), flush=True
        )


if __name__ == "__main__":
    main()
