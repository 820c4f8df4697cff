"""Where the time of the dataset check goes, as a picture: samples of what the processor works on.

Each millisecond of the processor (or as often as the system's clock ticks) the innermost function
of `shared/dataset` that is under way is asked for its module; modules make up parts.
"""

import signal
import time
from collections import Counter
from html import escape
from pathlib import Path
from types import FrameType

from bench.checkers.contenders import ours

WAYS = {"everything": True, "shape, tokens and exact duplicates": False}
PARTS = {  # by the beginning of a module's path within shared/dataset
    "bytes, lines, digest": ("reading/lines", "scan", "helper", "plain"),
    "JSON and shape": ("checks/", "reading/"),
    "tokens": ("measure/measurements", "measure/tokens", "measure/system_prompts"),
    "repetition": ("measure/batch", "measure/similarity", "measure/columns"),
    "what the texts say": ("texts", "checks/content", "privacy", "pictures", "findings/"),
    "bytes searched at once": ("reading/prefilter",),
}
REST = "the rest"
EACH = 0.001  # seconds
ROUNDS = 5
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2", "#9c9c94")
WIDTH, LEFT, BAR, LINE = 760, 20, 34, 20


def part_of(module: str) -> str:
    """By the longest beginning that fits: `checks/content` is no shape."""
    fits = [
        (len(start), part)
        for part, all in PARTS.items()
        for start in all
        if module[: len(start)] == start
    ]
    return max(fits)[1] if fits else REST


def seconds(path: Path, deep: bool) -> dict[str, float]:
    """Of each part, of the processor, for one pass over the file."""
    found: Counter[str] = Counter()
    ours(str(path), deep)  # what is made once
    before = signal.signal(signal.SIGPROF, lambda _, frame: found.update([_part(frame)]))
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, EACH, EACH)
    for _ in range(ROUNDS):
        ours(str(path), deep)
    signal.setitimer(signal.ITIMER_PROF, 0)
    took = (time.process_time() - began) / ROUNDS
    signal.signal(signal.SIGPROF, before)
    samples = found.total()
    return {part: round(took * found[part] / samples, 3) for part in (*PARTS, REST)}


def _part(frame: FrameType | None) -> str:
    while frame:
        _, found, module = frame.f_code.co_filename.replace("\\", "/").partition("shared/dataset/")
        if found:
            return part_of(module)
        frame = frame.f_back
    return next(iter(PARTS))  # the file is read


def drawn(found: dict[str, dict[str, float]]) -> str:
    """A bar for each way, as long as its time, and what its parts are."""
    longest = max(sum(parts.values()) for parts in found.values())
    shapes, top = [], 10
    for way, parts in found.items():
        total = sum(parts.values())
        shapes.append(_text(LEFT, top + 12, f"{way}: {total:.2f} s"))
        shapes += _bar(parts, top + LINE, (WIDTH - 2 * LEFT) / longest)
        top += LINE + BAR + LINE
    names = list(next(iter(found.values())))
    for number, name in enumerate(names):
        x, y = LEFT + number % 2 * WIDTH // 2, top + number // 2 * LINE
        shapes.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{COLOURS[number]}"/>')
        shares = " / ".join(f"{parts[name] / sum(parts.values()):.0%}" for parts in found.values())
        shapes.append(_text(x + LINE, y + 11, f"{name}: {shares}"))
    height = top + (len(names) + 1) // 2 * LINE + 10
    return HEAD.format(width=WIDTH, height=height) + "\n".join(shapes) + "\n</svg>\n"


def _bar(parts: dict[str, float], top: int, scale: float) -> list[str]:
    shapes, x = [], float(LEFT)
    for colour, (name, took) in zip(COLOURS, parts.items(), strict=True):
        shapes.append(
            f'<rect x="{x:.1f}" y="{top}" width="{took * scale:.1f}" height="{BAR}" '
            f'fill="{colour}"><title>{escape(name)}: {took:.2f} s</title></rect>'
        )
        x += took * scale
    return shapes


def _text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}">{escape(text)}</text>'


HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{width}" height="{height}">
<style>text {{ font: 13px system-ui, sans-serif; fill: #1f2328 }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} }}</style>
"""
