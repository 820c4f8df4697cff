"""The report as people and programs get it: its schema, its masks, its page in a real browser."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from docs.generate import findings
from shared.dataset.findings.collector import FindingGroup
from shared.dataset.findings.finding import Finding, PreviewRow, Severity
from shared.dataset.findings.quoting import around, shorten
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.measure.system_prompts import SystemPrompt
from shared.dataset.report import document, page
from shared.dataset.verdict import Verdict
from tests.dataset.builders import ANSWER, USER, good, judged, line, talk, varied
from tests.dataset.corpus import ADDRESS, CASES, KEY, LONG, VISION
from tests.support.browser import seen

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("golden.json")
SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
EVIL = '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">&amp;'


def mixed() -> Verdict:
    """A drop with a bit of everything, the same every time."""
    bad = [case.training.removeprefix(good(10)) for case in CASES if case.line == 11]
    small = [content for content in bad if len(content) < 3000]
    training = good(20) + b"".join(small) + talk({**USER, "content": EVIL}, {**ANSWER, EVIL: 1})
    return judged(training, line(varied(3)), replace(VISION, epochs=2, budget=0.001))


CARD = 4111111111111111


@pytest.mark.parametrize(
    "message",
    [
        {**USER, "content": CARD},
        {**USER, "content": float(CARD)},
        {**USER, "card": CARD},
        {**ANSWER, "weight": CARD},
    ],
)
def test_a_card_that_is_a_number_is_not_quoted(message: dict[str, object]) -> None:
    data = json.dumps(document.as_json("a-1", judged(good(10) + talk(message, ANSWER))))
    assert "[card number]" in data
    assert str(CARD) not in data


def test_an_address_that_is_escaped_is_not_quoted() -> None:
    broken = b'{"messages": [{"role": "user", "content": "jane.doe\\u0040contoso.com" x\n'
    data = json.dumps(document.as_json("a-1", judged(good(10) + broken)))
    assert "[e-mail address]" in data
    assert "jane.doe" not in data


def test_the_report_follows_its_schema() -> None:
    for verdict in (mixed(), judged(b""), judged(good(60)), judged(CASES[3].training, b"\n")):
        data = json.loads(json.dumps(document.as_json("a-1", verdict), allow_nan=False))
        jsonschema.validate(data, SCHEMA)
        for file in data["files"]:
            assert sum(file["counts"].values()) == sum(g["count"] for g in file["groups"])


def test_the_golden_report() -> None:
    """On purpose: what a report says is an interface. TUNEDROP_GOLDEN=1 writes it anew."""
    text = json.dumps(document.as_json("golden", mixed()), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("TUNEDROP_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert json.loads(text) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_report_is_not_the_leak() -> None:
    """Wherever private data stands: in an answer, a key, a role, a system prompt, broken JSON."""
    private = f"{ADDRESS} {KEY} 4111 1111 1111 1111"
    lines = [
        talk({**USER, "content": private}, ANSWER),
        talk({"role": private, "content": private}, ANSWER),
        talk({"role": "system", "content": private}, USER, ANSWER),
        talk(USER, {**ANSWER, private: private}),
        talk(USER, {**ANSWER, "content": f"{'x' * 50} {private}"}),
        json.dumps(private).encode() + b"\n",
        f'{{"messages": [ {private}\n'.encode(),
        f'{{"messages": [{{"content": "{private}" x {private}\n'.encode(),
        b'{"messages": "\xff' + private.encode() + b'"}\n',
        line({"messages": private, "prompt": private}),
        talk(USER, {**ANSWER, "content": [private]}, tools=[{"type": private}]),
    ]
    verdict = judged(b"".join(lines * 2))
    for text in (json.dumps(document.as_json("x", verdict)), page.as_html("x", verdict)):
        for secret in (ADDRESS, "jane.doe", "contoso-mail", KEY, KEY[:16], "4111 1111"):
            assert secret not in text
    assert verdict.files[0].counts["personal-data"] >= 4


def test_the_page_loads_nothing_and_escapes_everything() -> None:
    text = page.as_html(EVIL, mixed())
    assert not re.search(r"<(script|img|link|iframe|object|base|meta http)\b", text)
    assert not re.search(r"url\(|@import|\b(?:src|href)=\"", text)
    assert "onerror=&quot;" in text or "onerror=&#x27;" in text


EVERYWHERE = (
    *("title", "file name", "base model", "method", "tier", "message", "cure", "path"),
    *("before the mark", "mark", "after the mark", "system prompt", "role", "kind of private data"),
)


@pytest.mark.parametrize("place", EVERYWHERE)
def test_no_text_of_a_report_runs(place: str) -> None:
    """Wherever it stands in the page: what a dataset, a run.yaml or a file's name has brought."""

    def text(here: str) -> str:
        return EVIL if place == here else "plain"

    before, meant, after = text("before the mark"), text("mark"), text("after the mark")
    row = PreviewRow(before + meant + after, len(before), len(before) + len(meant))
    error, path = Severity.ERROR, text("path")
    found = Finding("not-json", error, 1, 0, text("message"), text("cure"), path, (row,))
    verdict = judged(good(12))
    (file,) = verdict.files
    stats = replace(
        file.stats,
        system_prompts=(SystemPrompt(text("system prompt"), 3, 1),),
        roles={text("role"): 3},
        private={text("kind of private data"): 3},
    )
    group = FindingGroup("not-json", 1, places=[found])
    file = replace(file, name=text("file name"), groups=(group,), stats=stats)
    plan = TrainingPlan(text("base model"), text("method"), text("tier"))
    shown = page.as_html(text("title"), replace(verdict, files=(file,), plan=plan))
    assert "&lt;script&gt;document" in shown
    assert not re.search(r"<(script|img)\b", shown)


