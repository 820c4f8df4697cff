"""A run in a terminal: its stages as they pass, how far its job is, how it ended, what is running.

Shows what the app's API says of runs; knows neither the app nor the ledger.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from shared.dataset.measure.cost import usd
from shared.printable import printable
from shared.run.ids import short
from shared.run.stages import DEPLOYED, ENDS
from tunedrop.errors import MISSHAPEN

Run = dict[str, Any]


def follow(looks: Iterable[Run], screen: Console, *, until_checked: bool = False) -> Run:
    """Show a run as it goes, look by look, until it has ended or its dataset is checked; the last
    look."""
    display = Progress(
        TextColumn("  {task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[detail]}", markup=False),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
    with display:
        bar = display.add_task("", total=None, detail="")
        passed, run = 0, Run()
        for run in looks:
            for line in stage_lines(run)[passed:]:
                screen.print(line, soft_wrap=True)
                passed += 1
            if run["stage"] in ENDS or (until_checked and _checked(run)):
                break
            progress = run["progress"]
            display.update(
                bar,
                description=f"{run['stage']:<10}",
                total=progress["total_steps"] if run["stage"] == "training" else None,
                completed=progress["step"] or 0,
                detail=printable(detail(run)),
            )
    return run


def _checked(run: Run) -> bool:
    """Whether its dataset is checked, and the account has not refused it: it ends at once then."""
    answers = (run.get("plan") or {}).get("answers", ())
    refused = any(answer["says"] == "no" and not answer["passes"] for answer in answers)
    return run["stage"] != "received" and not (run["stage"] == "checked" and refused)


def stage_lines(run: Run) -> list[Text]:
    """A line for each stage that is over, with the seconds it took; the last one has not ended."""
    moments = [(moment["stage"], parse_time(moment["at"])) for moment in run["timeline"]]
    lines = [
        Text.assemble(
            f"  {stage:<10}",
            (f"{(end - at).total_seconds():7.1f} s  {_stage_detail(stage, run)}", "dim"),
        )
        for (stage, at), (_, end) in pairwise(moments)
    ]
    if run["stage"] in ENDS:
        lines.append(Text.assemble("  ", (run["stage"], "bold")))
    return lines


def detail(run: Run) -> str:
    """What is known of the stage that a run is in."""
    progress = run["progress"]
    parts = [run["waiting_for"] or ""]
    if progress["step"]:
        parts.append(f"step {progress['step']}/{progress['total_steps'] or '?'}")
    if progress["train_loss"] is not None:
        parts.append(f"loss {progress['train_loss']:.2f}")
    if progress["estimated_finish"]:
        left = (parse_time(progress["estimated_finish"]) - datetime.now(UTC)).total_seconds()
        parts.append(f"ETA {max(left, 0):.0f} s")
    return "  ".join(filter(None, parts))


def print_end(run: Run, app_url: str, screen: Console) -> None:
    """How a run has ended, and where to read on."""
    if run["stage"] in DEPLOYED:
        screen.print(f"\n{stands(run)}", soft_wrap=True)
        if told := run.get("held") or run.get("compared"):
            screen.print(told, soft_wrap=True)
    else:
        failure = run["failure"] or {"message": "The dataset has errors.", "fix": "See the report."}
        ended = Text.assemble("\nThe run ended ", (run["stage"], "bold"), ". ")
        screen.print(ended.append(f"{failure['message']}\n{failure['fix']}"))
    if bill := run.get("bill"):
        screen.print(f"  tokens    {_bill(bill)}", soft_wrap=True)
    screen.print(f"  report    {app_url}/api/runs/{run['id']}/report.html", soft_wrap=True)


def stands(run: Run) -> str:
    """Which version a run has made, and who serves by now: another one may."""
    known = run.get("standing")
    return known["told"] if known else f"{run['model']}@{run['version']} serves."


def _bill(bill: Run) -> str:
    told = f"{_amount(bill['billed'])} billed"
    if predicted := bill["predicted"]:
        told += f"; {'at most ' * predicted['at_most']}{_amount(predicted)} predicted"
    return told


def _amount(part: Run) -> str:
    price = "price unknown" if part["usd"] is None else usd(part["usd"])
    return f"{part['tokens']:,} ({price})"


def print_runs(runs: list[Run], screen: Console) -> None:
    """The runs of a list, a line each; in a terminal no longer than that is wide."""
    width = max(len(short(run["id"])) for run in runs)
    for run in runs:
        since = parse_time(run["timeline"][-1]["at"]).astimezone()
        line = Text(f"{short(run['id']):<{width}}  {run['stage']:<10}  {since:%Y-%m-%d %H:%M}  ")
        line.append(_summary(run), "dim")
        whole = not screen.is_terminal
        screen.print(line, no_wrap=True, overflow="ignore" if whole else "ellipsis", crop=not whole)


def print_refused(refused: Run, screen: Console) -> None:
    """The drops that were not taken: name and reason, a line each, then what to do about it."""
    try:
        lines = _refused_lines(refused)
    except MISSHAPEN:
        lines = [Text("The app's list of drops that it did not take is none that this tool knows.")]
    if lines:
        screen.print("\nnot taken", style="bold")
    for line in lines:
        screen.print(line, soft_wrap=True)


def _refused_lines(refused: Run) -> list[Text]:
    lines = []
    for drop in refused["drops"]:
        state = "waits" if drop["waits"] else "refused"
        since = parse_time(drop["at"]).astimezone()
        line = Text(f"  {state:<7}  {since:%Y-%m-%d %H:%M}  {drop['message']}")
        lines.append(line.append(f" {drop['fix']}", "dim"))
    if (more := refused["count"] - len(refused["drops"])) > 0:
        lines.append(Text(f"  … and {more:,} more", "dim"))
    return lines


def print_notices(run: Run, screen: Console) -> None:
    for notice in run.get("notices", ()):
        screen.print(Text.assemble("  ", ("note", "yellow"), f"  {notice}"), soft_wrap=True)


def _summary(run: Run) -> str:
    if run["stage"] in DEPLOYED:
        return _version(run)
    return str(run["failure"]["message"]) if run["failure"] else detail(run)


def _version(run: Run) -> str:
    called, known = f"{run['model']}@{run['version']}", run.get("standing")
    if known is None or known["state"] == "champion":
        return called
    serves = f"; {run['model']}@{known['champion']} serves" if known["champion"] else ""
    return f"{called}, {known['state']}{serves}"


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _stage_detail(stage: str, run: Run) -> str:
    if stage == "received":
        counts = [run[role]["examples"] for role in ("training", "validation") if run[role]]
        return f"{' + '.join(map(str, counts))} examples read"
    if stage == "training" and run["epochs"]:
        losses = [epoch["train_loss"] for epoch in run["epochs"]]
        return f"loss per epoch {' → '.join('–' if x is None else f'{x:.2f}' for x in losses)}"
    if stage == "trained":
        return str(run["fine_tuned_model"])
    return str(run["deployment"]) if stage == "deploying" else ""
