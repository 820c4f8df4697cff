"""`tunedrop verdict`: how the version that a run has made compares with the champion and its base.

Shows a verdict.json; knows nothing of how one is made.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from tunedrop import runs
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import MISSHAPEN, ExitCode, NotReached, exit_on_error
from tunedrop.names import in_path

Json = dict[str, Any]

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop verdict captain-1a2b3c4d")
def verdict(
    run_id: runs.RunId,
    limit: Annotated[int, typer.Option(min=0, help="at most so many regressions of each")] = 5,
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Show how a run's version compares with the champion and its base model: scores, what has
    become worse, and how small a loss the comparison could see. Exits 1 if it loses."""
    from tunedrop.app import App

    with exit_on_error():
        found = App.at(address, key).get(f"api/runs/{in_path(run_id)}/verdict.json")
        if as_json:
            say_json(found)
        else:
            say(_shown(found, limit))
    raise typer.Exit(ExitCode.NO if found.get("overall") == "loss" else ExitCode.DONE)


def _shown(found: Json, limit: int) -> str:
    """Raises NotReached."""
    try:
        return "\n".join(lines(found, limit))
    except MISSHAPEN:
        raise NotReached(
            "the app's verdict is none that this tool knows.", "--json prints it as it is."
        ) from None


def lines(found: Json, limit: int) -> Iterator[str]:
    """The verdict as lines of a terminal, with `limit` regressions of each contest."""
    yield f"{found['overall']}: {found['sentence']}"
    for side in found["sides"]:
        yield from _side(side)
    for note in found["notes"]:
        yield f"  note  {note}"
    candidate = found["sides"][0]["name"]
    for contest in found["contests"]:
        yield ""
        yield from _contest(contest, candidate, limit)


def _side(side: Json) -> Iterator[str]:
    """Calls that failed and answers that are empty or cut off count, so they are told."""
    told = [f"{side[what]} {what}" for what in ("failed", "empty", "cut") if side[what]]
    pace = "" if side["seconds"] is None else f", {side['seconds']:.1f} s each"
    spent = f"{side['completion_tokens']:,} tokens{pace}"
    asked = f"{side['role']:<10} {side['name']}  {side['asked']} asked"
    if left := side.get("not_asked"):
        asked += f", {left} not asked"
    yield f"  {', '.join([asked, *told])}  ({spent})"
    for failure in side["failures"]:
        yield f"             {failure['count']} × {failure['reason']}"


def _contest(contest: Json, candidate: str, limit: int) -> Iterator[str]:
    other = contest["against"]
    yield f"{candidate} against {other['name']} ({other['role']}): {contest['outcome']}"
    yield from _table(contest, candidate)
    yield "  The primary score decides: of each example, the mean of its scores with a star."
    yield f"  {contest['power_sentence']}"
    yield f"  better at {contest['better']}, worse at {contest['worse']}"
    for regression in contest["regressions"][:limit]:
        yield from _regression(regression, candidate, other["name"])
    if (left := contest["worse"] - min(limit, len(contest["regressions"]))) > 0:
        yield f"  … and {left} more"


def _table(contest: Json, candidate: str) -> Iterator[str]:
    """Points of 100; what is part of the primary score has a star."""
    interval = f"{contest['confidence']:.1%} interval".replace("%", " %")
    rows = [
        ["score", "examples", candidate, contest["against"]["name"], "difference", interval, ""]
    ]
    rows.append(_row("primary score", contest["primary"]))
    for name, score in contest["metrics"].items():
        rows.append(_row(f"{name} *" if score["decides"] else name, score))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield f"  {_aligned(row, widths)}".rstrip()


def _row(name: str, score: Json) -> list[str]:
    return [
        name,
        str(score["examples"]),
        f"{100 * score['candidate']:.1f}",
        f"{100 * score['other']:.1f}",
        f"{100 * score['difference']:+.1f}",
        f"{100 * score['low']:+.1f} to {100 * score['high']:+.1f}",
        score["outcome"],
    ]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """The name to the left, as the outcome; numbers to the right."""
    first, *numbers, last = zip(row, widths, strict=True)
    cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in numbers), last[0]]
    return "  ".join(cells)


def _regression(regression: Json, candidate: str, other: str) -> Iterator[str]:
    ours, theirs = 100 * regression["candidate"], 100 * regression["other"]
    yield f"  line {regression['line']}: {ours:.1f} instead of {theirs:.1f}"
    width = max(map(len, ("expected", candidate, other)))
    yield f"    {'expected':<{width}}  {regression['expected']}"
    yield f"    {candidate:<{width}}  {regression['candidate_answer']}"
    yield f"    {other:<{width}}  {regression['other_answer']}"
