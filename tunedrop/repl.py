"""The conversation of `tunedrop chat` in a terminal: a line is a question, or begins with a slash.

What was typed is kept in memory for the arrow keys, and in no file. Knows neither HTTP nor how a
terminal is drawn on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tunedrop import questions
from tunedrop.app import App
from tunedrop.conversation import Conversation, append
from tunedrop.errors import CommandError
from tunedrop.talking import Talking

FENCE = '"""'
GONE_ON = "… "
NO_TEXT = "-"


class Finished(Exception):
    """The conversation is over."""


@dataclass(frozen=True)
class Command:
    usage: str
    about: str
    carry_out: "Callable[[Repl, str], None]"


@dataclass
class Repl:
    """`read` asks for a line, as `input` does: EOFError at the end of what is typed."""

    app: App
    talk: Conversation
    show: Talking
    read: Callable[[str], str]

    def run(self) -> None:
        self.show.note(f"Talking with {self.talk.model}. /help lists what else there is.")
        while True:
            try:
                self._turn(self._message())
            except KeyboardInterrupt:
                self.show.note("\nCtrl-D or /exit ends the conversation.")
            except (EOFError, Finished):
                return
            except CommandError as error:
                self.show.problem(f"{error.message} {error.fix}".rstrip())
            except OSError as error:
                self.show.problem(f"{error.filename or 'It'} cannot be used: {error.strerror}.")

    def _message(self) -> str:
        """A line; or several, between two lines of three quotes. A paste is one, where the terminal
        marks it as one."""
        prompt = " | ".join(self.talk.models)
        line = self.read(f"{prompt}> ")
        if not line.lstrip().startswith(FENCE):
            return line
        text = line.lstrip().removeprefix(FENCE)
        while not text.rstrip().endswith(FENCE):
            text += f"\n{self.read(GONE_ON)}"
        return text.rstrip().removesuffix(FENCE).strip("\n")

    def _turn(self, message: str) -> None:
        if message.startswith("/"):
            word, _, rest = message[1:].partition(" ")
            self._command(word, rest.strip())
        elif question := message.strip():
            self._ask(question)

    def _command(self, word: str, rest: str) -> None:
        if word not in COMMANDS:
            raise CommandError(
                f"/{word} is nothing here.",
                "/help lists what there is. A question that begins with a slash: a blank first.",
            )
        COMMANDS[word].carry_out(self, rest)

    def _ask(self, question: str) -> None:
        talk = self.talk
        replies = [questions.Reply(model) for model in talk.models]
        try:
            self.show.ask(self.app, talk, question, replies)
        finally:
            for reply in replies:
                talk.keep(question, reply)


# ---- what begins with a slash


def _help(repl: Repl, _: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        repl.show.note(f"  {command.usage:<{width}}  {command.about}")
    repl.show.note(f"  {FENCE:<{width}}  before and after a question of several lines")
    repl.show.note(f"  {'Ctrl-C':<{width}}  stop an answer; Ctrl-D: end")


def _model(repl: Repl, name: str) -> None:
    if name:
        questions.must_exist(repl.app, name)
        repl.talk.turn_to([name])
    else:
        repl.show.note(", ".join(questions.models(repl.app)))


def _compare(repl: Repl, names: str) -> None:
    others = [name for name in names.split() if name != repl.talk.model]
    for name in others:
        questions.must_exist(repl.app, name)
    repl.talk.turn_to([repl.talk.model, *dict.fromkeys(others)])
    told = " and ".join(repl.talk.models)
    repl.show.note(f"Questions go to {told} from now on.")


def _system(repl: Repl, text: str) -> None:
    if text:
        repl.talk.system = "" if text == NO_TEXT else text
    repl.show.note(f"system: {repl.talk.system or 'none'}")


def _clear(repl: Repl, _: str) -> None:
    repl.talk.clear()
    repl.show.note("What was said is forgotten.")


def _save(repl: Repl, name: str) -> None:
    if not name:
        raise CommandError("into which file?", "/save training_set.jsonl, for example.")
    number = append(Path(name).expanduser(), repl.talk.example())
    repl.show.note(f"Saved as line {number} of {name}; `tunedrop check {name}` checks it.")


def _good(repl: Repl, rest: str) -> None:
    _rate(repl, rest, "good")


def _bad(repl: Repl, rest: str) -> None:
    _rate(repl, rest, "bad")


def _fix(repl: Repl, rest: str) -> None:
    model, text = _whose(repl, rest)
    _answer(repl, model)  # before anybody is asked for a correction of nothing
    text = text or repl.read("What should it have said? ").strip()
    if not text:
        raise CommandError("a correction has words.", "/fix What it should have said.")
    _send(repl, model, {"rating": "bad", "correction": text})
    repl.talk.correct(model, text)
    repl.show.note(f"Corrected; the conversation with {model} goes on with that.")


def _rate(repl: Repl, rest: str, rating: str) -> None:
    model, comment = _whose(repl, rest)
    _send(repl, model, {"rating": rating, **({"comment": comment} if comment else {})})
    repl.show.note(f"The last answer of {model} is rated {rating}.")


def _whose(repl: Repl, rest: str) -> tuple[str, str]:
    """Whose last answer is meant, and what else is said: where several are asked, the first word
    names it. Raises CommandError."""
    if len(repl.talk.models) == 1:
        return repl.talk.model, rest
    name, _, text = rest.partition(" ")
    if name not in repl.talk.models:
        raise CommandError("whose answer?", f"Name it first: {' or '.join(repl.talk.models)}.")
    return name, text.strip()


def _send(repl: Repl, model: str, rating: dict[str, str]) -> None:
    questions.rate(repl.app, {"id": _answer(repl, model), **rating})


def _answer(repl: Repl, model: str) -> str:
    """The id of its last answer. Raises CommandError."""
    reply = repl.talk.last.get(model)
    if reply is None or not reply.id:
        raise CommandError(f"{model} has said nothing yet.", "Ask something first.")
    return reply.id


def _exit(repl: Repl, _: str) -> None:
    raise Finished


COMMANDS = {
    "help": Command("/help", "this list", _help),
    "model": Command("/model [NAME]", "talk with another model or version; or list them", _model),
    "compare": Command(
        "/compare [NAME…]", "ask these as well, side by side; or no longer", _compare
    ),
    "system": Command("/system [TEXT]", "set the system message (- for none), or show it", _system),
    "good": Command("/good [COMMENT]", "the last answer is good", _good),
    "bad": Command("/bad [COMMENT]", "the last answer is bad", _bad),
    "fix": Command("/fix [TEXT]", "what the last answer should have been", _fix),
    "save": Command("/save FILE", "add the conversation to a training set", _save),
    "clear": Command("/clear", "begin anew", _clear),
    "exit": Command("/exit", "end the conversation", _exit),
}
