"""What the tests of `tunedrop chat` share: answers that are planned, and a person who types."""

import asyncio
import json
from typing import Any

from tests.chat import upstream as up
from tests.support.over_http import Served
from tunedrop.app import App
from tunedrop.conversation import Conversation
from tunedrop.repl import Repl
from tunedrop.screen import Screen
from tunedrop.talking import Talking


def says(*pieces: str, finish: str = "stop") -> up.Behaviour:
    usage = {"prompt_tokens": 7, "completion_tokens": len(pieces), "total_tokens": 9}
    account = {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage}
    events = [up.event(piece) for piece in pieces]
    told = b"data: " + json.dumps(account).encode() + b"\n\n"
    return up.stream(*events, up.event("", finish), told)


class Typed:
    """What a person types; the prompts are kept. Nothing more is the end of it."""

    def __init__(self, *lines: str) -> None:
        self.lines, self.prompts = list(lines), list[str]()

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        if not self.lines:
            raise EOFError
        if (line := self.lines.pop(0)) == "^C":
            raise KeyboardInterrupt
        return line


async def converse(app: Served, *lines: str, models: tuple[str, ...] = ("captain",)) -> Any:
    """The conversation, after these lines were typed."""
    talk = Conversation(list(models))
    repl = Repl(App(app.url, "operator"), talk, Talking(Screen(width=120)), Typed(*lines))
    await asyncio.to_thread(repl.run)
    return talk


def asked(server: up.Upstream) -> list[list[tuple[str, str]]]:
    return [[(m["role"], m["content"]) for m in call.body["messages"]] for call in server.calls]
