"""Small pictures for the report: inline SVG that takes its colours from the page."""

from collections.abc import Mapping
from html import escape

from shared.dataset.findings.quoting import many
from shared.dataset.measure.statistics import Distribution

WIDTH, HEIGHT = 460, 170
LEFT, BOTTOM, TOP = 6, 34, 30


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
    marks = "".join(
        _mark(numbers, value, name, step)
        for name, value in (("p5", numbers.p5), ("median", numbers.median), ("p95", numbers.p95))
    )
    ends = (
        f'<text x="{LEFT}" y="{HEIGHT - 4}">{numbers.edges[0]:,}</text>'
        f'<text x="{WIDTH - LEFT}" y="{HEIGHT - 4}" text-anchor="end">{numbers.edges[-1]:,}</text>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle">tokens in one example</text>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<g class="bars">{bars}</g><line x1="{LEFT}" x2="{WIDTH - LEFT}" y1="{floor}" '
        f'y2="{floor}" class="axis"/>{marks}{ends}</svg>'
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
            f"<small>{count / total:.0%}</small></li>"
        )
        at += width
    return (
        f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" class="shares" role="img" '
        f'aria-label="{escape(unit)}">{"".join(parts)}</svg>'
        f'<ul class="legend">{"".join(legend)}</ul>'
    )


def _height(count: int, highest: int) -> float:
    tallest = HEIGHT - BOTTOM - TOP
    return max(count / highest * tallest, 1.5) if count else 0


def _range(numbers: Distribution, bar: int) -> str:
    low, high = numbers.edges[bar], numbers.edges[bar + 1]
    return f"{low:,} to {high - (bar + 1 < len(numbers.bars)):,}"


def _mark(numbers: Distribution, value: float, name: str, step: float) -> str:
    """A percentile stands within its bar, in proportion; bars may be of different widths."""
    bar = max(
        n for n, edge in enumerate(numbers.edges[:-1]) if edge <= max(value, numbers.edges[0])
    )
    low, high = numbers.edges[bar], numbers.edges[bar + 1]
    x = LEFT + (bar + (value - low) / max(high - low, 1)) * step
    anchor = {"p5": "end", "median": "middle", "p95": "start"}[name]
    shift = {"p5": -4, "median": 0, "p95": 4}[name]
    if name == "p5" and x < 50:
        anchor, shift = "start", 4
    if name == "p95" and x > WIDTH - 60:
        anchor, shift = "end", -4
    y = 12 if name == "median" else 26
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y + 2}" y2="{HEIGHT - BOTTOM}" class="mark"/>'
        f'<text x="{x + shift:.1f}" y="{y}" text-anchor="{anchor}">{name} {value:,.0f}</text>'
    )
