"""The first page: what needs a person, what runs, what the month costs.

What takes weeks to come about is put into the app's own answers on their way to the browser.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.support.console import PHONE, Opened, Tab
from tests.support.console_models import HOSTILE, model_with_versions
from tests.support.stack import StackHarness, wait_for

Change = Callable[[dict[str, Any]], Any]
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def served(stack: StackHarness) -> None:
    model_with_versions(stack, "galley")


def answering(tab: Tab, path: str, change: Change) -> None:
    """What the app answers there comes changed."""

    def answer(route: Route) -> None:
        found = route.fetch(headers={**route.request.headers, "if-none-match": ""})
        told = found.json()
        change(told)
        headers = {name: value for name, value in found.headers.items() if name != "etag"}
        route.fulfill(status=200, headers=headers, body=json.dumps(told))

    tab.page.route(f"**/api/manage/{path}", answer)


def run(stage: str, **more: Any) -> dict[str, Any]:
    """As lists have it."""
    at = more.pop("at", NOW).isoformat()
    return {
        "id": f"pinnace-{'a' * 32}",
        "model": "pinnace",
        "stage": stage,
        "timeline": [{"stage": stage, "at": at}],
        "progress": {"step": None, "total_steps": None, "train_loss": None},
        "waiting_for": None,
        "failure": None,
        "held": "",
        "standing": None,
        "stuck": None,
        "eta": None,
        **more,
    }


def only_runs(tab: Tab, *runs: dict[str, Any]) -> None:
    answering(tab, "runs?*", lambda page: page.update(runs=list(runs)))


def with_runs(tab: Tab, *runs: dict[str, Any]) -> None:
    answering(tab, "runs?*", lambda page: page["runs"].__setitem__(slice(0, 0), runs))


def needs(tab: Tab, words: str) -> Any:
    return tab.page.locator(".needs li").filter(has_text=words)


def failed(**more: Any) -> dict[str, Any]:
    failure = {"message": f"It broke {HOSTILE}", "fix": "Mend it.", "blame": "service"}
    return run("failed", failure=failure, **more)


def test_a_rejected_dataset_and_a_refused_drop_are_told_with_their_cure(tab: Tab) -> None:
    tab.stack.drop("sunk", training_set=b"{")
    tab.stack.ended_run("sunk")
    tab.stack.container("datasets").upload_blob("<b>X/data.jsonl", b"{}", overwrite=True)
    wait_for(lambda: tab.stack.get("runs")["refused"]["drops"])
    tab.open("")
    rejected = needs(tab, "sunk")
    expect(rejected).to_contain_text("The dataset has errors")
    expect(rejected.get_by_role("link", name="report")).to_have_count(1)
    expect(needs(tab, "<b>X/data.jsonl")).to_contain_text("not taken")


def test_a_drop_that_the_app_looks_at_again_needs_nobody_yet(tab: Tab) -> None:
    drops = [
        {"name": f"{name}/x.jsonl", "message": "No.", "fix": "Do.", "waits": name == "later"}
        for name in ("later", "never")
    ]
    answering(tab, "runs?*", lambda page: page.update(refused={"drops": drops, "count": 2}))
    tab.open("")
    expect(needs(tab, "never/x.jsonl")).to_have_count(1)
    expect(needs(tab, "later/x.jsonl")).to_have_count(0)


def test_what_was_dropped_again_needs_nobody_and_nor_does_what_is_long_over(tab: Tab) -> None:
    only_runs(tab, failed())
    tab.open("").see("It broke <img src=x onerror=alert(1)>\\u202e</script>")
    for runs in ([run("training"), failed()], [failed(at=NOW - 15 * DAY)]):
        only_runs(tab, *runs)
        tab.open("").see("This month")
        expect(needs(tab, "It broke")).to_have_count(0)


def test_a_dead_timer_and_a_ceiling_come_first(tab: Tab) -> None:
    dead = {"status": "degraded", "timer": {"message": "It has not ticked.", "fix": "Restart it."}}
    notice = "Hosting comes to more than TUNEDROP_X allows."
    limit = {"setting": "TUNEDROP_X", "usd": 5.0, "passed_at": NOW.isoformat()}
    answering(tab, "health", lambda page: page.update(dead))
    answering(tab, "cost", lambda page: page.update(ceiling=limit, notices=[notice]))
    tab.open("").see("Restart it.")
    first, second = tab.page.locator(".needs li").all()[:2]
    expect(first).to_contain_text("The app's timer is dead.")
    expect(second).to_contain_text(notice)


def test_runs_that_are_stuck_or_wait_for_somebody_are_told(tab: Tab) -> None:
    silent = {"state": "stuck", "message": "Nothing new for 5 hours while training."}
    paused = {
        "id": f"sloop-{'b' * 32}",
        "model": "sloop",
        "waiting_for": "`tunedrop resume x`: paused.",
    }
    waits = {
        "id": f"yawl-{'c' * 32}",
        "model": "yawl",
        "waiting_for": "5 jobs, as TUNEDROP_DAILY_RUNS allows.",
    }
    with_runs(tab, run("training", stuck=silent), run("paused", **paused), run("checked", **waits))
    tab.open("")
    expect(needs(tab, "Nothing new for 5 hours")).to_contain_text("stuck")
    expect(needs(tab, "sloop")).to_contain_text("paused")
    expect(needs(tab, "yawl")).to_contain_text("TUNEDROP_DAILY_RUNS")


def test_what_runs_is_shown_with_its_steps_and_when_it_is_ready(tab: Tab) -> None:
    eta = {"finish": (NOW + timedelta(hours=78)).isoformat(), "basis": "the pace so far"}
    progress = {"step": 7, "total_steps": 24, "train_loss": 1.5}
    with_runs(tab, run("training", eta=eta, progress=progress))
    card = tab.open("").page.locator("article").filter(has_text="pinnace")
    expect(card).to_contain_text("step 7 of 24, loss 1.500")
    expect(card).to_contain_text("ready in about 3 days")
    expect(needs(tab, "pinnace")).to_have_count(0)


def test_what_is_held_what_does_not_wake_an_order_and_an_end_are_told(tab: Tab) -> None:
    def changed(page: dict[str, Any]) -> None:
        galley = next(model for model in page["models"] if model["name"] == "galley")
        galley["versions"][-1]["state"] = "candidate"
        way = {"since": None, "usual_seconds": 600, "in_the_way": "There is no quota."}
        ends = [
            {
                "what": "base",
                "level": level,
                "days": 9,
                "sentence": f"It ends, {level}.",
                "cure": "Train anew.",
            }
            for level in ("warning", "notice")
        ]
        galley["lifecycle"]["endings"] = ends
        order = {
            "id": "o",
            "version": 1,
            "who": "Ada",
            "waits": "There is no room.",
            "at": NOW.isoformat(),
        }
        sleeping = [{**version, "waking": way} for version in galley["versions"][:1]]
        page["models"] += [
            {**galley, "name": "sloop", "order": order},
            {**galley, "name": "yawl", "versions": sleeping, "champion": 1, "lifecycle": None},
        ]

    answering(tab, "models", changed)
    only_runs(tab)
    tab.open("")
    expect(needs(tab, "galley@2")).to_contain_text("waits for a decision")
    expect(needs(tab, "sloop@1")).to_contain_text("There is no room.")
    expect(needs(tab, "yawl@1")).to_contain_text("There is no quota.")
    expect(needs(tab, "It ends, warning.")).to_contain_text("galley, sloop")
    expect(needs(tab, "It ends, notice.")).to_have_count(0)


def test_the_month_leads_to_the_models_that_cost(tab: Tab) -> None:
    tab.open("")
    row = tab.page.get_by_role("table", name="Costs of this month").get_by_role("row")
    row.get_by_role("link", name="galley").click()
    expect(tab.page.locator("h1")).to_have_text("galley")


def test_with_nothing_there_the_next_step_is_taught(tab: Tab) -> None:
    only_runs(tab)
    answering(tab, "models", lambda page: page.update(models=[]))
    answering(tab, "cost", lambda page: page.update(models=[]))
    for place in ("", "models"):
        tab.open(place).see("tunedrop push examples/captain --watch")
        expect(tab.page.get_by_role("link", name="Drop one here")).to_have_attribute(
            "href", "#/drop"
        )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_can_be_used_by_all(tabs: Opened, dark: bool) -> None:
    tab = tabs(PHONE, dark=dark)
    with_runs(tab, failed(), run("training", id=f"long-{'d' * 32}", model="long"))
    tab.open("").see("It broke")
    assert tab.violations() == []
    assert not tab.is_wider_than_its_screen()
