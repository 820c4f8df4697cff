"""What the console does where something goes wrong, and where somebody else sits down at it."""

import json
import re
import secrets

import httpx
from playwright.sync_api import Route, expect

from tests.support.console import Opened, Tab

ONLINE = (
    "dispatchEvent(new Event('online'))"  # as the browser says it: the page looks again at once
)
NOT_ANSWERED = "The app does not answer. What is shown may be old"


def key_for(tab: Tab, role: str) -> tuple[str, str]:
    """Name and text of a new key."""
    app = tab.stack.addresses
    name = f"{role}-{secrets.token_hex(4)}"
    made = httpx.post(
        f"{app.app_url}/api/manage/keys",
        json={"name": name, "role": role},
        headers={"api-key": app.app_key, "x-tunedrop": "1"},
        timeout=60,
    ).json()
    return name, made["key"]


def sign_in(tab: Tab, key: str) -> None:
    tab.page.get_by_label("Key", exact=True).fill(key)
    tab.press("Sign in")


def is_the_same_document(tab: Tab) -> bool:
    same: bool = tab.page.evaluate("window.marked === true")
    return same


def mark(tab: Tab) -> None:
    tab.page.evaluate("window.marked = true")


def test_signing_out_leaves_nothing_for_the_next(tab: Tab) -> None:
    caller, key = key_for(tab, "chat")
    tab.open("keys").see("laptop, operator")
    new = f"new-{secrets.token_hex(4)}"
    tab.page.locator("form [name=name]").fill(new)
    tab.press("Create key")
    tab.see("Copy it now")
    mark(tab)
    tab.press("Sign out", within="header")
    expect(tab.page.locator("h1")).to_have_text("Sign in")
    assert not is_the_same_document(tab)
    sign_in(tab, key)
    tab.see(f"{caller}, chat")
    tab.see("it needs the role operator")
    assert new not in tab.page.content()
    assert "td-" not in tab.page.content()


def test_another_person_at_a_page_gets_another_document_the_same_one_keeps_it(tab: Tab) -> None:
    reader, key = key_for(tab, "reader")
    tab.open("playground").see("Your message")
    mark(tab)
    for given, who, same in (
        (tab.stack.addresses.app_key, "laptop, operator", True),
        (key, f"{reader}, reader", False),
    ):
        tab.page.get_by_label("Your message").fill("What I ask")
        tab.page.get_by_role("link", name="Keys").click()
        tab.page.locator("form [name=name]").fill("new")
        tab.page.route("**/manage/keys", lambda route: refuse(route, 401))
        tab.press("Create key")
        expect(tab.page.locator("h1")).to_have_text("Sign in")
        tab.page.unroute("**/manage/keys")
        sign_in(tab, given)
        tab.see(who)
        expect(tab.page.locator("h1")).to_be_focused()
        expect(tab.page.get_by_role("alert")).to_have_count(0 if same else 1)  # it is no reader's
        assert is_the_same_document(tab) is same
        tab.page.get_by_role("link", name="Playground").click()
        asked = "What I ask" if same else ""
        expect(tab.page.get_by_label("Your message")).to_have_value(asked)


def refuse(route: Route, status: int) -> None:
    error = {"message": "Whose the key is cannot be told", "fix": "Try again in some seconds"}
    route.fulfill(status=status, body=json.dumps({"error": error}))


def test_a_sign_in_that_met_a_failure_is_told_and_tried_again(tabs: Opened) -> None:
    for fail, says in (
        (lambda route: route.abort(), NOT_ANSWERED),
        (lambda route: refuse(route, 503), "Whose the key is cannot be told"),
    ):
        tab = tabs()
        tab.page.route("**/manage/me", fail)
        tab.open("keys").see(says)
        tab.page.reload()
        tab.see(says)  # the key is not asked for again
        tab.page.unroute("**/manage/me")
        tab.page.evaluate(ONLINE)
        tab.see("laptop, operator")
        expect(tab.page.locator("h1")).to_have_text("Keys")
        expect(tab.page.locator("main")).not_to_contain_text(says)


def test_a_key_that_is_none_is_told_and_whoever_was_signed_in_stays(tab: Tab) -> None:
    key = tab.stack.addresses.app_key
    tab.open("runs", key="")
    sign_in(tab, "td-abc\u2026")
    tab.see('This is no key: no key has "\u2026" in it.')
    expect(tab.page.get_by_text(NOT_ANSWERED)).to_have_count(0)
    sign_in(tab, f"{key}\u200b")  # as it was copied out of a chat
    tab.see("laptop, operator")
    tab.page.evaluate("location.hash = '#/runs?key=wrong'")
    tab.see("This key opens nothing here.")
    tab.see("You are signed in as laptop, as before.")
    assert tab.page.url.endswith("#/runs")
    tab.page.reload()
    tab.see("laptop, operator")
    reader, other = key_for(tab, "reader")
    tab.page.evaluate(f"location.hash = '#/models?key={other}'")
    tab.see(f"Another key is used now: you are signed in as {reader}, reader.")
    assert tab.page.url.endswith("#/models")


