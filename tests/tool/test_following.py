"""`tunedrop watch` where nobody sees what moves: a line for what happens, and in each minute."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, cast

import pytest

from tests.support.house import ROOT
from tunedrop import following, watch
from tunedrop.app import App
from tunedrop.errors import CommandError, NotReached
from tunedrop.following import Look
from tunedrop.screen import Screen

START = datetime(2026, 11, 1, tzinfo=UTC)
LONG = "A sentence that is longer than a terminal is wide, and is told whole: " + "word " * 30


def run(stage: str, *before: str, **more: Any) -> watch.Run:
    stages = [*before, stage]
    progress = {"step": None, "total_steps": None, "train_loss": None, "estimated_finish": None}
    return {
        "id": "m-1", "model": "m", "stage": stage, "version": 1, "waiting_for": None,
        "training": {"examples": 20}, "validation": None, "failure": None, "epochs": [],
        "fine_tuned_model": "m", "deployment": "m-v1",
        "timeline": [
            {"stage": name, "at": (START + timedelta(seconds=n)).isoformat()}
            for n, name in enumerate(stages)
        ],
        "progress": progress | more.pop("progress", {}),
    } | more  # fmt: skip


def training(step: int | None = None, total: int = 100, **more: Any) -> watch.Run:
    return run("training", "received", progress={"step": step, "total_steps": total}, **more)


def followed(looks: Iterable[Look], clock: Callable[[], float] = lambda: 0.0) -> list[str]:
    out = StringIO()
    following.follow(looks, Screen(file=out), clock=clock)
    return out.getvalue().splitlines()


class Seconds:
    """A clock that moves with each look."""

    def __init__(self, pace: float) -> None:
        self.now, self.pace = 0.0, pace

    def __call__(self) -> float:
        return self.now

    def pass_by(self, looks: Iterable[Look]) -> Iterator[Look]:
        for look in looks:
            self.now += self.pace
            yield look


# ---- in a pipe


def test_each_thing_that_happens_is_a_line_once() -> None:
    waits = run("training", "received", waiting_for="Azure is away.")
    end = run("serving", "received", "training")
    lines = followed([run("received"), training(), training(), waits, waits, training(), end])
    assert [line.split()[0] for line in lines] == [
        "received", "received", "training", "training", "training", "training", "serving",
    ]  # fmt: skip
    assert sum("Azure is away." in line for line in lines) == 1
    assert re.fullmatch(r"  received +1\.0 s  20 examples read", lines[1])


def test_a_long_training_says_something_in_each_minute() -> None:
    clock = Seconds(pace=10)
    looks = clock.pass_by([training(7)] * 60)
    told: list[float] = []

    class Noting(StringIO):
        def write(self, text: str) -> int:
            told.append(clock.now)
            return super().write(text)

    following.follow(looks, Screen(file=Noting()), clock=clock)
    gaps = [after - before for before, after in zip(told, [*told[1:], clock.now], strict=True)]
    assert max(gaps) <= 60
    assert 10 <= len(told) <= 30


def test_of_a_thousand_steps_each_tenth_is_a_line() -> None:
    lines = followed([training(step, 1000) for step in range(1, 1001)])
    assert len([line for line in lines if "step" in line]) == 11


def test_a_queue_that_says_nothing_is_told_to_go_on() -> None:
    clock = Seconds(pace=60)
    lines = followed(clock.pass_by([run("submitted")] * 3), clock)
    assert len(lines) == 3
    assert all(re.fullmatch(r"  submitted +for \d+ (min|h \d+ min)", line) for line in lines)


def test_an_app_that_does_not_answer_for_a_while_is_told_once() -> None:
    away = NotReached("http://app could not be reached.", "Does it run?")
    lines = followed([training(), away, away, away, training()])
    assert [line for line in lines if "asked again" in line] == [
        "  asked again: http://app could not be reached."
    ]


def test_nothing_moves_and_nothing_is_wrapped_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR makes rich take a pipe for a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    out = StringIO()
    end = run("failed", "training", failure={"message": LONG, "fix": "Mend it.", "blame": "us"})
    screen = Screen(file=out)
    following.follow([training(waiting_for=LONG), end], screen)
    watch.print_end(end, screen)
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())  # colours
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)
    assert text.count(LONG.strip()) == 2


def test_notes_and_warnings_are_told_once_however_their_words_count_on() -> None:
    def seen(hours: int) -> watch.Run:
        stuck = {"state": "slow", "message": f"Nothing new for {hours} hours."}
        signals = [{"id": "overfitting", "message": "The later epochs overfit."}]
        return training(1, stuck=stuck, signals=signals, notices=["There is no validation set."])

    lines = followed([seen(3), seen(4), seen(5)])
    notes = [line.split("note  ")[1] for line in lines if "note" in line]
    assert notes == [
        "There is no validation set.", "Nothing new for 3 hours.", "The later epochs overfit.",
    ]  # fmt: skip


# ---- the ETA


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(minutes=16.5), "ETA 17 min"),
        (timedelta(seconds=50), "ETA 1 min"),
        (timedelta(hours=3, minutes=1.5), "ETA 3 h 2 min"),
        (timedelta(seconds=-20), ""),
        (None, ""),
    ],
)
def test_the_eta_is_the_apps_own_and_never_nothing(left: timedelta | None, words: str) -> None:
    now = datetime.now(UTC)
    finish = (now + left).isoformat() if left else None
    seen = training(14, 18, eta={"finish": finish})
    seen["progress"]["estimated_finish"] = (now + timedelta(seconds=8)).isoformat()  # the service's
    assert watch.detail(seen) == "step 14/18" + (f"  {words}" if words else "")
    assert watch.detail(training(14, 18, eta=None)) == watch.detail(training(14, 18))


def test_there_is_one_eta_in_the_project() -> None:
    """The service's own estimate goes into the app's, and is shown nowhere beside it; the probe
    asks whether the service gives one."""
    commands = (path for path in (ROOT / "tunedrop").rglob("*.py") if path.parent.name != "probe")
    shown = [*commands, *(ROOT / "console").glob("*.js")]
    assert [path.name for path in shown if "estimated_finish" in path.read_text("utf-8")] == []


# ---- looking


class Answers:
    """An app that gives these answers, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def get(self, path: str) -> Any:
        self.asked.append(path)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.0)


def seen_of(app: Answers) -> list[Look]:
    return list(following.looks(cast("App", app), "m-1"))


def test_an_app_that_restarts_is_asked_again(no_pause: None) -> None:
    away = NotReached("away", "wait")
    looks = following.looks(cast("App", Answers(training(1), away, away, training(2))), "m-1")
    assert [next(looks) for _ in range(4)] == [training(1), away, away, training(2)]


def test_one_that_does_not_come_back_is_given_up(no_pause: None) -> None:
    away = [NotReached("away", "wait") for _ in range(following.MAX_FAILED_POLLS + 1)]
    with pytest.raises(NotReached):
        seen_of(Answers(training(1), *away))


def test_a_run_that_is_deleted_meanwhile_is_not_asked_for_again(no_pause: None) -> None:
    gone = Answers(training(1), CommandError("There is no run.", "List them."))
    with pytest.raises(CommandError, match="no run"):
        seen_of(gone)
    assert len(gone.asked) == 2


def test_with_json_only_the_end_matters() -> None:
    end = run("serving", "training")
    assert following.last([training(1), NotReached("away", "wait"), training(2), end]) == end
