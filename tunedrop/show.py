"""A verdict in a terminal: the numbers, then each kind of finding with its first places."""

from rich.console import Console
from rich.text import Text

from shared.dataset.cost import usd
from shared.dataset.findings import TABLE
from shared.dataset.notes import Group
from shared.dataset.quoting import many
from shared.dataset.scan import Scanned
from shared.dataset.verdict import Verdict

PLACES = 5  # of each kind; --json and --html have more
COLOURS = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def verdict(found: Verdict) -> None:
    screen = Console(highlight=False, markup=False, soft_wrap=True)
    for file in found.files:
        _file(screen, file, found)
    for group in found.groups:
        _group(screen, group, "the run")
    _price(screen, found)
    if found.rejected:
        screen.print("rejected", style="bold red")
    else:
        screen.print("accepted", style="bold green")


def _file(screen: Console, file: Scanned, found: Verdict) -> None:
    screen.print(
        f"{file.name}: {many(file.examples, 'example')}, {many(file.size, 'byte')}", style="bold"
    )
    for name, spread in (("total", file.stats.total), ("assistant", file.stats.assistant)):
        if spread:
            screen.print(
                f"  {name + ' tokens':<17} {spread.sum:>11,}   min {spread.min:,}  p5 "
                f"{spread.p5:,.0f}  median {spread.median:,.0f}  mean {spread.mean:,.1f}  p95 "
                f"{spread.p95:,.0f}  max {spread.max:,}"
            )
    groups = found.groups_of(file)
    for group in groups:
        _group(screen, group, file.name)
    if not groups:
        screen.print("  clean")


def _group(screen: Console, group: Group, name: str) -> None:
    kind = TABLE[group.id]
    times = f" {group.count:,}×" if group.count > 1 else ""
    screen.print(Text.assemble("  ", (kind.severity, COLOURS[kind.severity]), f" {kind.title}",
                               (f" ({group.id}){times}", "dim")))  # fmt: skip
    for finding in group.places[:PLACES]:
        where = f"{name}:{finding.line}" if finding.line else name
        message = f" message {finding.message}:" if finding.message is not None else ""
        screen.print(f"    {where}:{message} {finding.what}")
    if group.count > PLACES:
        screen.print(f"    … and {group.count - PLACES:,} more", style="dim")
    screen.print(f"    → {group.places[0].fix}", style="dim")


def _price(screen: Console, found: Verdict) -> None:
    price = found.price
    if price.training is None:
        screen.print(f"no price is known for {found.plan.base_model}")
        return
    if not price.tokens:
        screen.print("nothing to train on, so there is no price")
        return
    guess = ", a guess" if price.guessed else ""
    screen.print(
        f"{usd(price.training)} to train {found.plan.base_model} ({found.plan.tier}, "
        f"{many(price.epochs, 'epoch')}{guess}), ${price.hosting_per_month:,.0f} a month to host"
    )
