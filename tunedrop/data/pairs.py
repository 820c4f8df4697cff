"""Records of a question and an answer: Alpaca's, prompt and completion, and the rows of a table."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tunedrop.data.fields import Example, Fields, LeftOut, Message, as_text, filled, said_by, turns

# What files for completions put between prompt and completion, and after it: the longer first.
SEPARATORS = ("\n\n###\n\n", "\n###\n", "\n\n###", "\n###", "###", "\n\n->", "\n->", " ->", "->")
STOPS = ("\n\n###", "\n###", " ###", "###", "\nEND", " END", "<|endoftext|>", "\n")
PAIRS: tuple[tuple[str, str], ...] = (
    ("user", "assistant"),
    ("question", "answer"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("input", "output"),
    ("query", "response"),
)


def is_alpaca(record: dict[str, Any]) -> str:
    """What shows it; empty if nothing does."""
    return "`instruction` and `output`" if {"instruction", "output"} <= record.keys() else ""


def alpaca(fields: Fields) -> Example:
    """Instruction and input are the question, an empty line between them. Raises LeftOut."""
    asked = filled(fields.text("instruction"), "`instruction`")
    if (given := fields.text("input")).strip():
        asked = f"{asked}\n\n{given}"
    answer = filled(fields.text("output"), "`output`")
    history = [*_history(fields.take("history")), said_by("user", asked)]
    return _example(fields.text("system"), [*history, said_by("assistant", answer)])


def _history(rounds: Any) -> list[Message]:
    """Pairs of a question and an answer. Raises LeftOut."""
    messages: list[Message] = []
    for one in rounds or []:
        if not isinstance(one, list) or len(one) != 2:
            raise LeftOut("`history` is no list of questions with their answers")
        asked, answer = (as_text(text, "a part of `history`") for text in one)
        messages += [said_by("user", asked), said_by("assistant", answer)]
    return messages


def _example(system: str, messages: list[Message]) -> Example:
    return {"messages": [*([said_by("system", system)] if system else []), *messages]}


# ---- prompt and completion


def is_prompt_completion(record: dict[str, Any]) -> str:
    """What shows it; empty if nothing does."""
    return "`prompt` and `completion`" if {"prompt", "completion"} <= record.keys() else ""


class Marks(NamedTuple):
    """What every prompt of a file ends with, and every completion; taken off. `lead`: whether
    every completion begins with a blank."""

    separator: str = ""
    stop: str = ""
    lead: bool = False

    def sentences(self) -> list[str]:
        told = []
        if self.separator:
            told.append(f"taken off the end of every prompt: {self.separator!r}")
        if self.stop:
            told.append(f"taken off the end of every completion: {self.stop!r}")
        if self.lead:
            told.append("taken off the beginning of every completion: a blank")
        return told


def marks(records: Iterable[dict[str, Any]]) -> Marks:
    """Only what all of two or more records have: elsewhere it may be a part of the text."""
    pairs = [
        (record["prompt"], record["completion"])
        for record in records
        if isinstance(record.get("prompt"), str) and isinstance(record.get("completion"), str)
    ]
    if len(pairs) < 2:
        return Marks()
    separator = next((s for s in SEPARATORS if all(p.endswith(s) for p, _ in pairs)), "")
    stop = next((s for s in STOPS if all(c.endswith(s) for _, c in pairs)), "")
    return Marks(separator, stop, all(c.startswith(" ") for _, c in pairs))


def prompt_completion(found: Marks) -> Callable[[Fields], Example]:
    """For a file with these marks."""

    def convert(fields: Fields) -> Example:
        """Raises LeftOut."""
        if fields.take("label") is False:
            raise LeftOut("its `label` is false: an answer that was not wanted")
        asked, answer = fields.take("prompt"), fields.take("completion")
        if isinstance(asked, str):
            asked = [said_by("user", filled(asked.removesuffix(found.separator), "`prompt`"))]
        if isinstance(answer, str):
            answer = answer.removesuffix(found.stop).removeprefix(" " if found.lead else "")
            answer = [said_by("assistant", filled(answer, "`completion`"))]
        messages = turns(asked, "`prompt`", fields) + turns(answer, "`completion`", fields)
        if messages[-1]["role"] != "assistant":
            raise LeftOut("`completion` does not end with the assistant")
        return _example(fields.text("system"), messages)

    return convert


# ---- the rows of a table


class Columns(NamedTuple):
    user: str
    assistant: str
    system: str = ""


def columns_of(names: Sequence[str]) -> Columns | None:
    """Which columns hold question and answer, by well-known names, whatever their case; None where
    no pair or more than one is there."""
    known = {name.lower(): name for name in names}
    pairs = [pair for pair in PAIRS if known.keys() >= set(pair)]
    if len(pairs) != 1:
        return None
    (asked, answer) = pairs[0]
    return Columns(known[asked], known[answer], known.get("system", ""))


def row(columns: Columns) -> Callable[[Fields], Example]:
    """For a table with these columns."""

    def convert(fields: Fields) -> Example:
        """Raises LeftOut."""
        asked = filled(fields.text(columns.user), f"the column {columns.user!r}")
        answer = filled(fields.text(columns.assistant), f"the column {columns.assistant!r}")
        system = fields.text(columns.system) if columns.system else ""
        return _example(system, [said_by("user", asked), said_by("assistant", answer)])

    return convert
