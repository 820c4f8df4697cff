"""Answers as they come: one is written on, several are shown side by side.

Knows the screen, not what a conversation is kept as.
"""

import threading
from collections.abc import Sequence
from functools import partial

from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from shared.printable import printable
from tunedrop import questions
from tunedrop.app import App
from tunedrop.conversation import Conversation
from tunedrop.echo import Pieces, answer_text
from tunedrop.errors import CommandError
from tunedrop.questions import Reply

NARROW = 36  # columns of an answer; with fewer they stand one below the other
WHY_CUT = {
    "length": "It was cut off at the limit of tokens.",
    "content_filter": "It was cut off by the content filter.",
}


class Talking:
    """`screen` is where notes and tables go; one answer goes to standard output as it comes."""

    def __init__(self, screen: Console) -> None:
        self.screen = screen

    def note(self, text: str) -> None:
        self.screen.print(text, style="dim", soft_wrap=True)

    def problem(self, text: str) -> None:
        self.screen.print(text, style="red", soft_wrap=True)

    def ask(self, app: App, talk: Conversation, question: str, replies: list[Reply]) -> None:
        """Put a question to each, and show what they say until all have ended or Ctrl-C is
        pressed. Raises CommandError if the only one does not answer."""
        if len(replies) == 1:
            self._one(app, talk, question, replies[0])
        else:
            self._several(app, talk, question, replies)

    def _one(self, app: App, talk: Conversation, question: str, reply: Reply) -> None:
        pieces = Pieces()
        try:
            messages = talk.messages(reply.model, question)
            questions.ask(app, reply, messages, talk.parameters, pieces.write)
        except KeyboardInterrupt:
            pieces.end()
            self.note("Stopped; what has come is kept.")
            return
        except CommandError:
            pieces.end()
            raise
        pieces.end()
        self.note(details(reply))

    def _several(self, app: App, talk: Conversation, question: str, replies: list[Reply]) -> None:
        stopped = threading.Event()
        table = partial(self._table, replies)
        with Live(console=self.screen, refresh_per_second=8, get_renderable=table):
            try:
                _ask_all(app, talk, question, replies, stopped)
            except KeyboardInterrupt:
                stopped.set()

    def _table(self, replies: list[Reply]) -> RenderableType:
        wide = self.screen.width >= NARROW * len(replies)
        table = Table.grid(expand=True)
        panels = [_panel(reply) for reply in replies]
        for _ in panels if wide else panels[:1]:
            table.add_column(ratio=1)
        for row in [panels] if wide else [[panel] for panel in panels]:
            table.add_row(*row)
        return table


class Stopped(Exception):
    """Nobody waits for the rest."""


def _answer(
    app: App, talk: Conversation, question: str, reply: Reply, stopped: threading.Event
) -> None:
    def hear(piece: str) -> None:
        if stopped.is_set():
            raise Stopped

    try:
        messages = talk.messages(reply.model, question)
        questions.ask(app, reply, messages, talk.parameters, hear)
    except CommandError as error:
        reply.error = error
    except Stopped:
        pass


def ask_all(app: App, talk: Conversation, question: str) -> list[Reply]:
    """The answers of all, asked at the same time; one that failed has its `error`."""
    replies = [Reply(model) for model in talk.models]
    _ask_all(app, talk, question, replies, threading.Event())
    return replies


def _ask_all(
    app: App,
    talk: Conversation,
    question: str,
    replies: Sequence[Reply],
    stopped: threading.Event,
) -> None:
    """Each in a thread of its own; once `stopped`, it ends with the next piece that it gets."""
    threads = [
        threading.Thread(target=_answer, args=(app, talk, question, reply, stopped), daemon=True)
        for reply in replies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _panel(reply: Reply) -> Panel:
    error = f"{reply.error.message} {reply.error.fix}" if reply.error else ""
    text = Text(answer_text(reply.text) or "…" if not error else printable(error))
    return Panel(text, title=Text(printable(reply.model)), subtitle=Text(details(reply), "dim"))


def details(reply: Reply) -> str:
    """Who has answered, with how many tokens and how fast; and why it ended early, if so."""
    parts = [printable(reply.served_by or reply.model)]
    if reply.tokens is not None:
        parts.append(f"{reply.tokens:,} tokens")
    if reply.seconds:
        parts.append(f"{reply.seconds:.1f} s")
    told = " · ".join(parts)
    return f"{told}  {WHY_CUT[reply.finish]}" if reply.finish in WHY_CUT else told
