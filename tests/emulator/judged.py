"""The emulator with a judge of all that it answers, as a program and within a test's process.

The program is the emulator's own command; misfits go into a file of its state, which the harness
reads when it ends. Knows nothing of what is judged.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.emulator import __main__ as program
from local.emulator.app import Emulator, build_app

from .harness import MISFITS
from .judge import Answer, Judge


class Judged:
    """Shows each whole answer to the judge, after it has been sent."""

    def __init__(self, app: ASGIApp, judge: Judge, tell: Callable[[list[str]], None]) -> None:
        self.app, self._judge, self._tell = app, judge, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        heard = _Heard(send)
        await self.app(scope, receive, heard.send)
        if heard.whole:
            misfits = self._judge.misfits(_answer(scope, heard))
            if misfits:
                self._tell(misfits)


class _Heard:
    """What was sent; the emulator looks for the connection at the object that sends."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.transport = getattr(getattr(send, "__self__", None), "transport", None)
        self.start: Message = {}
        self.body = bytearray()
        self.whole = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body.extend(message.get("body", b""))
            self.whole = not message.get("more_body", False)
        await self._send(message)


def _answer(scope: Scope, heard: _Heard) -> Answer:
    headers = {name.lower(): value.decode("latin-1") for name, value in heard.start["headers"]}
    kind = headers.get(b"content-type", "").partition(";")[0]
    return Answer(scope["method"], scope["path"], heard.start["status"], kind, bytes(heard.body))


def refuse(misfits: list[str]) -> None:
    raise AssertionError("not as published: " + "; ".join(misfits))


def _build(emulator: Emulator, bound: str, allowed: Sequence[str]) -> ASGIApp:
    place: Path = emulator.adapters.parent / MISFITS

    def write(misfits: list[str]) -> None:
        with place.open("a", encoding="utf-8") as file:
            file.writelines(f"{one}\n" for one in misfits)

    return Judged(build_app(emulator, bound, allowed), Judge(), write)


def main() -> None:
    program_: Any = program
    program_.build_app = _build
    program.main()


if __name__ == "__main__":
    main()
