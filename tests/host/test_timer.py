"""Timers: what is due when, and the real thing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from local.host.schedule import Schedule, ScheduleError, Status, on_start
from tests.host.conftest import Host, eventually

NOON = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)  # a Monday
HOURLY = Schedule("0 0 * * * *")


@pytest.mark.contract("timer-schedule")
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/20 * * * * *", "2026-03-02 12:00:40"),
        ("*/5 * * * *", "2026-03-02 12:05:00"),  # five fields: second 0
        ("0 30 9 * * Mon-Fri", "2026-03-03 09:30:00"),
        ("0 0 0 13 * 5", "2026-03-13 00:00:00"),  # day AND weekday: Friday the 13th
        ("0 0 0 1 Jan 0", "2034-01-01 00:00:00"),
    ],
)
def test_ncrontab(expression: str, expected: str) -> None:
    assert Schedule(expression).after(NOON) == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize("expression", ["", "* * *", "@hourly", "0 0 0 L * *", "0 0 0 31 2 *"])
def test_not_ncrontab(expression: str) -> None:
    with pytest.raises(ScheduleError, match="not an NCRONTAB expression"):
        Schedule(expression)


@pytest.mark.contract("timer-first-start")
def test_the_first_start_calls_nothing_unless_asked() -> None:
    call, status = on_start(HOURLY, None, NOON, run_on_startup=False)
    assert (call, status.next) == ("none", NOON.replace(hour=13, second=0))
    assert on_start(HOURLY, None, NOON, run_on_startup=True)[0] == "startup"


@pytest.mark.contract("timer-past-due")
def test_missed_calls_become_one_that_is_past_due() -> None:
    stored = Status.after_call(HOURLY, NOON - timedelta(hours=7))
    assert on_start(HOURLY, stored, NOON, run_on_startup=False) == ("past due", stored)


@pytest.mark.contract("timer-first-start")
def test_a_changed_schedule_owes_nothing() -> None:
    stored = Status.after_call(Schedule("0 0 0 * * *"), NOON - timedelta(hours=7))
    call, status = on_start(HOURLY, stored, NOON, run_on_startup=False)
    assert (call, status.next) == ("none", NOON.replace(hour=13, second=0))


@pytest.mark.contract("timer-no-overlap")
def test_a_timer_never_overlaps_itself(host: Host) -> None:
    eventually(lambda: len(host.journal("tick")) >= 3, "three ticks")
    assert {entry["tick"] for entry in host.journal("tick")} == {1}


@pytest.mark.contract("admin-run", "admin-status")
def test_admin_fires_a_timer(host: Host) -> None:
    assert httpx.post(f"{host.url}/admin/functions/yearly", json={"input": ""}).status_code == 202
    eventually(lambda: host.journal("yearly"), "the timer function")
    assert host.journal("yearly")[0]["yearly"] is False
    names = [item["name"] for item in httpx.get(f"{host.url}/admin/functions").json()]
    assert {"thing", "yearly"} < set(names)
    status = httpx.get(f"{host.url}/admin/host/status").json()
    assert (status["state"], status["id"]) == ("Running", host.host_id)


@pytest.mark.contract("timer-past-due", "timer-status")
def test_a_call_missed_while_the_host_was_down_comes_at_its_start(
    storage: str, blobs: BlobServiceClient, tmp_path: Path
) -> None:
    yearly = Schedule("0 0 4 1 1 *")
    stored = Status.after_call(yearly, datetime(2020, 6, 1, tzinfo=UTC)).as_record()
    path = "timers/past-due-test/Host.Functions.yearly/status"
    hosts = blobs.get_container_client("azure-webjobs-hosts")
    if not hosts.exists():
        hosts.create_container()
    hosts.upload_blob(path, json.dumps(stored), overwrite=True)
    host = Host(tmp_path, "streaming", storage, AzureFunctionsWebHost__hostid="past-due-test")
    try:
        called = eventually(lambda: host.journal("yearly"), "the missed call")
        assert called == [{"yearly": True, "last": stored["Last"]}]
        assert "The yearly timer was called." in host.text, "the app's own log lines are shown"
        now = str(datetime.now(UTC).year + 1)
        eventually(lambda: now in json.loads(hosts.download_blob(path).readall())["Next"], "status")
    finally:
        assert host.stop() == 0
