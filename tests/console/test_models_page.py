"""The pages of all models and of one: what they show, and what may be ordered there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.support.console import PHONE, Opened, Tab
from tests.support.console_models import HOSTILE, model_with_versions
from tests.support.stack import StackHarness, wait_for

MODEL = "galley"


@pytest.fixture
def model(stack: StackHarness) -> Iterator[str]:
    """With two versions, both deployed, of which the second serves."""
    model_with_versions(stack, MODEL)
    order(stack, "promote", version=2)
    for version in record(stack)["versions"]:
        if not is_awake(version):
            order(stack, "wake", version=version["version"])
    wait_for(lambda: all(is_awake(version) for version in record(stack)["versions"]))
    yield MODEL


def order(stack: StackHarness, name: str, **body: Any) -> None:
    status, answer = stack.open(f"models/{MODEL}/{name}", json.dumps(body).encode())
    assert status in (200, 202), answer


def record(stack: StackHarness) -> dict[str, Any]:
    return dict(stack.get(f"models/{MODEL}"))


def is_awake(version: dict[str, Any]) -> bool:
    hosted = version["hosted"] and version["hosted"][-1]["until"] is None
    return bool(hosted) and not version["asleep_since"] and not version["waking"]


def orders(tab: Tab, name: str) -> int:
    return tab.asked.count(f"POST manage/models/{MODEL}/{name}")


def row(tab: Tab, version: int) -> Any:
    return tab.page.get_by_role("row").filter(has_text=f"@{version}").first


def test_the_list_says_who_serves_and_when_each_was_last_used(model: str, tab: Tab) -> None:
    messages: list[Any] = [{"role": "user", "content": "Ahoy"}]
    tab.stack.chat.chat.completions.create(model=model, messages=messages, max_tokens=2)
    wait_for(lambda: record(tab.stack)["versions"][1]["last_used"])
    tab.open("models")
    line = tab.page.get_by_role("row").filter(has_text=model)
    expect(line).to_contain_text("@2 awake")
    expect(line).to_contain_text("just now")
    line.get_by_role("link", name=model).click()
    expect(tab.page.locator("h1")).to_have_text(model)
    expect(row(tab, 1)).to_contain_text("never")


def test_rolling_back_and_promoting_leave_their_reason_in_the_history(model: str, tab: Tab) -> None:
    tab.open(f"models/{model}")
    tab.press("Roll back to @1")
    tab.page.get_by_label("Why").fill(HOSTILE)
    tab.confirm("Roll back")
    tab.see(f"{model}@1 serves.")
    expect(row(tab, 1)).to_contain_text("champion")
    last = tab.page.get_by_role("row").filter(has_text="rolled back").first
    expect(last).to_contain_text("<img src=x onerror=alert(1)>\\u202e</script>")
    expect(last).to_contain_text("laptop (by key)")
    tab.press("Promote @2")
    tab.confirm("Promote")
    tab.see(f"{model}@2 serves.")
    assert record(tab.stack)["champion"] == 2


def test_of_two_tabs_the_slower_one_changes_nothing(model: str, tabs: Opened) -> None:
    slow, quick = tabs().open(f"models/{model}"), tabs().open(f"models/{model}")
    slow.press("Roll back to @1")
    slow.see(f"Roll back to {model}@1?")
    quick.press("Roll back to @1")
    quick.confirm("Roll back")
    quick.see(f"{model}@1 serves.")
    slow.confirm("Roll back")
    slow.see(f"The champion is {model}@1 by now")
    assert record(slow.stack)["champion"] == 1
    expect(row(slow, 1)).to_contain_text("champion")


def test_what_is_not_confirmed_is_not_done(model: str, tab: Tab) -> None:
    tab.open(f"models/{model}")
    tab.press("Roll back to @1")
    tab.press("Cancel", within="dialog")
    tab.press("Put @1 to sleep")
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("button", name="Put @1 to sleep")).to_be_enabled()
    assert (orders(tab, "rollback"), orders(tab, "sleep")) == (0, 0)


def test_a_version_sleeps_and_wakes_and_a_double_click_wakes_once(model: str, tab: Tab) -> None:
    tab.open(f"models/{model}")
    tab.press("Put @1 to sleep")
    tab.confirm("Put to sleep")
    expect(row(tab, 1)).to_contain_text("asleep")
    tab.page.get_by_role("button", name="Wake @1").dblclick()
    tab.see(f"{model}@1 is being deployed.")
    expect(row(tab, 1)).to_contain_text("waking")
    assert orders(tab, "wake") == 1
    expect(row(tab, 1)).to_contain_text("awake")


def test_an_order_that_waits_is_shown_and_taken_back(model: str, tab: Tab) -> None:
    order(tab.stack, "sleep", version=1)
    wait_for(lambda: record(tab.stack)["versions"][0]["asleep_since"])
    tab.stack.emulator(
        "faults", {"fault": "unavailable", "operation": "deployments.put", "count": 99}
    )
    try:
        tab.open(f"models/{model}")
        tab.press("Promote @1")
        tab.see("it is deployed first")
        tab.confirm("Promote")
        tab.see(f"{model}@1 becomes the champion as soon as it answers.")
        tab.see("order waits")
        tab.press("Take the order back")
        tab.confirm("Take it back")
        tab.see(f"The order is taken back: {model}@2 serves.")
    finally:
        tab.stack.emulator("faults", method="DELETE")
    assert (record(tab.stack)["order"], record(tab.stack)["champion"]) == (None, 2)


def test_a_reader_sees_all_and_may_order_nothing(model: str, tabs: Opened) -> None:
    tab = tabs()
    body = json.dumps({"name": "looker", "role": "reader"}).encode()
    status, made = tab.stack.open("keys", body)
    assert status in (200, 201), made
    tab.open(f"models/{model}", key=json.loads(made)["key"])
    expect(row(tab, 2)).to_contain_text("champion")
    buttons = tab.page.locator("main td button, main h2 + p button")
    assert buttons.count() > 3
    assert all(button.is_disabled() for button in buttons.all())


def test_deleting_shows_what_goes_and_wants_the_name(stack: StackHarness, tab: Tab) -> None:
    model_with_versions(stack, "wreck", 1)
    tab.open("models/wreck")
    tab.press("Delete the model")
    tab.see("No chat with wreck is answered, from now on.")
    goes = tab.page.locator(".columns > div").first
    expect(goes).to_contain_text("wreck-v1")
    expect(goes).not_to_contain_text("training_set.jsonl")
    orders = "**/manage/models/wreck/delete"
    tab.page.route(orders, lambda route: route.abort())
    tab.page.get_by_label("its datasets as well").click()
    tab.see("The app does not answer")
    expect(tab.page.get_by_role("button", name="Delete wreck")).to_have_count(0)  # nor the plan
    tab.page.unroute(orders)
    tab.press("Delete the model")
    expect(tab.page.get_by_label("its datasets as well")).not_to_be_checked()
    tab.page.get_by_label("its datasets as well").click()
    expect(goes).to_contain_text("wreck/training_set.jsonl")
    expect(tab.page.get_by_label("its datasets as well")).to_be_checked()
    tab.press("Delete wreck")
    confirm = tab.page.locator("dialog").get_by_role("button", name="Delete", exact=True)
    tab.page.locator("dialog input").fill("wrek")
    expect(confirm).to_be_disabled()
    tab.confirm("Delete", typed="wreck")
    tab.see("wreck is being deleted.")
    tab.see("It answers no chat and takes no drop.")
    # Three plans, one that never came, and one order.
    assert tab.asked.count("POST manage/models/wreck/delete") == 5


def test_a_name_without_a_model_leads_on(tab: Tab) -> None:
    tab.open("models/nobody").see("There is no model of this name, or not any more.")
    tab.page.get_by_role("link", name="All models").click()
    expect(tab.page.locator("h1")).to_have_text("Models")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_plan_to_delete_can_be_read_by_all(model: str, tabs: Opened, dark: bool) -> None:
    tab = tabs(PHONE, dark=dark)
    tab.open(f"models/{model}").see("Who served when")
    tab.press("Delete @1")
    tab.see(f"Delete {model}@1")
    expect(tab.page.locator("#plan")).to_be_focused()
    assert tab.violations() == []
    assert not tab.is_wider_than_its_screen()
    tab.press("Keep it")
    expect(tab.page.locator("#plan")).to_have_count(0)


def test_a_page_that_is_left_shows_nothing_under_the_next_name(model: str, tab: Tab) -> None:
    held: list[Route] = []
    tab.page.route(f"**/manage/models/{model}", lambda route: held.append(route))
    tab.open(f"models/{model}").see("Loading")
    tab.page.wait_for_function("location.hash.includes('models')")
    while not held:
        tab.page.wait_for_timeout(20)
    tab.page.evaluate("location.hash = '#/models/nobody'")
    tab.see("There is no model of this name")
    held[0].continue_()
    tab.page.wait_for_load_state("networkidle")
    expect(tab.page.locator("h1")).to_have_text("nobody")
    expect(tab.page.get_by_text("There is no model of this name")).to_be_visible()
