"""Hosting by the hour: each minute of a deployment is in one month, once, at its SKU's price."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import CallerError
from shared.model.costs import Sum, hosting
from shared.model.month import Month
from tests.support.stretches import HOUR, NANO, NOON, NOVEMBER, of, stretch

# ---- what has been hosted


def test_a_deployment_costs_by_the_hour_whether_it_is_used_or_not() -> None:
    (part,) = hosting(of(stretch(NOON - 10 * HOUR, NOON - 4 * HOUR)), NOVEMBER, NOON, "")
    assert part.time == 6 * HOUR
    assert part.usd == part.projected == pytest.approx(10.2)
    assert not part.deployed
    assert (part.version, part.base_model, part.sku) == (1, NANO, "Standard")


def test_what_is_deployed_goes_on_to_the_end_of_the_month() -> None:
    (part,) = hosting(of(stretch(NOON - 10 * HOUR)), NOVEMBER, NOON, "")
    assert (part.time, part.ahead) == (10 * HOUR, 15 * 24 * HOUR)
    assert part.projected == pytest.approx(1.7 * 370)


def test_each_month_has_its_own_part_of_a_stretch() -> None:
    whole = of(
        stretch(datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 12, 1, 2, tzinfo=UTC))
    )
    late = datetime(2027, 1, 5, tzinfo=UTC)
    times = [hosting(whole, Month(2026, n), late, "")[0].time for n in (10, 11, 12)]
    assert times == [HOUR, 720 * HOUR, 2 * HOUR]
    assert hosting(whole, Month(2027, 1), late, "") == ()


def test_a_month_is_that_of_utc_wherever_the_host_stands() -> None:
    """Elsewhere a budget and its report were of two months for hours (chrono-synth-os#434)."""
    far = timezone(14 * HOUR)
    first = datetime(2026, 12, 1, 9, tzinfo=far)  # still November by UTC
    assert Month.of(first) == NOVEMBER
    (part,) = hosting(of(stretch(first, first + HOUR)), NOVEMBER, NOON + 20 * 24 * HOUR, "")
    assert part.time == HOUR


@pytest.mark.parametrize(
    ("sku", "base", "usd"),
    [
        ("GlobalStandard", "gpt-4.1-nano-2025-04-14", 17.0),
        ("globalstandard", "gpt-4.1-nano-2025-04-14", 17.0),
        ("DeveloperTier", "gpt-4.1-nano-2025-04-14", 0.0),
        ("GlobalStandard", "gpt-oss-20b", 3.0),
        ("GlobalStandard", "Qwen3-32B", None),
        ("ProvisionedManaged", "gpt-4.1-nano-2025-04-14", None),
        ("GlobalStandard", "gpt-9", None),
    ],
)
def test_the_price_is_that_of_the_sku_and_what_is_not_known_is_not_nothing(
    sku: str, base: str, usd: float | None
) -> None:
    hosted = stretch(NOON - 10 * HOUR, NOON, sku)
    (part,) = hosting(of(hosted, base=base), NOVEMBER, NOON, "swedencentral")
    assert part.usd == (usd if usd is None else pytest.approx(usd))
    total = Sum.of([part.usd, 1.0])
    assert total == Sum((usd or 0.0) + 1.0, unknown=int(usd is None))


def test_the_price_is_that_of_the_region_and_the_dearest_where_it_is_not_known() -> None:
    hosted = of(stretch(NOON - HOUR, NOON), base="gpt-4o-2024-08-06")
    prices = {"swedencentral": 1.7, "southeastasia": 2.04, "": 2.04}
    for region, usd in prices.items():
        assert hosting(hosted, NOVEMBER, NOON, region)[0].usd == pytest.approx(usd), region


def test_another_sku_is_a_line_of_its_own() -> None:
    changed = of(
        stretch(NOON - 10 * HOUR, NOON - 8 * HOUR),
        stretch(NOON - 8 * HOUR, NOON - 7 * HOUR, "DeveloperTier"),
        stretch(NOON - 7 * HOUR, NOON - 6 * HOUR),
        stretch(NOON - HOUR, None, "DeveloperTier"),
    )
    lines = hosting(changed, NOVEMBER, NOON, "")
    assert [(line.sku, line.time, line.deployed) for line in lines] == [
        ("Standard", 3 * HOUR, False),
        ("DeveloperTier", 2 * HOUR, True),
    ]


def test_no_moment_counts_twice_and_none_that_is_to_come() -> None:
    """As a clock that was wrong, or two instances, may have left the record."""
    odd = of(
        stretch(NOON - 5 * HOUR, NOON - 2 * HOUR),
        stretch(NOON - 10 * HOUR, NOON - 4 * HOUR),  # before the other, and into it
        stretch(NOON - 3 * HOUR, NOON - 8 * HOUR),  # ends before it begins
        stretch(NOON + HOUR),
    )
    (part,) = hosting(odd, NOVEMBER, NOON, "")
    assert (part.time, part.ahead) == (7 * HOUR, timedelta(0))
    (open,) = hosting(of(stretch(NOON - 4 * HOUR), stretch(NOON - HOUR, NOON)), NOVEMBER, NOON, "")
    assert (open.time, open.deployed) == (4 * HOUR, False), "one that nobody has closed ends there"


moments = st.integers(0, 60 * 24).map(lambda hour: datetime(2026, 10, 15, tzinfo=UTC) + hour * HOUR)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(moments, st.none() | moments), max_size=8), moments)
def test_the_months_make_up_the_whole_and_no_more_than_the_time_there_is(
    spans: list[tuple[datetime, datetime | None]], at: datetime
) -> None:
    record = of(*(stretch(since, until) for since, until in spans))
    hosted = {
        since + hour * HOUR
        for since, until in _disjoint(spans, at)
        for hour in range(round((until - since) / HOUR))
    }
    for month in (Month(2026, 10), NOVEMBER, Month(2026, 12)):
        lines = hosting(record, month, at, "")
        assert sum(line.time / HOUR for line in lines) == sum(hour in month for hour in hosted)


