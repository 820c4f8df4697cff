"""A run in a terminal: its stages as they pass, how far its job is, how it ended, what is running.

Shows what the app's API says of runs; knows neither the app nor the ledger.
"""

from datetime import UTC, datetime
from itertools import pairwise
from math import ceil
from typing import Any

from rich.console import Console
from rich.text import Text

from shared.dataset.measure.cost import usd
from shared.run.ids import short
from shared.run.stages import DEPLOYED, ENDS
from tunedrop.errors import MISSHAPEN

Run = dict[str, Any]


def is_checked(run: Run) -> bool:
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
    return "  ".join(filter(None, [*parts, eta(run)]))


def eta(run: Run) -> str:
    """How long until its model answers; empty where that is not known, or a person is waited for.
    The app estimates it, for the console as well."""
    finish = (run.get("eta") or {}).get("finish")
    left = (parse_time(finish) - datetime.now(UTC)).total_seconds() if finish else 0
    return f"ETA {_minutes(left)}" if left > 0 else ""


def duration(run: Run) -> str:
    """How long it has been in its stage."""
    since = parse_time(run["timeline"][-1]["at"])
    return _minutes((datetime.now(UTC) - since).total_seconds())


def _minutes(seconds: float) -> str:
    """Begun minutes count."""
    minutes = max(1, ceil(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def notes(run: Run) -> dict[str, str]:
    """What is to be known of a run although it goes on, in the app's words, each by a key that
    stays the same while the words may count on."""
    told = {notice: notice for notice in run.get("notices", ())}
    wait = run.get("stuck") or {"state": "no"}
    if wait["state"] != "no":
        told[wait["state"]] = wait["message"]
    return told | {signal["id"]: signal["message"] for signal in run.get("signals", ())}


def print_end(run: Run, screen: Console) -> None:
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
    screen.print(f"  report    tunedrop report {run['id']}", soft_wrap=True)


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
