"""Small pictures for the report: inline SVG that takes its colours from the page."""

from collections.abc import Mapping
from html import escape

from shared.dataset.findings.quoting import many
from shared.dataset.measure.statistics import Distribution

WIDTH, HEIGHT = 460, 190
LEFT, BOTTOM, TOP = 6, 34, 52
ROWS = {
    "p5": 46,
    "median": 14,
    "p95": 30,
}  # of the labels: each its own, so that none meets another
LETTER = 9.5  # units that a letter takes at the most, in the size that a phone shows


def histogram(numbers: Distribution, label: str) -> str:
    """Examples by tokens, with the median and the percentiles drawn in."""
    highest = max(numbers.bars) or 1
    step = (WIDTH - 2 * LEFT) / len(numbers.bars)
    floor = HEIGHT - BOTTOM
    bars = "".join(
        f'<rect x="{LEFT + n * step + 1:.1f}" y="{floor - _height(count, highest):.1f}" '
        f'width="{max(step - 2, 1):.1f}" height="{_height(count, highest):.1f}" rx="2">'
        f"<title>{many(count, 'example')} with {_range(numbers, n)} tokens</title></rect>"
        for n, count in enumerate(numbers.bars)
        if count
    )
    marks = [
        _mark(numbers, value, name, step)
        for name, value in (("p5", numbers.p5), ("median", numbers.median), ("p95", numbers.p95))
    ]
    drawn = "".join(part for parts in zip(*marks, strict=True) for part in parts)  # texts last
    ends = (
        f'<text x="{LEFT}" y="{HEIGHT - 8}">{numbers.edges[0]:,}</text>'
        f'<text x="{WIDTH - LEFT}" y="{HEIGHT - 8}" text-anchor="end">{numbers.edges[-1]:,}</text>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">tokens in one example</text>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<g class="bars">{bars}</g><line x1="{LEFT}" x2="{WIDTH - LEFT}" y1="{floor}" '
        f'y2="{floor}" class="axis"/>{drawn}{ends}</svg>'
    )


def shares(counts: Mapping[str, int], unit: str) -> str:
    """One bar cut into parts, with a legend that has the numbers."""
    total = sum(counts.values())
    if not total:
        return ""
    parts, legend, at = [], [], 0.0
    for n, (name, count) in enumerate(counts.items()):
        width = count / total * 100
        parts.append(
            f'<rect x="{at:.2f}" width="{max(width - 0.3, 0.2):.2f}" height="10" '
            f'class="part{n % 6}">'
            f"<title>{escape(name)}: {count:,}</title></rect>"
        )
        legend.append(
            f'<li><i class="part{n % 6}"></i>{escape(name)} <b>{count:,}</b> '
            f"<small>{_percent(count, total)}</small></li>"
        )
        at += width
    return (
        f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" class="shares" role="img" '
        f'aria-label="{escape(unit)}">{"".join(parts)}</svg>'
        f'<ul class="legend">{"".join(legend)}</ul>'
    )


def _percent(count: int, total: int) -> str:
    """What is there is not nothing, and what is not all is not all."""
    share = count / total
    if share < 0.005:
        return "&lt;1%"
    return "&gt;99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _height(count: int, highest: int) -> float:
    tallest = HEIGHT - BOTTOM - TOP
    return max(count / highest * tallest, 1.5) if count else 0


def _range(numbers: Distribution, bar: int) -> str:
    low, high = numbers.edges[bar], numbers.edges[bar + 1]
    return f"{low:,} to {high - (bar + 1 < len(numbers.bars)):,}"


def _mark(numbers: Distribution, value: float, name: str, step: float) -> tuple[str, str]:
    """The line of a percentile, within its bar, in proportion (bars may be of different widths);
    and its label."""
    bar = max(
        n for n, edge in enumerate(numbers.edges[:-1]) if edge <= max(value, numbers.edges[0])
    )
    low, high = numbers.edges[bar], numbers.edges[bar + 1]
    x = LEFT + (bar + (value - low) / max(high - low, 1)) * step
    label, y = f"{name} {value:,.0f}", ROWS[name]
    anchor, shift = _anchor(x, len(label) * LETTER, name)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y + 2}" y2="{HEIGHT - BOTTOM}" class="mark"/>',
        f'<text x="{x + shift:.1f}" y="{y}" text-anchor="{anchor}">{label}</text>',
    )


def _anchor(x: float, width: float, name: str) -> tuple[str, int]:
    """On which side of its line a label stands, and how far from it: nothing is cut by the edge."""
    fits_left, fits_right = x - width >= 0, x + width <= WIDTH
    if name == "median" and x - width / 2 >= 0 and x + width / 2 <= WIDTH:
        return "middle", 0
    if fits_right and (name == "p95" or not fits_left):
        return "start", 4
    return ("end", -4) if fits_left else ("start", 4)
