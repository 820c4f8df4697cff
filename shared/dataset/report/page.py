"""The verdict as a page for people: self-contained, no script, nothing loaded from anywhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from shared.catalog import facts, prices
from shared.dataset.findings.collector import FindingGroup
from shared.dataset.findings.finding import Finding, PreviewRow
from shared.dataset.findings.quoting import many
from shared.dataset.findings.table import TABLE
from shared.dataset.measure.cost import exact_usd, usd
from shared.dataset.measure.statistics import Distribution, FileStatistics
from shared.dataset.report.charts import histogram, shares
from shared.dataset.report.style import STYLE
from shared.dataset.scan import ScanResult
from shared.dataset.verdict import Verdict

PLACES = 12  # of one finding that the page lists; report.json has the others
LINE_NUMBERS = 40
PRIVATE_NOTE = "What looks private is replaced by its kind, in this report and in report.json."


def as_html(run_id: str, verdict: Verdict, account: Mapping[str, Any] | None = None) -> str:
    tone = "bad" if verdict.rejected else "good"
    body = [
        f"<header class={tone}><p class=kind>Dataset report</p><h1>{escape(run_id)}</h1>",
        f"<p class=verdict>{_verdict(verdict)}</p></header>",
        _tiles(verdict),
        _price(verdict),
        _account(account) if account else "",
        _groups(verdict.groups, "The run"),
        *(_file(file, verdict) for file in verdict.files),
        f"<footer>Models were read on {facts.READ_ON}; prices are list prices in USD of "
        f"{prices.SOURCE.dated}, of {_region(verdict.plan.region)}. {PRIVATE_NOTE}</footer>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(run_id)}: dataset report</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _region(name: str) -> str:
    return escape(name) or "the dearest region, as the account's is not known"


def _verdict(verdict: Verdict) -> str:
    counts = {"error": 0, "warning": 0, "advice": 0}
    groups = [*verdict.groups, *(g for file in verdict.files for g in verdict.groups_of(file))]
    for group in groups:
        counts[TABLE[group.id].severity] += group.count
    parts = [
        f"<span class={kind}>{_many_of(kind, count)}</span>"
        for kind, count in counts.items()
        if count
    ]
    head = "Rejected: nothing was sent." if verdict.rejected else "Accepted."
    return f"<strong>{head}</strong> {' · '.join(parts) or 'No findings.'}"


def _many_of(severity: str, count: int) -> str:
    if severity == "advice":
        return f"{many(count, 'piece')} of advice"
    return many(count, severity)


def _tiles(verdict: Verdict) -> str:
    examples = " + ".join(f"{file.examples:,}" for file in verdict.files)
    noun = "example" if examples == "1" else "examples"
    roles = " + ".join(file.role for file in verdict.files)
    price = verdict.price
    cost = price.at_most + usd(price.training) if price.training is not None else "unknown"
    epochs = many(price.epochs, "epoch")
    token = "token" if price.tokens == 1 else "tokens"
    tiles = [
        (examples, f"{noun} ({roles})"),
        (f"{price.tokens:,}", f"training {token} in one epoch"),
        (cost, f"to train, {epochs}{', a guess' if price.guessed else ''}"),
        (price.hosting, "a month to host, used or not"),
    ]
    return "<div class=tiles>" + "".join(_tile(*tile) for tile in tiles) + "</div>"


def _tile(value: str, label: str) -> str:
    return f"<div><b>{escape(value)}</b><span>{escape(label)}</span></div>"


def _price(verdict: Verdict) -> str:
    plan, price = verdict.plan, verdict.price
    facts = f"{escape(plan.base_model)} · {escape(plan.method)} · {escape(plan.tier)}"
    if plan.budget is not None:
        facts += f" · budget {exact_usd(plan.budget)}"
    if not price.tiers:
        why = " for these images" if price.image_tokens is None else ""
        return f"<p class=plan>{facts} · no price is known{why}</p>"
    tiers = "".join(
        f"<li{' class=chosen' if tier == plan.tier else ''}><small>{escape(tier)}</small>"
        f"{usd(cost)}</li>"
        for tier, cost in price.tiers.items()
    )
    if price.image_tokens:
        facts += f" · at most: {price.image_tokens:,} tokens of images, each taken as the largest"
    return f"<p class=plan>{facts}</p><ul class=price>{tiers}</ul>"


def _account(account: Mapping[str, Any]) -> str:
    """What the account says to the run, question by question."""
    rows = "".join(
        f"<tr><td>{escape(answer['says'])}</td><td>{escape(answer['id'])}</td>"
        f"<td>{escape(answer['sentence'])} <em>{escape(answer['instead'])}</em></td></tr>"
        for answer in account["answers"]
    )
    where = f" in {escape(account['region'])}" if account["region"] else ""
    return f"<h2>The account{where}</h2><table class=account>{rows}</table>"


def _file(file: ScanResult, verdict: Verdict) -> str:
    facts = f"{file.role} · {many(file.examples, 'example')} · "
    facts += f"{many(file.lines, 'line')} · {many(file.size, 'byte')}"
    groups = verdict.groups_of(file)
    findings = _groups(groups, "") if groups else "<p class=clean>No findings.</p>"
    return (
        f"<section><h2>{escape(file.name)}</h2><p class=facts>{facts}</p>"
        f"{findings}{_numbers(file.stats)}</section>"
    )


# ---- findings


def _groups(groups: tuple[FindingGroup, ...], title: str) -> str:
    if not groups:
        return ""
    head = f"<h2>{title}</h2>" if title else ""
    return head + "".join(_group(group, title.lower() or "the file") for group in groups)


def _group(group: FindingGroup, whole: str) -> str:
    kind = TABLE[group.id]
    opened = " open" if kind.severity == "error" else ""
    times = f"{group.count:,}×" if group.count > 1 else ""
    places = "".join(_place(place, whole) for place in group.places[:PLACES])
    return (
        f"<details class={kind.severity}{opened}><summary><span class=dot>{kind.severity}</span>"
        f"<b>{escape(kind.title)}</b> <code>{group.id}</code> <span class=times>{times}</span>"
        f"</summary><p>{escape(kind.why)} <em>{escape(kind.fix)}</em></p>"
        f"<ol class=places>{places}</ol>{_other_lines(group)}</details>"
    )


def _other_lines(group: FindingGroup) -> str:
    hidden = group.count - min(len(group.places), PLACES)
    if not hidden:
        return ""
    shown = {finding.line for finding in group.places[:PLACES]}
    lines = [f"{line:,}" for line in group.lines[: LINE_NUMBERS + PLACES] if line not in shown]
    listed = ", ".join(lines[:LINE_NUMBERS])
    more = " …" if len(lines) > LINE_NUMBERS or len(group.lines) > LINE_NUMBERS + PLACES else ""
    where = f", in lines {listed}{more}" if listed else ""
    return f"<p class=more>and {hidden:,} more{where}</p>"


def _place(finding: Finding, whole: str) -> str:
    line = f"line {finding.line:,}" if finding.line else whole
    place = f", message {finding.message_index}" if finding.message_index is not None else ""
    path = f" <code>{escape(finding.path)}</code>" if finding.path else ""
    own = "" if finding.fix == TABLE[finding.id].fix else f" <em>{escape(finding.fix)}</em>"
    preview = "".join(map(_row, finding.preview))
    return (
        f"<li><span class=where>{line}{place}</span> "
        f"<bdi>{escape(finding.message)}</bdi>{own}{path}"
        + (f"<pre>{preview}</pre>" if preview else "")
        + "</li>"
    )


def _row(row: PreviewRow) -> str:
    before, meant, after = row.text[: row.start], row.text[row.start : row.end], row.text[row.end :]
    mark = f"<mark>{escape(meant)}</mark>" if meant else ""
    return f"<bdi>{escape(before)}{mark}{escape(after)}</bdi>\n"


# ---- numbers


def _numbers(stats: FileStatistics) -> str:
    return f"<div class=numbers>{''.join(_figures(stats))}</div>" if stats.total else ""


def _figures(stats: FileStatistics) -> Iterator[str]:
    exact = "exact" if stats.exact else "not exact"
    for numbers, label in (
        (stats.total, "All tokens"),
        (stats.assistant, "The assistant's tokens"),
    ):
        if numbers:
            note = f" <small>{escape(stats.encoding)}, {exact}</small>"
            yield _figure(label + note, histogram(numbers, label) + _distribution(numbers))
    yield _figure("Messages by role", shares(stats.roles, "roles"))
    turns = {f"{n} answer{'s' * (n != '1')} each": count for n, count in stats.turns.items()}
    yield _figure("Examples by answers", shares(turns, "answers"))
    if stats.system_prompts or stats.without_system_prompt:
        yield _figure("System prompts", _system_prompts(stats), wide=True)
    if stats.private:
        yield _figure("Private data, in messages", shares(stats.private, "private"), wide=True)


def _figure(caption: str, body: str, *, wide: bool = False) -> str:
    return f"<figure{' class=wide' * wide}><figcaption>{caption}</figcaption>{body}</figure>"


def _distribution(numbers: Distribution) -> str:
    cells = [
        ("sum", f"{numbers.sum:,}"),
        ("min", f"{numbers.min:,}"),
        ("p5", f"{numbers.p5:,.0f}"),
        ("mean", f"{numbers.mean:,.1f}"),
        ("median", f"{numbers.median:,.0f}"),
        ("p95", f"{numbers.p95:,.0f}"),
        ("max", f"{numbers.max:,}"),
    ]
    head = "".join(f"<th>{name}</th>" for name, _ in cells)
    row = "".join(f"<td>{value}</td>" for _, value in cells)
    return f"<table><tr>{head}</tr><tr>{row}</tr></table>"


def _system_prompts(stats: FileStatistics) -> str:
    rows = "".join(
        f"<tr><td>{s.count:,}×</td><td dir=auto>{escape(s.text)}</td></tr>"
        for s in stats.system_prompts
    )
    if stats.without_system_prompt:
        rows += f"<tr><td>{stats.without_system_prompt:,}×</td><td><i>none</i></td></tr>"
    return f"<table class=systems>{rows}</table>"
