"""The command `tunedrop` as the parent of the others: how a call that is wrong is told, and the
sections of `--help`. Knows their names, not what they do.
"""

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from tunedrop import as_json, profile_option
from tunedrop.connection import choose_profile
from tunedrop.errors import ExitCode, ended, exit_on_error

SECTIONS = {
    "Datasets": ("check", "split", "convert", "diff", "merge"),
    "Runs": (
        *("plan", "push", "runs", "watch", "events", "report"),
        *("start", "pause", "resume", "cancel", "retry", "deploy"),
    ),
    "Models": (
        *("models", "model", "verdict", "promote", "rollback", "retrain"),
        *("sleep", "wake", "delete", "cost"),
    ),
    "Answers": ("chat", "feedback", "export", "trace"),
    "Apps": ("login", "logout", "profiles", "open", "keys", "doctor", "probe"),
}


class Group(TyperGroup):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        profile_option.offer(self.commands.values())

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Raises SystemExit."""
        choose_profile("")
        with as_json.asked_by(sys.argv[1:] if args is None else args):
            try:
                with exit_on_error():  # of what a command does around its work
                    code = super().main(
                        args, prog_name, complete_var, False, windows_expand_args, **extra
                    )
            except typer.Exit as end:
                code = end.exit_code
            except typer.Abort:
                said_no = "it was not confirmed, so nothing was done."
                code = ended(said_no, "", ExitCode.NO).exit_code
            except typer.TyperException as error:
                code = ended(*_called_wrongly(error), ExitCode.CALLED_WRONGLY).exit_code
        sys.exit(code or ExitCode.DONE)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each with the first sentence of its help, in the order of the sections."""
        for section, names in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(
                    [
                        (name, summary(self.commands[name]))
                        for name in names
                        if name in self.commands
                    ]
                )


def summary(command: Any) -> str:
    """The first sentence of its help."""
    words = " ".join((command.help or "").split())
    return words.partition(". ")[0].rstrip(".")


def _called_wrongly(error: typer.TyperException) -> tuple[str, str]:
    """What is wrong with the words of a call, and where to read what they may be."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "tunedrop"
    message = error.format_message().rstrip()
    message = f"{message[:1].lower()}{message[1:]}"
    return message if message.endswith((".", "?", "!")) else f"{message}.", (
        f"`{command} --help` lists what it takes."
    )