def _disjoint(
    spans: list[tuple[datetime, datetime | None]], at: datetime
) -> list[tuple[datetime, datetime]]:
    """What the rule says: the one that began last is the one that counts."""
    begun = sorted((s for s in spans if s[0] <= at), key=lambda span: span[0])
    ends = [*(since for since, _ in begun), at][1:]
    return [
        (since, max(since, min(until or end, end)))
        for (since, until), end in zip(begun, ends, strict=True)
    ]


# ---- months


@pytest.mark.parametrize(
    "text",
    ["2026-1", "2026-13", "2026-00", "26-11", "2026-11-01", "٢٠٢٦-١١", "1969-12", "9000-01", ""],
)
def test_what_is_no_month_is_named(text: str) -> None:
    with pytest.raises(CallerError, match="is no month") as refused:
        Month.named(text)
    assert "YYYY-MM" in refused.value.fix


@pytest.mark.parametrize("text", ["1970-01", "8999-12", "2026-01"])
def test_the_first_and_the_last_month_there_are(text: str) -> None:
    month = Month.named(text)
    assert str(month) == text
    assert Month.of(month.start) == month


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no zone for one process")
def test_a_month_is_not_that_of_the_hosts_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "XXX-14")
        time.tzset()
        found = Month.of(NOVEMBER.end - HOUR)
    time.tzset()
    assert found == NOVEMBER


def test_months_have_their_length_and_name() -> None:
    known = [Month.named(name) for name in ("2026-12", "2028-02", "2026-02", "2026-11")]
    assert [(m.end - m.start).days for m in known] == [31, 29, 28, 30]
    assert [str(Month.of(month.end)) for month in known] == [
        "2027-01",
        "2028-03",
        "2026-03",
        "2026-12",
    ]
    assert NOVEMBER.start in NOVEMBER
    assert NOVEMBER.end not in NOVEMBER
