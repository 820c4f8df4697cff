"""A record on its way into our format: what is taken of it, what is left of it, and why it cannot
be taken at all. Knows texts and turns, not which formats there are.
"""

import json
from typing import Any

from shared.dataset.findings.quoting import shorten

Message = dict[str, Any]
Example = dict[str, Any]

ROLES = {  # what turns are from, by the files that are about → whose message it is
    "system": "system",
    "developer": "developer",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
}
CALLS, ANSWERS = ("function_call", "tool_call"), ("function", "observation", "tool")
KEPT = ("name", "weight", "tool_calls", "tool_call_id", "refusal")  # of a message with a role


class LeftOut(Exception):
    """Why a record is no example of our format."""


class Fields:
    """The keys of a record, each taken once; what nobody has taken is told."""

    def __init__(self, record: dict[str, Any]) -> None:
        self._rest = dict(record)
        self.without: list[str] = []  # parts that were not carried over, in words

    def take(self, *names: str) -> Any:
        """The value of the first of these that is there; None for none of them."""
        for name in names:
            if name in self._rest:
                return self._rest.pop(name)
        return None

    def text(self, *names: str) -> str:
        """As `take`; empty for null and for none of them. Raises LeftOut for anything else."""
        value = self.take(*names)
        return "" if value is None else as_text(value, f"`{names[0]}`")

    def in_small_letters(self) -> "Fields":
        """The same fields, by keys in small letters; they are taken from here on."""
        self._rest = {key.lower(): value for key, value in self._rest.items()}
        return self

    def take_all(self) -> dict[str, Any]:
        taken, self._rest = self._rest, {}
        return taken

    def left(self) -> list[str]:
        """The keys that nobody has taken. What holds nothing is no loss."""
        return [key for key, value in self._rest.items() if value not in (None, "", [], {})]

    def told(self) -> list[str]:
        """What is not carried over, in words."""
        return list(dict.fromkeys(self.without)) + [
            f"the key {shorten(key, 40)!r}" for key in self.left()
        ]


def as_text(value: Any, what: str) -> str:
    """Raises LeftOut."""
    if not isinstance(value, str):
        raise LeftOut(f"{what} is {shorten(json.dumps(value))}, not a text")
    return value


def filled(value: str, what: str) -> str:
    """Raises LeftOut."""
    if not value.strip():
        raise LeftOut(f"{what} is empty")
    return value


def said_by(role: str, text: str) -> Message:
    return {"role": role, "content": text}


class Calls:
    """Calls of functions and their answers, which the old formats match by name and order, with
    ids."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []  # names and ids, oldest first

    def call(self, value: Any, what: str) -> Message:
        """{"name", "arguments"} as a call. Raises LeftOut."""
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise LeftOut(f"{what} is {shorten(json.dumps(value))}: no name and arguments")
        arguments = value.get("arguments", {})
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        self._count += 1
        id = f"call_{self._count}"
        self._open.append((value["name"], id))
        function = {"name": value["name"], "arguments": arguments}
        return {"id": id, "type": "function", "function": function}

    def answered(self, name: Any, what: str) -> str:
        """The id of the oldest open call of that function, of any where no name is told. Raises
        LeftOut."""
        for place, (called, id) in enumerate(self._open):
            if name is None or called == name:
                del self._open[place]
                return id
        raise LeftOut(f"{what} answers a function that was not called before it")


def as_tools(functions: Any, what: str) -> list[Any]:
    """Definitions of functions, bare or as tools already, as a list or as the JSON of one. Raises
    LeftOut."""
    if isinstance(functions, str):
        try:
            functions = json.loads(functions)
        except (ValueError, RecursionError):
            raise LeftOut(f"{what} are no JSON") from None
    if not isinstance(functions, list) or not all(isinstance(one, dict) for one in functions):
        raise LeftOut(f"{what} are {shorten(json.dumps(functions))}, not a list of definitions")
    return [
        one if "function" in one else {"type": "function", "function": one} for one in functions
    ]


def turns(value: Any, what: str, fields: Fields, calls: Calls | None = None) -> list[Message]:
    """Turns with from and value, or with role and content, or mixed, as messages. Raises
    LeftOut."""
    calls = calls or Calls()
    if not isinstance(value, list | dict):
        raise LeftOut(f"{what} is {shorten(json.dumps(value))}, neither a text nor messages")
    listed = value if isinstance(value, list) else [value]
    return [_turn(turn, f"turn {n} of {what}", fields, calls) for n, turn in enumerate(listed)]


def _turn(turn: Any, what: str, fields: Fields, calls: Calls) -> Message:
    if not isinstance(turn, dict):
        raise LeftOut(f"{what} is {shorten(json.dumps(turn))}, not an object")
    parts = Fields(turn)
    who, said = parts.take("from", "role"), parts.take("value", "content")
    known = str(who).lower()
    if known in CALLS:
        message = _called(said, what, calls)
    elif known in ANSWERS and "tool_call_id" not in turn:
        answer = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        id = calls.answered(parts.take("name"), what)
        message = {"role": "tool", "tool_call_id": id, "content": answer}
    elif known in ROLES or known == "tool":
        message = {"role": ROLES.get(known, known), "content": said}
        message |= {key: turn[key] for key in KEPT if turn.get(key) is not None}
        if "tool_calls" not in message and not isinstance(said, list):
            as_text(said, f"what {what} says")
    else:
        raise LeftOut(f"{what} is from {shorten(json.dumps(who))}: nobody of a chat")
    unknown = [key for key in parts.left() if key not in KEPT]
    fields.without += [f"the key {shorten(key, 40)!r} of turns" for key in dict.fromkeys(unknown)]
    return message


def _called(said: Any, what: str, calls: Calls) -> Message:
    """The turn of a call: its value is JSON, of one call or of several."""
    try:
        value = json.loads(said) if isinstance(said, str) else said
    except (ValueError, RecursionError):
        raise LeftOut(f"{what} is a call that is no JSON") from None
    listed = value if isinstance(value, list) else [value]
    called = [calls.call(one, what) for one in listed]
    return {"role": "assistant", "content": None, "tool_calls": called}
