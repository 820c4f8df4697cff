"""Numbers about a file: tokens, roles, turns, system prompts. Knows nothing of findings."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.dataset.measure.system_prompts import SystemPrompt

Counts = npt.NDArray[np.uint32]
BARS = 24
ROLE_NAMES = {"s": "system", "d": "developer", "u": "user", "a": "assistant", "t": "tool"}


@dataclass(frozen=True, slots=True)
class Distribution:
    """How tokens are spread over examples: the numbers of the usual notebook, and a histogram.

    Percentiles are interpolated between neighbours. `edges` has one number more than `bars`.
    """

    sum: int
    min: int
    max: int
    mean: float
    median: float
    p5: float
    p95: float
    edges: tuple[int, ...]
    bars: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        numbers = {name: getattr(self, name) for name in self.__slots__}
        return {**numbers, "edges": list(self.edges), "bars": list(self.bars)}


@dataclass(frozen=True, slots=True)
class FileStatistics:
    total: Distribution | None
    assistant: Distribution | None
    encoding: str
    exact: bool
    billed: int  # of texts in one epoch; what is over the model's limit is cut off, not billed
    roles: dict[str, int] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    system_prompts: tuple[SystemPrompt, ...] = ()
    without_system_prompt: int = 0
    private: dict[str, int] = field(default_factory=dict)
    with_tools: int = 0
    with_images: int = 0
    images_low: int = 0  # images by `detail`; high is whatever does not say low
    images_high: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "encoding": self.encoding,
            "exact": self.exact,
            "billed": self.billed,
            "total": self.total.as_json() if self.total else None,
            "assistant": self.assistant.as_json() if self.assistant else None,
            "roles": self.roles,
            "turns": self.turns,
            "system_prompts": [asdict(prompt) for prompt in self.system_prompts],
            "without_system_prompt": self.without_system_prompt,
            "private": self.private,
            "with_tools": self.with_tools,
            "with_images": self.with_images,
            "images_low": self.images_low,
            "images_high": self.images_high,
        }


def percentiles(counts: npt.NDArray[Any], *shares: float) -> list[float]:
    """Interpolated between neighbours. numpy's own loads much that is not needed otherwise."""
    ranked = np.sort(counts)
    places = np.array(shares) / 100 * (len(ranked) - 1)
    below = places.astype(np.int64)
    above = np.minimum(below + 1, len(ranked) - 1)
    low, high = ranked[below].astype(np.float64), ranked[above].astype(np.float64)
    part = places - below  # from the nearer neighbour, so that 19.95 comes out as numpy's own
    found = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    return [float(percentile) for percentile in found]


def distribution(counts: Counts) -> Distribution | None:
    if not len(counts):
        return None
    low, high = int(counts.min()), int(counts.max())
    p5, median, p95, most = percentiles(counts, 5, 50, 95, 99)
    # Most of the picture is for the many: the last bar takes whatever lies far beyond the rest.
    top = min(high, max(int(most * 1.25), low + 1))
    edges = np.linspace(low, max(top, low + 1), min(BARS, max(top - low, 1)) + 1).astype(int)
    edges = edges[np.diff(edges, prepend=low - 1) > 0]
    bars, _ = np.histogram(np.minimum(counts, edges[-1]), edges)
    edges[-1] = max(high, edges[-1])
    return Distribution(
        sum=int(counts.sum()),
        min=low,
        max=high,
        mean=round(float(counts.mean()), 1),
        median=round(median, 1),
        p5=round(p5, 1),
        p95=round(p95, 1),
        edges=tuple(int(edge) for edge in edges),
        bars=tuple(int(bar) for bar in bars),
    )


def roles_and_turns(patterns: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """From patterns such as `sua` and how often each occurs."""
    roles: dict[str, int] = {}
    turns: dict[str, int] = {}
    for pattern, count in patterns.items():
        for letter, name in ROLE_NAMES.items():
            if times := pattern.count(letter):
                roles[name] = roles.get(name, 0) + times * count
        answers = pattern.count("a")
        label = str(answers) if answers < 8 else "8+"
        turns[label] = turns.get(label, 0) + count
    return roles, dict(sorted(turns.items()))
