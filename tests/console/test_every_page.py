"""What holds for every page: anybody can read it, on any screen; an idle one is cheap."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.support.console import DESKTOP, PHONE, Opened, Tab
from tests.support.console_models import model_with_versions
from tests.support.stack import StackHarness

MODEL = "galley"
LOOKS = 8  # of a page that nothing happens on, one each 15 seconds
CALLS = 3  # of one look at the list of models, at the most: models and runs, and costs now and then
SCREENS = (PHONE, (768, 1024), DESKTOP)  # the last one is that of a new tab
PLACES = (
    "",
    "models",
    "models/{model}",
    "runs",
    "runs/{run}",
    "runs/{run}/report",
    "runs/{run}/verdict",
    "playground",
    "drop",
    "data/{model}",
    "keys",
    "nowhere",
)


@pytest.fixture
def places(stack: StackHarness) -> dict[str, str]:
    model_with_versions(stack, MODEL)
    run = stack.runs(MODEL)[0]["id"]
    return {place: place.format(model=quote(MODEL), run=run) for place in PLACES}


def settled(tab: Tab, place: str) -> None:
    tab.open(place)
    tab.see("laptop, operator")
    expect(tab.page.get_by_text("Loading …")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_can_be_used_by_everybody_on_any_screen(
    tabs: Opened, places: dict[str, str], dark: bool
) -> None:
    tab = tabs(dark=dark)
    found = {}
    for place, address in places.items():
        settled(tab, address)
        if faults := [*faults_of_headings(tab), *tab.violations(), *too_wide(tab)]:
            found[place] = faults
    tab = tabs(dark=dark)  # where nobody has signed in
    tab.open("", key="")
    expect(tab.page.get_by_label("Key")).to_be_visible()
    if faults := [*tab.violations(), *too_wide(tab)]:
        found["sign in"] = faults
    assert not found


def faults_of_headings(tab: Tab) -> list[str]:
    """One heading, which is the title as well, and each landmark once."""
    wanted = ("main > h1", "body > header", "body > header nav", "body > main")
    faults = [one for one in wanted if tab.page.locator(one).count() != 1]
    heading = tab.page.locator("main > h1").first.inner_text()
    if not heading.strip() or tab.page.title() != f"{heading} · Tunedrop":
        faults.append(f"title: {tab.page.title()}")
    return faults


def too_wide(tab: Tab) -> list[str]:
    wide = []
    for width, height in SCREENS:
        tab.page.set_viewport_size({"width": width, "height": height})
        if tab.is_wider_than_its_screen():
            wide.append(f"wider than {width}")
    return wide


def test_an_idle_page_in_sight_takes_few_calls_and_one_out_of_sight_none(
    tab: Tab, places: dict[str, str]
) -> None:
    tab.page.clock.install()
    settled(tab, "models")
    tab.page.clock.pause_at(tab.page.evaluate("Date.now() + 1000"))
    before = len(tab.asked)
    for _ in range(LOOKS):
        with tab.page.expect_response("**/manage/models"):
            tab.page.clock.run_for(15_000)
        expect(tab.page.get_by_role("link", name=MODEL).first).to_be_visible()
    assert LOOKS <= len(tab.asked) - before <= LOOKS * CALLS
    tab.page.evaluate(
        """Object.defineProperty(document, "hidden", {get: () => true, configurable: true});
           document.dispatchEvent(new Event("visibilitychange"))"""
    )
    before = len(tab.asked)
    tab.page.clock.run_for(3_600_000)
    assert len(tab.asked) == before


def test_a_lost_connection_is_shown_and_heals(tab: Tab, places: dict[str, str]) -> None:
    settled(tab, "models")
    tab.page.context.set_offline(True)
    tab.page.evaluate("dispatchEvent(new Event('online'))")  # looks at once
    tab.see("The app does not answer. What is shown may be old")
    tab.see(MODEL)
    tab.page.context.set_offline(False)
    expect(tab.page.get_by_text("The app does not answer.")).to_have_count(0)


def test_a_page_is_walked_through_by_the_keyboard(tab: Tab, places: dict[str, str]) -> None:
    settled(tab, "models")
    tab.page.keyboard.press("Tab")
    for _ in range(2):
        tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement !== document.body")
    tab.page.locator(".skip").focus()
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.tagName") == "H1"


def test_what_is_chosen_and_selected_stays_while_the_page_looks_again(
    tab: Tab, places: dict[str, str]
) -> None:
    tab.page.clock.install()
    settled(tab, "models")
    link = tab.page.get_by_role("link", name=MODEL).first
    link.focus()
    tab.page.evaluate("getSelection().selectAllChildren(document.querySelector('tbody tr'))")
    chosen = tab.page.evaluate("getSelection().toString()")
    before = len(tab.asked)
    tab.page.clock.run_for(60_000)
    tab.page.wait_for_load_state("networkidle")
    assert len(tab.asked) > before
    expect(link).to_be_focused()
    assert tab.page.evaluate("getSelection().toString()") == chosen
