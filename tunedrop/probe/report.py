"""What a probe has found: every question with what the emulator's table says, what the SDK's types
say and what was answered, as JSON and as Markdown that can be sent to others.

Holds no id, name, key, prompt or address: answers are kept without (`scrub`). Knows no service.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.cloud.rest import ARM_API_VERSION
from tunedrop import __version__
from tunedrop.probe.memory import Memory
from tunedrop.probe.questions import Question, Value, questions
from tunedrop.probe.wire import DATED_VERSION

SCHEMA = 1
FITS, DIFFERS, NOTED, NOT_ASKED = "as the table says", "differs", "noted", "not asked"


def finding(question: Question, answers: Mapping[str, Any]) -> str:
    if question.id not in answers:
        return NOT_ASKED
    if question.told is None:
        return NOTED
    return FITS if question.fits(answers[question.id]["value"]) else DIFFERS


def differing(memory: Memory) -> list[str]:
    """Ids of the questions that were answered in another way than the emulator's table says."""
    every = questions().values()
    return [one.id for one in every if finding(one, memory.answers) == DIFFERS]


def document(memory: Memory, *, live: bool, now: float, areas: Sequence[str]) -> dict[str, Any]:
    every = [one for one in questions().values() if one.id in memory.answers or one.area in areas]
    told = [_entry(one, memory.answers) for one in every]
    return {
        "schema_version": SCHEMA,
        "tunedrop": __version__,
        "date": datetime.fromtimestamp(now, UTC).date().isoformat(),
        "probed": "Azure" if live else "emulator",
        "api_versions": {"dated": DATED_VERSION, "control_plane": ARM_API_VERSION, "v1": "v1"},
        "spent_at_most_usd": round(memory.spent_usd, 2),
        "counts": {name: _count(told, name) for name in (FITS, DIFFERS, NOTED, NOT_ASKED)},
        "left_out": dict(memory.left_out),
        "questions": told,
    }


def _count(told: Sequence[Mapping[str, Any]], name: str) -> int:
    return sum(one["finding"] == name for one in told)


def _entry(question: Question, answers: Mapping[str, Any]) -> dict[str, Any]:
    known = answers.get(question.id, {})
    value = known.get("value")
    return {
        "id": question.id,
        "asks": question.asks,
        "finding": finding(question, answers),
        "answered": value,
        "on": known.get("on"),
        "emulator": None if question.told is None else list(question.told),
        "sdk": _sdk(value),
        "source": question.source,
        "unknown_until_now": question.unknown,
    }


def _sdk(value: Value | None) -> str | None:
    """What the SDK's type says; None where the question is not about a shape."""
    if not isinstance(value, list):
        return None
    return "its type fits" if not value else f"its type differs in {len(value)} places"


def markdown(told: Mapping[str, Any]) -> str:
    return "\n".join(_lines(told)) + "\n"


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    counts = ", ".join(f"{number} {name}" for name, number in told["counts"].items())
    yield f"# How Azure OpenAI answers: {told['probed']}, {told['date']}"
    yield ""
    yield f"By `tunedrop probe` {told['tunedrop']}: {counts}."
    yield f"It has cost ${told['spent_at_most_usd']:.2f} at most."
    for area, reason in told["left_out"].items():
        yield f"Not asked to its end: {area}, since {reason}."
    every: Sequence[Mapping[str, Any]] = told["questions"]
    yield from _part("What differs from the emulator", _of(every, DIFFERS))
    asked = [one for one in every if one["unknown_until_now"] and one["answered"] is not None]
    yield from _part("What no source has told until now", asked)
    yield from _part("Noted", [one for one in _of(every, NOTED) if not one["unknown_until_now"]])
    yield from _part("As the emulator's table says", _of(every, FITS))
    yield from _part("Not asked", _of(every, NOT_ASKED))


def _of(every: Sequence[Mapping[str, Any]], finding: str) -> list[Mapping[str, Any]]:
    return [one for one in every if one["finding"] == finding]


def _part(title: str, every: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not every:
        return
    yield from ("", f"## {title}", "")
    yield "| question | answered | the emulator says | the SDK | source | on |"
    yield "|---|---|---|---|---|---|"
    for one in every:
        cells = (one["answered"], one["emulator"], one["sdk"], one["source"], one["on"])
        shown = " | ".join(_cell(cell) for cell in cells)
        yield f"| {one['asks']} (`{one['id']}`) | {shown} |"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "<br>".join(_cell(one) for one in value) or "nothing"
    return "" if value is None else str(value).replace("|", "\\|").replace("<", "&lt;")
