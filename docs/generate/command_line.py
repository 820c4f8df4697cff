"""docs/command-line.md: every command with its options, its example and what `--json` prints, from
the commands themselves.
"""

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from tunedrop.__main__ import cli
from tunedrop.errors import MEANINGS
from tunedrop.group import SECTIONS, summary

EXAMPLE = "Example: "
EVERYWHERE = ("--json", "--app", "--key", "--profile", "--help")
# What --json prints: `it` is the app's answer, which console/openapi.json describes.
JSON = {
    "check": "the report ([report.schema.json](report.schema.json))",
    "split": "`training` and `validation` with `file` and `lines`; `unreadable`: numbers of lines",
    "convert": "`file`, `read_as`, `format`, `evidence`, `records`, `examples`, `places`, "
    "`left_out`, `without`, `done_to_all`; it needs `--out`",
    "diff": "`old`, `new`, `unchanged`, `added`, `repeated`, `removed`, `fewer`, `changed`, "
    "`near`, `conflicts`: numbers of lines",
    "merge": "`base`, `additions`, `validation`, `conflicts`, `examples`, `taken`, `replaced`, "
    "`noted`",
    "plan": "the answer of `POST /api/plan`",
    "push": "`dropped`, `with`, `without`: names in the container; `known`; the `run`",
    "runs": "the answer of `GET /api/runs`",
    "watch": "the answer of `GET /api/runs/{id}`, once the run has ended",
    "start": "the run, as the app answers the order",
    "deploy": "the run, as the app answers the order",
    "models": "the answer of `GET /api/models`, or of `GET /api/models/{name}`",
    "verdict": "the run's verdict.json",
    "promote": "the model, as the app answers the order",
    "retrain": "`changes`, `with`, `report` of the dataset; `run`, null where it is rejected",
    "delete": "`plan` and `deletion`, as the app answers; it needs `--yes NAME`",
    "cost": "the answer of `GET /api/cost`",
    "export": "`file`, `drop_as`, `examples`, `left_out`",
    "trace": "the answer of `GET /api/trace/{id}`",
    "chat": "of one question: `model`, `answer`, `id`, `served_by`, `finish_reason`, "
    "`prompt_tokens`, `completion_tokens`, `seconds`; of several models: `answers`",
    "model": "the answer of `GET /api/models/{name}`",
    "feedback": "what was rated, or the rating as the app has taken it",
    "report": "the run's report.json ([report.schema.json](report.schema.json))",
    "events": "`run` and `events`; with `--follow` an object a line",
    "keys list": "the answer of `GET /api/keys`",
    "keys create": "the key, which is shown this once, as the app answers",
    "keys limit": "the key's entry, as the app answers",
    "keys revoke": "the key's entry, as the app answers",
    "login": "the profile: `name`, `url`, `role`, and where its key is kept",
    "logout": "`forgotten`, `url`",
    "profiles": "`profiles`, `current`, `here`: which app a command would ask, and why",
    "open": "`url`, `opened`",
    "probe": "the report; with `--clean`: `removed` by kind, and what is `left`",
    "doctor": "`healthy`, and `checks` with `id`, `state`, `message`, `fix`",
}
LIKE = {"pause": "start", "resume": "start", "cancel": "start", "retry": "start"} | {
    "rollback": "promote", "sleep": "promote", "wake": "promote",
}  # fmt: skip

_PAGE = """# The command line

```
pip install .                     # in a checkout; `dev.py` has its own (README.md)
tunedrop --install-completion     # commands, options, names of models and runs
tunedrop                          # lists the commands; each has a --help
```

In a checkout in which `dev.py up` runs, the commands find the app by themselves; `tunedrop login`
keeps others ([terminal.md](terminal.md)).

{commands}

## For scripts

{codes}

With `--json`, which every command takes that shows or does something, standard output has one JSON
object and nothing else. Its keys stay; new ones may come. On standard error is JSON as well, an
object a line: `{{"note": "…"}}` for what is worth knowing, and `{{"error": {{"message": "…", "fix":
"…"}}}}` where the command ends with 2 or 3. It asks no question: what has to be confirmed needs the
option that confirms it.

Where the output is no terminal, no line is wrapped, and nothing has colours (unless `FORCE_COLOR`
asks for them) or moves. `watch` and `push --watch` print a line then for each thing that happens,
once, and at least one in a minute. The ETA of `runs` and `watch` is the app's own (`eta` in
[runs.md](runs.md)), the same as the console's; there is none of a run that waits for a person, or
has taken longer than was estimated.

Completion asks the app that the command would ask, for a second at most; without an answer it
offers nothing.

{details}

This page is made by `python3 dev.py docs`.
"""


def page() -> str:
    root = get_command(cli)
    assert isinstance(root, TyperGroup)
    told = {
        section: [(name, root.commands[name]) for name in names if name in root.commands]
        for section, names in SECTIONS.items()
    }
    return _PAGE.format(
        commands="\n\n".join(_table(section, commands) for section, commands in told.items()),
        codes="\n".join(_codes()),
        details="\n\n".join(
            f"## {section}\n\n{_details(commands)}" for section, commands in told.items()
        ),
    )


def _table(section: str, commands: list[tuple[str, Any]]) -> str:
    rows = [
        f"| [`{name}`](#{_anchor(name, command)}) | {summary(command)} |"
        for name, command in commands
    ]
    return "\n".join([f"| {section.lower()} | |", "|---|---|", *rows])


def _anchor(name: str, command: Any) -> str:
    first, _ = next(leaves(name, command))
    return first.replace(" ", "-")


def _codes() -> Iterator[str]:
    yield "| exit code | meaning, of every command |"
    yield "|---|---|"
    yield from (f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items())


def _details(commands: list[tuple[str, Any]]) -> str:
    return "\n\n".join(
        "\n".join(_command(name, leaf))
        for name, command in commands
        for name, leaf in leaves(name, command)
    )


def leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The command, or those below it, each with all of its name."""
    if not isinstance(command, TyperGroup):
        yield name, command
        return
    for below, leaf in command.commands.items():
        yield from leaves(f"{name} {below}", leaf)


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield " ".join((command.help or "").split())
    yield ""
    rows = list(_parameters(name, command))
    if rows:
        yield "| | |"
        yield "|---|---|"
        yield from rows
        yield ""
    if (json := JSON.get(LIKE.get(name, name))) and _takes(command, "--json"):
        yield f"`--json`: {json}."
        yield ""
    if example := (command.epilog or "").removeprefix(EXAMPLE):
        yield f"```\n{example}\n```"


def _parameters(name: str, command: Any) -> Iterator[str]:
    """Those that are not the same everywhere."""
    context = command.make_context(f"tunedrop {name}", [], resilient_parsing=True)
    for param in command.params:
        record = param.get_help_record(context)
        if record and not set(param.opts) & set(EVERYWHERE):
            term, meaning = record
            yield f"| `{_in_cell(term)}` | {_in_cell(meaning)} |"


def _in_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _takes(command: Any, option: str) -> bool:
    return any(option in param.opts for param in command.params)
