"""docs/dataset-check.md: how fast the check is, out of bench/results/dataset.json."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / "bench/results/dataset.json"
EVERYTHING = "ours, everything"
QUICK = "ours, shape, tokens and exact duplicates"
STRUCTURE = "ours, structure only"
NOTEBOOK = "notebook: json.loads, tiktoken twice"
COOKBOOK = "cookbook: format check"
NOT_YET = "Not measured yet."
SHARE = 0.6  # of the time of one core

Row = dict[str, Any]


def parts() -> dict[str, str]:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in found["compared"]}
    return {
        "compared": _compared(found["machine"], rows),
        "curve": _curve(found),
        "two cores": _two_cores(found.get("two_cores")),
        "aims": _aims(found, rows),
    }


def _table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(titles)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _compared(machine: Row, rows: dict[str, Row]) -> str:
    said = (
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}; a load of "
        f"{machine['load_before'][0]} before and {machine['load_after'][0]} after."
    )
    titles = ("", "MB/s", "rounds", "memory", "beside the notebook", "beside the cookbook")
    table = _table(
        titles,
        (
            (
                name,
                f"**{row['mb_per_second']}**",
                ", ".join(map(str, row["all_rounds"])),
                f"{row['peak_mb']} MB",
                *(f"{_times(row, rows[peer]):.1f} ×" for peer in (NOTEBOOK, COOKBOOK)),
            )
            for name, row in rows.items()
        ),
    )
    return f"{said}\n\n{table}"


def _times(row: Row, peer: Row) -> float:
    return float(row["mb_per_second"] / peer["mb_per_second"])


def _curve(found: Row) -> str:
    rows = (
        (f"{row['mb']:.0f} MB", row["mb_per_second"], row["seconds"], f"{row['peak_mb']} MB")
        for row in found["curve"]
    )
    table = _table(("file", "MB/s", "seconds", "memory"), rows)
    ten = found["command_line_10_mb"]
    return (
        f"{table}\n\nA file in which every example calls tools: "
        f"{found['only_tools']['mb_per_second']} MB/s. `tunedrop check` of 10 MB, start and report "
        f"included, took {ten['seconds']} s of the processor, {ten['seconds_on_the_clock']} s on "
        "the clock."
    )


def _two_cores(found: Row | None) -> str:
    if not found:
        return NOT_YET
    rows = (
        (f"{row['mb']:.0f} MB, {row['name']}", row["seconds_on_the_clock"], f"{row['peak_mb']} MB")
        for row in found["rows"]
    )
    return _table(
        ("file", "seconds on the clock", "memory (of both; what they share is counted twice)"), rows
    )


def _aims(found: Row, rows: dict[str, Row]) -> str:
    quick, everything, notebook = rows[QUICK], rows[EVERYTHING], rows[NOTEBOOK]
    shape = "shape, tools, weights, tokens, exact duplicates"
    aims = [
        _rate(f"{shape}: 60 MB/s", quick, 60),
        _ratio("the same, ten times the notebook", _times(quick, notebook), 10),
        _ratio("the same, level with the cookbook's check", _times(quick, rows[COOKBOOK]), 1),
        _rate("everything: 25 MB/s", everything, 25),
        _ratio("everything, five times the notebook", _times(everything, notebook), 5),
    ]
    if waited := found.get("waited"):
        quick_times, times = waited["times"][QUICK], waited["times"][EVERYTHING]
        aims.append(_ratio(f"by the clock with two cores, {shape}: ten times", quick_times, 10))
        aims.append(_ratio("by the clock with two cores, everything: five times", times, 5))
    together = next((row for name, row in rows.items() if name.startswith("together")), None)
    if together and STRUCTURE in rows:
        times = _times(rows[STRUCTURE], together)
        aims.append(_ratio("structure only, level with together's checker", times, 1))
    if two_cores := found.get("two_cores"):
        aim = f"512 MB on two cores: {SHARE} of the time of one"
        aims.append((aim, two_cores["share"], _reached(two_cores["share"] <= SHARE)))
    memory, ten = found["curve"][-1]["peak_mb"], found["command_line_10_mb"]["seconds"]
    aims.append(("150 MB of memory for 512 MB", f"{memory} MB", _reached(memory <= 150)))
    aims.append(("10 MB within a second", f"{ten} s", _reached(ten <= 1)))
    return _table(("aim", "measured", ""), aims)


def _rate(aim: str, row: Row, least: float) -> tuple[object, ...]:
    return aim, f"{row['mb_per_second']} MB/s", _reached(row["mb_per_second"] >= least)


def _ratio(aim: str, times: float, least: float) -> tuple[object, ...]:
    return aim, f"{times:.1f} ×", _reached(round(times, 1) >= least)


def _reached(reached: bool) -> str:
    return "reached" if reached else "not reached"
