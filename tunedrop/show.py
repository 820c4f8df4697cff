"""A verdict in a terminal: the numbers, then each kind of finding with its first places. Made here,
or read out of the report of a run."""

from collections import Counter
from typing import Any, NamedTuple

from rich.text import Text

from shared.dataset.findings.collector import FindingGroup
from shared.dataset.findings.finding import Finding
from shared.dataset.findings.quoting import many
from shared.dataset.findings.table import TABLE
from shared.dataset.measure.cost import usd
from shared.dataset.scan import ScanResult
from shared.dataset.verdict import Verdict
from tunedrop.screen import Screen

PLACES = 5  # of each cause; --json and --html have more
COLOURS = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def print_verdict(found: Verdict) -> None:
    screen = Screen(soft_wrap=True)
    for file in found.files:
        _file(screen, file, found)
    for group in found.groups:
        _group(screen, group, "the run")
    _price(screen, found)
    if found.rejected:
        screen.print("rejected", style="bold red")
    else:
        screen.print("accepted", style="bold green")


def print_report(report: dict[str, Any]) -> None:
    """The findings of a report.json, as `print_verdict` shows them. Raises one of MISSHAPEN for
    what is no report, before anything is printed."""
    files = [
        (str(file["name"]), many(file["examples"], "example"), _read(file))
        for file in report["files"]
    ]
    of_the_run = _read(report)
    screen = Screen(soft_wrap=True)
    for name, examples, groups in files:
        screen.print(f"{name}: {examples}", style="bold")
        for group, kind in groups:
            _group(screen, group, name, kind)
        if not groups:
            screen.print("  clean")
    for group, kind in of_the_run:
        _group(screen, group, "the run", kind)


class Kind(NamedTuple):
    """What a report says of an id; this tool may be older than the app, and not know it."""

    severity: str
    title: str


def _read(part: dict[str, Any]) -> list[tuple[FindingGroup, Kind]]:
    return [_told(part, told) for told in part["groups"]]


def _told(part: dict[str, Any], told: dict[str, Any]) -> tuple[FindingGroup, Kind]:
    places = [_finding(place) for place in part["findings"] if place["id"] == told["id"]]
    group = FindingGroup(str(told["id"]), int(told["count"]), places=places)
    group.causes = Counter(place.fix for place in places)
    if len(group.causes) == 1:  # of several it is not told how many each has beyond the places
        group.causes[places[0].fix] = group.count
    return group, Kind(str(told["severity"]), str(told["title"]))


def _finding(place: dict[str, Any]) -> Finding:
    return Finding(
        id=place["id"],
        severity=place["severity"],
        line=place["line"],
        message_index=place["message_index"],
        message=place["message"],
        fix=place["fix"],
    )


def _file(screen: Screen, file: ScanResult, found: Verdict) -> None:
    screen.print(
        f"{file.name}: {many(file.examples, 'example')}, {many(file.size, 'byte')}", style="bold"
    )
    for name, numbers in (("total", file.stats.total), ("assistant", file.stats.assistant)):
        if numbers:
            screen.print(
                f"  {name + ' tokens':<17} {numbers.sum:>11,}   min {numbers.min:,}  p5 "
                f"{numbers.p5:,.0f}  median {numbers.median:,.0f}  mean {numbers.mean:,.1f}  p95 "
                f"{numbers.p95:,.0f}  max {numbers.max:,}"
            )
    groups = found.groups_of(file)
    for group in groups:
        _group(screen, group, file.name)
    if not groups:
        screen.print("  clean")


def _group(screen: Screen, group: FindingGroup, name: str, kind: Kind | None = None) -> None:
    kind = kind or Kind(TABLE[group.id].severity, TABLE[group.id].title)
    times = f" {group.count:,}×" if group.count > 1 else ""
    screen.print(
        Text.assemble(
            "  ",
            (kind.severity, COLOURS.get(kind.severity, "")),
            f" {kind.title}",
            (f" ({group.id}){times}", "dim"),
        )
    )
    for fix, places in _causes(group).items():
        for finding in places[:PLACES]:
            where = f"{name}:{finding.line}" if finding.line else name
            index = finding.message_index
            message = f" message {index}:" if index is not None else ""
            screen.print(f"    {where}:{message} {finding.message}")
        if (more := group.causes[fix] - PLACES) > 0:
            screen.print(f"    … and {more:,} more", style="dim")
        screen.print(f"    → {fix}", style="dim")


def _causes(group: FindingGroup) -> dict[str, list[Finding]]:
    """The places by their cure, for each cause has its own."""
    causes: dict[str, list[Finding]] = {}
    for finding in group.places:
        causes.setdefault(finding.fix, []).append(finding)
    return causes


def _price(screen: Screen, found: Verdict) -> None:
    price = found.price
    if price.training is None:
        what = f"{found.plan.base_model} ({found.plan.tier})"
        screen.print(f"no price is known for {what}; a month to host: {price.hosting}")
        return
    if not price.tokens:
        screen.print("nothing to train on, so there is no price")
        return
    guess = ", a guess" if price.guessed else ""
    screen.print(
        f"{price.at_most}{usd(price.training)} to train {found.plan.base_model} "
        f"({found.plan.tier}, "
        f"{many(price.epochs, 'epoch')}{guess}), {price.hosting} a month to host"
    )
