"""Lists in pages, and statuses as each api-version spells them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .harness import BASE_MODEL, account_path
from .in_process import Inside, inside

JOBS = "/openai/v1/fine_tuning/jobs"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as running:
        yield running


@pytest.mark.parametrize("path", ["/openai/v1/files", JOBS])
def test_no_page_is_longer_than_the_limit(emulator: Inside, path: str) -> None:
    jobs = [emulator.job(emulator.file()) for _ in range(3)]
    emulator.settings(page_limit=2)
    ids: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = emulator.data.get(path, params={"limit": 50, **after}).json()
        ids += [item["id"] for item in page["data"]]
        assert 0 < len(page["data"]) <= 2
        if not page["has_more"]:
            break
        after = {"after": ids[-1]}
    assert len(ids) == len(set(ids)) == 3
    assert path != JOBS or ids == jobs[::-1]


def test_events_come_in_pages(emulator: Inside) -> None:
    job = emulator.job(emulator.file())
    emulator.data.post(f"{JOBS}/{job}/cancel")
    emulator.settings(page_limit=1)
    first = emulator.data.get(f"{JOBS}/{job}/events").json()
    assert (len(first["data"]), first["has_more"]) == (1, True)


def test_a_hundred_jobs_are_a_page(emulator: Inside) -> None:
    emulator.settings(job_limit=200, queue_limit=200)
    file = emulator.file()
    for _ in range(101):
        emulator.job(file)
    page = emulator.data.get(JOBS, params={"limit": 500}).json()
    assert (len(page["data"]), page["has_more"]) == (100, True)
    assert len(emulator.data.get(JOBS).json()["data"]) == 20


def test_a_page_holds_something(emulator: Inside) -> None:
    answer = emulator.control.patch("/_emulator/settings", json={"page_limit": 0})
    assert answer.status_code == 400
    assert "from 1 up" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("count", "pages"), [(4, [2, 2]), (5, [2, 2, 1])])
def test_deployments_come_with_the_address_of_the_next_page(
    emulator: Inside, count: int, pages: list[int]
) -> None:
    names = [f"d{number}" for number in range(count)]
    for name in names:
        emulator.put(name)
    path = account_path("/deployments")
    assert emulator.arm.get(path).json()["nextLink"] is None
    emulator.settings(page_limit=2)
    found, lengths, link = [], [], path
    while link:
        page = emulator.arm.get(link).json()
        found += [one["name"] for one in page["value"]]
        lengths.append(len(page["value"]))
        link = page["nextLink"]
        assert link is None or ("api-version=2025-09-01" in link and link.startswith("http://"))
    assert (found, lengths) == (names, pages)


def test_a_page_that_nobody_named_is_refused(emulator: Inside) -> None:
    answer = emulator.arm.get(account_path("/deployments") + "&$skipToken=elsewhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("path", "waiting", "ended"),
    [
        ("/openai/v1{}", "pending", "cancelled"),
        ("/openai/v1{}?api-version=preview", "pending", "cancelled"),
        ("/openai{}?api-version=2025-04-01-preview", "pending", "cancelled"),
        ("/openai{}?api-version=2024-10-21", "pending", "cancelled"),
        ("/openai{}?api-version=2023-07-01-preview", "notRunning", "canceled"),
        ("/openai{}?api-version=2023-05-15", "notRunning", "canceled"),
    ],
)
def test_statuses_are_spelled_as_in_the_version(
    emulator: Inside, path: str, waiting: str, ended: str
) -> None:
    body = {"model": BASE_MODEL, "training_file": emulator.file()}
    job = emulator.data.post(path.format("/fine_tuning/jobs"), json=body).json()
    one = f"/fine_tuning/jobs/{job['id']}"
    shown = [job, emulator.data.get(path.format(one)).json()]
    assert [each["status"] for each in shown] == [waiting] * 2
    shown = [emulator.data.post(path.format(f"{one}/cancel")).json()]
    shown += emulator.data.get(path.format("/fine_tuning/jobs")).json()["data"]
    assert [each["status"] for each in shown] == [ended] * 2


def test_the_old_spelling_can_be_asked_of_every_version(emulator: Inside) -> None:
    job = emulator.job(emulator.file())
    emulator.settings(job_statuses="old")
    assert emulator.data.get(f"{JOBS}/{job}").json()["status"] == "notRunning"
    assert emulator.data.post(f"{JOBS}/{job}/cancel").json()["status"] == "canceled"
    emulator.settings(job_statuses="documented")
    assert emulator.data.get(f"{JOBS}/{job}").json()["status"] == "cancelled"
