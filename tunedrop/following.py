"""A run while it goes: a bar in a terminal, and lines where nobody sees what moves, as in a pipe or
in a log of CI.

Knows when something is told; `watch` knows with what words.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from shared.printable import printable
from shared.run.stages import ENDS
from tunedrop.app import App
from tunedrop.errors import NotReached
from tunedrop.names import in_path
from tunedrop.screen import Screen
from tunedrop.watch import Run, detail, duration, is_checked, notes, stage_lines

SILENCE_SECONDS = (
    50.0  # after which a line says that it goes on: one in each minute, looks included
)
SHARES = 10  # of the steps of a job: each that is done is a line

POLL_SECONDS = 1.0
MAX_FAILED_POLLS = 20  # in a row, each a second later than the one before: apps restart

Look = Run | NotReached  # what was seen of a run, or why nothing was


def looks(app: App, run_id: str) -> Iterator[Look]:
    """A run of the app again and again. Raises CommandError if the first look fails, too many in a
    row, or one that no other will better."""
    path = f"api/runs/{in_path(run_id)}"
    run, failed = app.get(path), 0
    yield run
    path = f"api/runs/{run['id']}"  # what was asked for may fit another, newer run by now
    while True:
        time.sleep(POLL_SECONDS * (1 + failed))
        try:
            run, failed = app.get(path), 0
        except NotReached as error:
            failed += 1
            if failed > MAX_FAILED_POLLS:
                raise
            yield error
        else:
            yield run


def follow(
    looks: Iterable[Look],
    screen: Screen,
    *,
    until_checked: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Run:
    """Show a run, look by look, until it has ended or its dataset is checked; the last look.
    `clock` tells seconds."""
    with _showing(screen, clock) as shown:
        passed, run = 0, Run()
        noted = set[str]()
        for look in looks:
            if isinstance(look, NotReached):
                shown.unanswered(look)
                continue
            run, lines = look, stage_lines(look)
            for line in lines[passed:]:
                shown.say(line)
            passed = max(passed, len(lines))
            for key, note in notes(run).items():
                if key not in noted:
                    shown.say(Text.assemble("  ", ("note", "yellow"), f"  {note}"))
                noted.add(key)
            if is_over(run, until_checked):
                break
            shown.now(run)
    return run


def last(looks: Iterable[Look], *, until_checked: bool = False) -> Run:
    """The same, and nothing is shown."""
    run = Run()
    for look in looks:
        if not isinstance(look, NotReached):
            run = look
            if is_over(run, until_checked):
                break
    return run


def is_over(run: Run, until_checked: bool) -> bool:
    return run["stage"] in ENDS or (until_checked and is_checked(run))


def _showing(screen: Screen, clock: Callable[[], float]) -> "Bar | Lines":
    return Bar(screen) if screen.is_watched else Lines(screen, clock)


class Bar(AbstractContextManager["Bar"]):
    """The stages that are over, and below them one line that moves."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._display = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[detail]}", markup=False),
            console=screen,
            transient=True,
        )
        self._bar = self._display.add_task("", total=None, detail="")

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._display.stop()

    def say(self, line: Text) -> None:
        self.screen.print(line, soft_wrap=True)

    def now(self, run: Run) -> None:
        progress = run["progress"]
        self._display.update(
            self._bar,
            description=f"{run['stage']:<10}",
            total=progress["total_steps"] if run["stage"] == "training" else None,
            completed=progress["step"] or 0,
            detail=printable(detail(run)),
        )

    def unanswered(self, error: NotReached) -> None:
        self._display.update(self._bar, detail=printable(f"asked again: {error.message}"))


class Lines(AbstractContextManager["Lines"]):
    """What happens, each once, and at least one line in a minute."""

    def __init__(self, screen: Screen, clock: Callable[[], float]) -> None:
        self.screen, self._clock = screen, clock
        self._said_at = clock()
        self._known: object = None

    def __exit__(self, *ended: object) -> None:
        """Nothing is open."""

    def say(self, line: Text) -> None:
        self.screen.print(line, soft_wrap=True)
        self._said_at = self._clock()

    def now(self, run: Run) -> None:
        known = (run["stage"], run["waiting_for"], _share(run))
        if known != self._known or self._is_silent():
            self.say(Text(f"  {run['stage']:<10}  {detail(run) or f'for {duration(run)}'}"))
        self._known = known

    def unanswered(self, error: NotReached) -> None:
        known = error.message
        if known != self._known or self._is_silent():
            self.say(Text(f"  asked again: {error.message}"))
        self._known = known

    def _is_silent(self) -> bool:
        return self._clock() - self._said_at >= SILENCE_SECONDS


def _share(run: Run) -> int:
    """Which of the shares of its steps a job has done."""
    step, total = run["progress"]["step"], run["progress"]["total_steps"]
    return SHARES * step // total if step and total else 0
