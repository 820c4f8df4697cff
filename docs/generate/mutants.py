"""docs/mutants.md: the deliberate faults by room, what finds each, and the figures of the tool."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from tests.mutants.mutant import Mutant, all_mutants
from tests.mutants.tool.figures import Figures, load
from tests.mutants.tool.known import equivalents
from tests.mutants.tool.run import modules

PAGE = """# Deliberate faults

A test that would not notice a fault holds no promise. Two things show that the tests notice: a list
of deliberate faults, written by hand where money, data, access or what people are told is at stake,
and a tool that makes every small change it can think of in the pure modules. This page is made by
`python3 dev.py docs` from `tests/mutants/`.

```
python3 dev.py mutants              # all {count}; about 45 minutes on two cores
python3 dev.py mutants 'frozen-*'   # these; --list says what they are
python3 dev.py mutants --sample 40  # others each day; CI does this for every change
python3 dev.py mutants --tool       # the tool, over all its modules or those that are named
```

A fault that no test notices fails the run, and so does one that no longer applies to the code: it
is written anew, or deleted with its promise. Two faults of the day are tried whenever the suite
runs.

## By tool

mutmut changes what stands in functions: operators, numbers, texts, conditions, arguments. It forks
a process for each change and runs those of the module's tests that reach the changed function. What
stands at the top of a module, tables and limits, it leaves to the list below.

{figures}

A run fails if more survive without a reason than this table says. Changes of a message's words
alone (the case of its letters, letters around it) need none: tests assert the values, limits and
cures in a message, not its spelling. The reasons:

{reasons}

## By hand
"""


def page() -> str:
    mutants = all_mutants()
    head = PAGE.format(count=len(mutants), figures=_figures(), reasons=_reasons())
    return "\n".join([head, *_rooms(mutants)])


def _figures() -> str:
    measured = {figures.file: figures for figures in load()}
    titles = ("module", "changes", "found", "words", "with a reason", "without", "on", "tests")
    rows = [
        f"| `{module.file}` | {_counts(measured.get(module.file))} | {_names(module.tests)} |"
        for module in sorted(modules(), key=lambda module: module.file)
    ]
    return "\n".join([f"| {' | '.join(titles)} |", "|---" * len(titles) + "|", *rows])


def _counts(f: Figures | None) -> str:
    if f is None:
        return " | ".join(["", "", "", "", "", "not saved yet"])
    return f"{f.changes} | {f.found} | {f.words} | {f.explained} | {f.unexplained} | {f.on}"


def _reasons() -> str:
    rows = [f"| `{e.file}` | {len(e.changes)} | {e.reason} |" for e in equivalents()]
    return "\n".join(["| module | changes | why nothing can notice them |", "|---|---|---|", *rows])


def _rooms(mutants: Iterable[Mutant]) -> Iterable[str]:
    rooms: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        rooms[_room(mutant.file)].append(mutant)
    for room, listed in sorted(rooms.items()):
        rows = "\n".join(_row(mutant) for mutant in listed)
        yield f"### `{room}`\n\n| fault | promise | found by |\n|---|---|---|\n{rows}\n"


def _room(file: str) -> str:
    """The folder of a file, two levels at the most."""
    parts = PurePosixPath(file).parts[:-1][:2]
    return "/".join(parts) + "/" if parts else file


def _row(mutant: Mutant) -> str:
    return f"| {_cell(mutant.name)} | {_cell(mutant.promise)} | {_names(mutant.tests)} |"


def _names(tests: Iterable[str]) -> str:
    return f"`{_cell(' '.join(test.removeprefix('tests/') for test in tests))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
