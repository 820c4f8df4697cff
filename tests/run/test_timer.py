"""Whether the timer is dead: by the setting's own schedule, and said with what to do about it."""

from datetime import datetime, timedelta

import pytest

from shared.run import timer
from shared.run.heartbeat import Heartbeat
from shared.run.schedule import EACH_MINUTE, Schedule

LONG = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("expression", "silence", "dead"),
    [
        ("0 * * * * *", timedelta(minutes=3), False),
        ("0 * * * * *", timedelta(minutes=4, seconds=1), True),
        ("* * * * * *", timedelta(seconds=50), False),  # a tick may take most of a minute
        ("* * * * * *", timedelta(seconds=65), True),
        ("0 */10 * * * *", timedelta(minutes=30), False),
        ("0 */10 * * * *", timedelta(minutes=32), True),
    ],
)
def test_three_ticks_are_those_of_the_setting(
    expression: str, silence: timedelta, dead: bool
) -> None:
    last = datetime.fromisoformat("2026-11-02T12:00:00.5+00:00")
    heart = Heartbeat(last=last, awake_since=last, swept=last)
    since = timer.dead_since(heart, Schedule.read(expression), last + silence)
    assert since == (last if dead else None)


def test_a_timer_that_rests_at_night_is_not_dead() -> None:
    last = datetime.fromisoformat("2026-11-06T17:59:00.5+00:00")  # a Friday
    heart = Heartbeat(last=last, awake_since=last, swept=last)
    office = Schedule.read("0 * 9-17 * * Mon-Fri")
    monday = datetime.fromisoformat("2026-11-09T09:01:00+00:00")
    assert timer.dead_since(heart, office, monday) is None
    assert timer.dead_since(heart, office, monday + timedelta(minutes=3)) == last


def test_health_says_since_when_and_what_to_do() -> None:
    last = datetime.fromisoformat("2026-11-02T12:00:00+00:00")
    heart = Heartbeat(last=last + LONG, awake_since=last, swept=last, timer=last)
    told = timer.health(heart, EACH_MINUTE, last + LONG)
    assert told["status"] == "degraded"
    assert told["timer"]["dead_since"] == "2026-11-02T12:00:00+00:00"
    assert "2026-11-02 12:10:00" in told["timer"]["message"]
    assert "az functionapp restart" in told["timer"]["fix"]
    well = timer.health(heart.replace(timer=last + LONG), EACH_MINUTE, last + LONG)
    assert well == {
        "status": "ok",
        "timer": {"last_tick": "2026-11-02T12:10:00+00:00", "dead_since": None},
    }