def test_who_may_only_chat_is_led_to_the_chat(tab: Tab) -> None:
    caller, key = key_for(tab, "chat")
    tab.open("", key=key).see(f"{caller}, chat")
    expect(tab.page.locator("h1")).to_have_text("Playground")
    expect(tab.page.get_by_role("navigation").get_by_role("link")).to_have_count(1)


def test_an_order_without_an_answer_may_have_been_carried_out_and_the_page_looks(tab: Tab) -> None:
    def lose(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.fallback()

    tab.open("keys").see("laptop, operator")
    name = f"lost-{secrets.token_hex(4)}"
    tab.page.route("**/manage/keys", lose)
    tab.page.locator("form [name=name]").fill(name)
    tab.press("Create key")
    tab.see("What was ordered may have been carried out.")
    tab.see(name)  # it is in the list
    expect(tab.page.get_by_text(NOT_ANSWERED)).to_have_count(0)


def test_a_page_that_rests_looks_again_until_the_app_answers(tab: Tab) -> None:
    tab.page.clock.install()
    tab.open("keys").see("laptop, operator")
    tab.page.route("**/manage/**", lambda route: route.abort())
    tab.page.locator("form [name=name]").fill("never")
    tab.press("Create key")
    tab.see(NOT_ANSWERED)
    tab.page.unroute("**/manage/**")
    tab.page.clock.fast_forward(10_000)
    expect(tab.page.get_by_text(NOT_ANSWERED)).to_have_count(0)
    expect(tab.page.locator("form [name=name]")).to_have_value("never")


def test_what_comes_of_an_order_after_its_page_was_left_is_there_on_return(tab: Tab) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.fallback()

    tab.open("keys").see("laptop, operator")
    name = f"left-{secrets.token_hex(4)}"
    tab.page.route("**/manage/keys", hold)
    tab.page.locator("form [name=name]").fill(name)
    tab.press("Create key")
    tab.page.get_by_role("link", name="Runs").click()
    expect(tab.page.locator("h1")).to_have_text("Runs")
    with tab.page.expect_response("**/manage/keys"):
        held[0].continue_()
    tab.page.get_by_role("link", name="Keys").click()
    tab.see("Copy it now")
    tab.see(name)


def test_a_page_that_comes_late_does_not_take_the_place_of_a_later_one(tab: Tab) -> None:
    held: list[Route] = []
    tab.open("runs").see("laptop, operator")
    tab.page.route("**/console/models.js", lambda route: held.append(route))
    with tab.page.expect_request("**/console/models.js"):
        tab.page.evaluate("location.hash = '#/models'")
    tab.page.evaluate("location.hash = '#/keys'")
    expect(tab.page.locator("h1")).to_have_text("Keys")
    with tab.page.expect_response("**/console/models.js"):
        held[0].continue_()
    tab.page.evaluate(
        "import('/api/console/models.js').then(() => new Promise(requestAnimationFrame))"
    )
    expect(tab.page.locator("h1")).to_have_text("Keys")
    tab.page.evaluate("location.hash = '#/runs/.'")
    tab.see("There is no such page.")


def test_a_fault_of_a_view_is_shown_and_the_page_goes_on(tab: Tab) -> None:
    tab.page.route(re.compile("/manage/runs$"), lambda route: route.fulfill(body='{"runs": [7]}'))
    tab.open("runs").see("The page has a fault of its own.")
    assert tab.faults
    tab.page.unroute(re.compile("/manage/runs$"))
    tab.page.evaluate(ONLINE)
    expect(tab.page.get_by_text("The page has a fault of its own.")).to_have_count(0)
    tab.faults.clear()


def test_rated_answers_are_counted_whenever_the_page_is_opened(tab: Tab) -> None:
    asked: list[str] = []

    def data(route: Route) -> None:
        asked.append(route.request.url.rpartition("/")[2])
        rated = {"examples": {"supervised": len(asked)}, "left_out": {}}
        body = {"model": "sailor", "files": [], "older": [], "datasets": [], "remembered": True}
        more = {"problems": [], "refused": {"count": 0}, "rated": rated}
        route.fulfill(body=json.dumps({**body, **more}))

    tab.page.route("**/manage/models/sailor/data*", data)
    tab.open("data/sailor").see("1 rated answer can be an example")
    tab.page.evaluate(ONLINE)
    tab.page.get_by_role("link", name="Runs").click()
    expect(tab.page.locator("h1")).to_have_text("Runs")
    tab.page.go_back()
    tab.see("3 rated answers can be an example")
    assert asked == ["data?rated=1", "data", "data?rated=1"]


def test_a_key_that_was_revoked_is_told_to_be(tab: Tab) -> None:
    reader, key = key_for(tab, "reader")
    app = tab.stack.addresses
    own = {"api-key": app.app_key, "x-tunedrop": "1"}
    revoke = f"{app.app_url}/api/manage/keys/{reader}/revoke"
    assert httpx.post(revoke, json={}, headers=own, timeout=60).is_success
    tab.open("runs", key=key).see(f"The key '{reader}' was revoked on")
    expect(tab.page.locator("h1")).to_have_text("Sign in")