def test_nothing_of_a_cut_value_is_left_in_a_quote() -> None:
    """A value is masked before it is cut, and left out where it is cut before it is masked."""
    for place in range(80):
        assert "jane" not in shorten(f"{'x ' * place}{ADDRESS} was here")
    for length in range(590, 640):
        assert "jane" not in shorten(f"sk-proj-{'a' * length} {ADDRESS}")
    for place in range(60):
        (row,) = around(f"{ADDRESS} {'x ' * place}!{' x' * place} {ADDRESS}", 26 + 2 * place)
        assert "!" in row.text[row.start : row.end]
        assert not {"jane", "contoso"} & set(re.findall("[a-z]+", row.text))


@pytest.mark.parametrize("rejected", [True, False])
def test_a_rejected_dataset_is_told_so_to_people_and_programs(rejected: bool) -> None:
    verdict = judged(good(12) + b"nonsense\n" * rejected)
    told = ("Rejected: nothing was sent.", "rejected") if rejected else ("Accepted.", "accepted")
    assert f"<strong>{told[0]}</strong>" in page.as_html("x", verdict)
    assert document.as_json("x", verdict)["verdict"] == told[1]


def test_the_page_lists_other_lines_and_stays_small() -> None:
    verdict = judged(good(3) + b"nonsense\n" * 10_000)
    text = page.as_html("x", verdict)
    assert "and 9,988 more, in lines 16, 17" in text
    assert len(text) < 60_000
    assert len(page.as_html("x", judged(talk({**USER, "content": LONG}, ANSWER) * 30))) < 60_000


def test_the_page_in_a_browser(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page.as_html("in-a-browser", mixed()), encoding="utf-8")
    shown = seen(path.as_uri(), tmp_path / "profile")
    assert "<title>in-a-browser: dataset report</title>" in shown
    assert shown.count("<svg") >= 6
    assert shown.count("<details") == len(re.findall("<details", path.read_text("utf-8")))
    assert "owned</title>" not in shown


def test_the_page_of_findings_is_made_from_the_table() -> None:
    written = (ROOT / "docs/findings.md").read_text(encoding="utf-8")
    assert findings.page() == written, "run: python3 dev.py docs"


def test_the_summary_is_one_sentence() -> None:
    assert document.summary(judged(good(60), good(2))) == (
        "training.jsonl: 60 examples, 2,652 tokens, no findings; "
        "validation.jsonl: 2 examples, 88 tokens, 2 findings"
    )
