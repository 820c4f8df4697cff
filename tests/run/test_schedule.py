"""When the timer should tick: as the host reads the expression, over many of them."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from local.host.schedule import Schedule as HostSchedule
from shared.run.schedule import EACH_MINUTE, Schedule

NOON = datetime(2026, 3, 2, 12, 0, 30, 500_000, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-03-02 12:00:31"),
        ("*/20 * * * * *", "2026-03-02 12:00:40"),
        ("*/5 * * * *", "2026-03-02 12:05:00"),  # five fields: second 0
        ("0 5/15 * * * *", "2026-03-02 12:05:00"),
        ("0 30 9 * * Mon-Fri", "2026-03-03 09:30:00"),
        ("0 0 18 28-31 * *", "2026-03-28 18:00:00"),
        ("0 0 0 13 * 5", "2026-03-13 00:00:00"),  # day AND weekday: Friday the 13th
        ("0 0 0 29 Feb *", "2028-02-29 00:00:00"),
    ],
)
def test_the_next_tick(expression: str, expected: str) -> None:
    assert Schedule.read(expression).after(NOON) == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize(
    "expression", ["", "* * *", "@hourly", "0 0 0 L * *", "60 * * * * *", "*/0 * * * * *", "00:01"]
)
def test_what_the_host_refuses_counts_as_a_tick_a_minute(expression: str) -> None:
    assert Schedule.read(expression) == Schedule.read(EACH_MINUTE)


def test_a_day_that_never_comes_has_no_tick() -> None:
    assert Schedule.read("0 0 0 31 2 *").after(NOON) is None


@pytest.mark.parametrize("seed", range(60))
def test_it_is_read_as_the_host_reads_it(seed: int) -> None:
    chance = random.Random(seed)

    def field(least: int, most: int) -> str:
        first = chance.randint(least, most - 1)
        last = chance.randint(first + 1, most)
        step = chance.randint(1, max(1, (most - least) // 2))
        return chance.choice(["*", "*", f"*/{step}", f"{first}", f"{first}-{last}", f"{first},5"])

    bounds = ((0, 59), (0, 59), (0, 23), (1, 28), (1, 12), (0, 6))
    expression = " ".join(field(*bound) for bound in bounds)
    at = NOON + timedelta(seconds=chance.randint(0, 10**7))
    found = Schedule.read(expression).after(at)
    assert found == HostSchedule(expression).after(at), expression
