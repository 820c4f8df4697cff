"""The report's page as it is read: nothing cut, nothing rounded away, one of a thing is one."""

import json
import re
from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from shared.catalog import facts
from shared.dataset.measure.cost import TrainingPlan, exact_usd, price, usd_beside
from shared.dataset.measure.statistics import distribution
from shared.dataset.report import page
from shared.dataset.report.charts import HEIGHT, LETTER, WIDTH, histogram, shares
from shared.dataset.verdict import judge
from tests.dataset.builders import ANSWER, USER, good, judged, scan, talk
from tests.support.browser import seen

LABEL = re.compile(
    r'<text x="(?P<x>[\d.]+)" y="(?P<y>\d+)" text-anchor="(?P<anchor>\w+)">'
    r"(?P<text>(?:p5|p95|median) [\d,]+)</text>"
)
COUNTS = {
    "one example": [14],
    "all the same": [100_000] * 50,
    "two lengths": [3752] * 30 + [3753] * 20,
    "a long tail": [20] * 500 + [131_072],
    "most are long": [1] * 3 + [128_000] * 500,
    "spread": list(range(1, 9000, 7)),
    "crowded in the middle": [1, *[60_000] * 400, 120_000],
}


def labels(counts: list[int]) -> list[tuple[float, float, float, str]]:
    """Left and right end, height and text of each label."""
    numbers = distribution(np.array(counts, np.uint32))
    assert numbers
    found = []
    for label in LABEL.finditer(histogram(numbers, "tokens")):
        x, width = float(label["x"]), len(label["text"]) * LETTER
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[label["anchor"]]
        found.append((left, left + width, float(label["y"]), label["text"]))
    return found


@pytest.mark.parametrize("kind", COUNTS)
def test_no_label_of_a_chart_is_cut_or_stands_on_another(kind: str) -> None:
    found = labels(COUNTS[kind])
    assert len(found) == 3
    for left, right, _, text in found:
        assert left >= -LETTER, text
        assert right <= WIDTH + LETTER, text
    heights = sorted(y for *_, y, _ in found)
    assert all(below - above >= 15 for above, below in pairwise(heights))
    assert heights[0] >= 12
    assert heights[-1] < HEIGHT / 2


def test_a_line_of_a_chart_crosses_no_label() -> None:
    numbers = distribution(np.array(COUNTS["spread"], np.uint32))
    assert numbers
    drawn = histogram(numbers, "tokens")
    assert drawn.rindex('class="mark"') < drawn.index(">p5 ")


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"a": 1, "b": 999}, ["&lt;1%", "&gt;99%"]),
        ({"a": 1}, ["100%"]),
        ({"a": 1, "b": 1}, ["50%", "50%"]),
        ({"a": 996, "b": 4}, ["&gt;99%", "&lt;1%"]),
    ],
)
def test_a_share_is_neither_nothing_nor_all(counts: dict[str, int], said: list[str]) -> None:
    assert re.findall(r"<small>(.*?)</small>", shares(counts, "x")) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0.004, "$0.004"), (0.000001, "$0.000001"), (0, "$0.00"), (2, "$2.00"), (2.5, "$2.50"),
        (1234.5, "$1,234.50"), (0.1 + 0.2, "$0.30"), (10.125, "$10.125"),
    ],
)  # fmt: skip
def test_a_limit_is_told_as_it_was_set(amount: float, said: str) -> None:
    assert exact_usd(amount) == said


@pytest.mark.parametrize(
    ("limit", "amount", "said"),
    [(2, 3.0312, "$3.03"), (2, 2.0012, "$2.0012"), (0.001, 0.0043, "$0.0043"), (5, 5, "$5.00"),
     (0.004, 0, "$0.00")],
)  # fmt: skip
def test_what_is_over_a_limit_does_not_look_like_it(limit: float, amount: float, said: str) -> None:
    assert usd_beside(limit, amount) == said


def test_a_small_budget_is_not_shown_as_nothing() -> None:
    verdict = judged(good(60), plan=TrainingPlan(budget=0.004))
    html = page.as_html("a-1", verdict)
    assert "budget $0.004" in html
    assert "the budget is $0.004." in html
    assert "$0.00<" not in html
    assert "$0.00." not in html


def test_cheap_hosting_is_not_nothing() -> None:
    plan = TrainingPlan(sku="DeveloperTier")
    assert price(1000, 10, plan).hosting == "$0"
    cheap = price(1000, 10, plan)
    object.__setattr__(cheap, "hosting_per_month", 0.2)
    assert cheap.hosting == "$0.20"


def test_one_of_a_thing_is_one() -> None:
    html = page.as_html("a-1", judged(good(20)))
    assert ">1 piece of advice<" in html
    html = page.as_html("a-1", judged(talk(USER, ANSWER)))
    assert ">example (training)<" in html
    assert ">1 error<" in html
    assert not re.search(r"(?<![\d,.])1 (errors|warnings|examples|lines|tokens|epochs|bytes)", html)


def test_what_strangers_write_has_its_own_direction() -> None:
    system = {"role": "system", "content": "مرحبا بالعالم"}
    bad = talk({**USER, "content": "שלום"}, {"role": "אדם", "content": "x"})
    html = page.as_html("a-1", judged(talk(system, USER, ANSWER) * 12 + bad))
    assert "<td dir=auto>مرحبا" in html
    assert re.search(r"<bdi>[^<]*אדם[^<]*</bdi>", html)
    assert re.search(r"<pre><bdi>[^\n]*שלום", html)


def test_a_phone_has_room_for_all_of_it() -> None:
    """Prices wrap, tables scroll within their card, and letters of charts are larger."""
    html = page.as_html("a-1", judged(good(60)))
    assert "<ul class=price>" in html
    assert "minmax(min(26rem, 100%), 1fr)" in html
    assert "svg text { font-size: 15px }" in html
    assert re.search(r"figure \{[^}]*overflow-x: auto", html)


def test_a_phone_does_not_scroll_sideways(tmp_path: Path) -> None:
    """However long a word of a stranger is."""
    odd = {"messages": [{"role": "R" * 60, "content": "x" * 400}], "K" * 60: 1}
    verdict = judge(
        [scan(good(40) + json.dumps(odd).encode() + b"\n")],
        TrainingPlan(base_model="b" * 70),
        facts.READ_ON,
        left_out=[f"m/training_{'n' * 200}.jsonl is in no run."],
    )
    answer = {"says": "no", "id": "sku_offered", "sentence": "S" * 90, "instead": "D" * 90}
    html = page.as_html("a-1", verdict, {"region": "", "answers": [answer]})
    wrapped = tmp_path / "wrapped.html"
    wrapped.write_text(
        f'<iframe width=390 srcdoc="{escape(html)}"></iframe><script>onload = () => {{ const page ='
        " document.querySelector('iframe').contentDocument.documentElement;"
        " document.title = `${page.scrollWidth} of ${page.clientWidth}` }</script>",
        encoding="utf-8",
    )
    width = re.search(r"<title>(\d+) of (\d+)</title>", seen(wrapped.as_uri(), tmp_path / "p"))
    assert width
    assert width[1] == width[2]


def test_what_is_known_of_the_drop_stands_in_the_report() -> None:
    told = ["m/training_1.jsonl is in no run."]
    verdict = judge([scan(good(60))], TrainingPlan(), facts.READ_ON, left_out=told)
    html = page.as_html("a-1", verdict)
    assert [group.id for group in verdict.groups] == ["files-left-out"]
    assert not verdict.rejected
    assert told[0] in html
