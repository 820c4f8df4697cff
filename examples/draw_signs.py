"""Makes examples/signs: how pictures get into a dataset. Needs nothing but Python.

    python3 examples/draw_signs.py

A picture shows a lamp of an invented machine: its shape says the part, its colour the state. Each
is drawn at another place and in another size, so no two are the same. The same pictures every time,
in other bytes where Python has another zlib.
"""

import base64
import json
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent / "signs"
SIDE = 48  # pixels
SYSTEM = "You read the lamps of a machine."
QUESTION = "What does this lamp say?"
DARK = (40, 44, 52)
COLOURS = {
    "running": (46, 160, 67),  # green
    "stopped": (207, 34, 46),  # red
    "waiting": (227, 179, 65),  # amber
    "in service": (56, 132, 244),  # blue
}
SETS = (("training_set", 3, 1), ("validation_set", 1, 2))  # how many of each lamp; a seed
Inside = Callable[[float, float], bool]  # of the distances to the centre, in radii
SHAPES: dict[str, Inside] = {
    "pump": lambda x, y: x * x + y * y <= 1,  # a circle
    "fan": lambda x, y: max(abs(x), abs(y)) <= 0.9,  # a square
    "door": lambda x, y: abs(y) <= 0.9 and abs(x) <= (y + 0.9) / 2,  # a triangle
    "belt": lambda x, y: abs(y) <= 0.3 and abs(x) <= 1,  # a bar
}


def draw(part: str, state: str, chance: random.Random) -> bytes:
    """The picture as a PNG file, in RGB."""
    radius = chance.uniform(9, 15)
    middle_x, middle_y = (chance.uniform(radius + 1, SIDE - radius - 1) for _ in range(2))
    rows = b""
    for y in range(SIDE):
        row = [
            COLOURS[state]
            if SHAPES[part]((x - middle_x) / radius, (y - middle_y) / radius)
            else DARK
            for x in range(SIDE)
        ]
        rows += b"\0" + bytes(value for pixel in row for value in pixel)
    return png(rows)


def png(rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)  # 8 bits, RGB
    parts = {b"IHDR": header, b"IDAT": zlib.compress(rows, 9), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts.items())


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def line(picture: bytes, answer: str) -> str:
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    shown = {"type": "image_url", "image_url": {"url": address, "detail": "low"}}
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": [{"type": "text", "text": QUESTION}, shown]},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages})


def examples(each: int, seed: int) -> list[str]:
    """So many of each shape in each colour, in an order that seems to have none."""
    chance = random.Random(seed)
    wanted = [(part, state) for part in SHAPES for state in COLOURS] * each
    chance.shuffle(wanted)
    return [line(draw(part, state, chance), f"{part}: {state}") for part, state in wanted]


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for name, each, seed in SETS:
        text = "".join(f"{example}\n" for example in examples(each, seed))
        (HERE / f"{name}.jsonl").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
