"""`tunedrop chat`: talk with a model in the terminal, or ask it one question.

Knows options and how the command ends; `repl` is the conversation, `questions` has one.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from tunedrop import completion, questions, runs
from tunedrop.app import App
from tunedrop.as_json import AsJson, note
from tunedrop.conversation import Conversation
from tunedrop.echo import Pieces, say, say_json
from tunedrop.errors import CommandError, ExitCode, exit_on_error
from tunedrop.questions import Reply

STDIN = "-"
NOT_UTF8 = re.compile("[\ud800-\udfff]")  # how Python reads such a byte
PASTED = "set enable-bracketed-paste on"  # a paste of several lines is one question

cli = typer.Typer()


@cli.command(epilog='Example: tunedrop chat captain "What is a mast?"')
def chat(
    model: Annotated[
        str,
        typer.Argument(
            help="a model, a version like captain@2, or a base deployment",
            autocompletion=completion.models_and_versions,
        ),
    ] = "",
    question: Annotated[
        str, typer.Argument(help="one question, instead of a conversation; - reads it from a pipe")
    ] = "",
    system: Annotated[str, typer.Option(help="the system message")] = "",
    compare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="ask this one as well (repeatable)",
            autocompletion=completion.models_and_versions,
        ),
    ] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=2)] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="of an answer")] = None,
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Talk with a model: /help lists what can be done there, like comparing and rating. With a
    question, or one from a pipe, print its answer and nothing else."""
    with exit_on_error(), _stopped():
        app = App.at(address, key)
        talks = not question and sys.stdin.isatty()
        if talks and as_json:
            raise CommandError(
                "--json is of one question.", "Give it behind the model, or by a pipe."
            )
        asked = "" if talks else _question(question)
        models = [model or _only_model(app), *(compare or ())]
        talk = Conversation(models, system, _parameters(temperature, max_tokens))
        _converse(app, talk) if talks else _ask_once(app, talk, asked, as_json)


@contextmanager
def _stopped() -> Iterator[None]:
    """Ctrl-C ends the command quietly. Raises typer.Exit."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _question(given: str) -> str:
    """Raises CommandError."""
    text = given if given not in ("", STDIN) else sys.stdin.read()
    if not text.strip():
        raise CommandError(
            "there is no question.", 'Give one: tunedrop chat MODEL "What is a mast?"'
        )
    whole = NOT_UTF8.sub("\ufffd", text)
    if whole != text:
        note("Bytes of the question that are not UTF-8 are sent as the sign for what is unknown.")
    return whole


def _only_model(app: App) -> str:
    """The one that was tuned, if there is one. Raises CommandError where there are several to
    choose from, or none."""
    offered = questions.models(app)
    tuned = {name.partition("@")[0] for name in offered if "@" in name}
    found = [name for name in offered if (name in tuned if tuned else "@" not in name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError("no model serves yet.", "`tunedrop push FOLDER --watch` makes one.")
    raise CommandError("which model?", f"Name one: {', '.join(found)}.")


def _parameters(temperature: float | None, max_tokens: int | None) -> dict[str, Any]:
    asked = {"temperature": temperature, "max_completion_tokens": max_tokens}
    return {name: value for name, value in asked.items() if value is not None}


def _converse(app: App, talk: Conversation) -> None:
    from tunedrop.repl import Repl
    from tunedrop.screen import Screen
    from tunedrop.talking import Talking

    _edit_lines()
    for name in talk.models:
        questions.must_exist(app, name)
    Repl(app, talk, Talking(Screen()), input).run()


def _edit_lines() -> None:
    """Arrow keys and what was typed before, in this conversation only; none on Windows, whose
    console has them itself."""
    try:
        import readline
    except ImportError:
        return
    readline.parse_and_bind(PASTED)


def _ask_once(app: App, talk: Conversation, question: str, as_json: bool) -> None:
    """Raises CommandError if one of them does not answer, after the answers of the others."""
    if len(talk.models) == 1 and not as_json:
        _stream(app, talk, question)
        return
    from tunedrop.talking import ask_all

    replies = ask_all(app, talk, question)
    failed = [reply.error for reply in replies if reply.error]
    if as_json:
        if len(failed) < len(replies):
            told = [reply.as_json() for reply in replies]
            say_json(told[0] if len(told) == 1 else {"answers": told})
    else:
        _say_all(replies)
    if failed:
        raise failed[0]


def _stream(app: App, talk: Conversation, question: str) -> None:
    pieces = Pieces()
    try:
        messages = talk.messages(talk.model, question)
        questions.ask(app, Reply(talk.model), messages, talk.parameters, pieces.write)
    finally:
        pieces.end()


def _say_all(replies: list[Reply]) -> None:
    for reply in replies:
        pieces = Pieces()
        pieces.write(f"--- {reply.model}\n{reply.text}")
        pieces.end()
        say(f"no answer: {reply.error}\n" if reply.error else "")
