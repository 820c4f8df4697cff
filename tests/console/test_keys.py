"""The page of keys: a key's whole life, with the mouse."""

import httpx
from playwright.sync_api import expect

from tests.support.console import PHONE, Opened, Tab

SAID = [{"role": "user", "content": "Hi"}]


def chat(tab: Tab, key: str) -> int:
    return httpx.post(
        f"{tab.stack.addresses.app_url}/api/v1/chat/completions",
        json={"model": "gpt-4.1-nano", "messages": SAID, "max_tokens": 1},
        headers={"api-key": key},
        timeout=60,
    ).status_code


def test_a_key_is_created_limited_and_revoked(tabs: Opened) -> None:
    tab = tabs()
    tab.open("keys").see("in the setting TUNEDROP_APP_KEYS")
    form = tab.page.locator("form")
    form.get_by_label("Name").fill("shop")
    form.locator("[name=which]").select_option("some")
    form.locator("[name=models]").fill("gpt-4.1-nano, captain")
    tab.page.get_by_role("button", name="Create key").dblclick()  # one of two clicks counts
    key = tab.page.locator("section code").first.inner_text()
    assert key.startswith("td-")
    expect(tab.page.get_by_role("status", name="The new key")).to_be_visible()  # and is read out
    assert tab.asked.count("POST manage/keys") == 1
    expect(form.locator("[name=which]")).to_have_value("all")  # the form is a new one
    assert chat(tab, key) == 200

    tab.press("I have copied it")
    expect(tab.page.get_by_text(key)).to_have_count(0)
    tab.page.reload()
    row = tab.page.get_by_role("row").filter(has_text="shop").first
    expect(row).to_contain_text("1 request")
    assert key not in tab.page.content()

    row.get_by_role("button", name="Change limits").click()
    tab.page.locator("dialog").get_by_label("Requests a minute").fill("1")
    tab.press("Save", within="dialog")
    expect(row).to_contain_text("1 request a minute")
    assert chat(tab, key) in (200, 429)
    assert chat(tab, key) == 429

    row.get_by_role("button", name="Revoke").click()
    tab.confirm("Revoke", typed="shop")
    tab.see("shop is revoked.")
    assert chat(tab, key) == 401
    expect(tab.page.get_by_role("table", name="Revoked keys")).to_contain_text("shop")
    expect(tab.page.get_by_role("table", name="Events")).to_contain_text("laptop (by key)")


def test_a_change_of_limits_leaves_the_others_and_what_somebody_else_has_changed(tab: Tab) -> None:
    order(tab, "keys", name="narrow", models=[], tokens_per_minute=5000)
    tab.open("keys")
    row = tab.page.get_by_role("row").filter(has_text="narrow").first
    for most in ("7", "9"):
        row.get_by_role("button", name="Change limits").click()
        tab.page.locator("dialog").get_by_label("Requests a minute").fill(most)
        if most == "9":
            order(tab, "keys/narrow/limit", models=["captain"], tokens_per_minute=1000)
        tab.press("Save", within="dialog")
        if most == "7":
            expect(row).to_contain_text("7 requests a minute")
            expect(row).to_contain_text("no model")
            expect(row).to_contain_text("5,000 tokens a minute")
    tab.see("The key 'narrow' is another by now")
    expect(row).to_contain_text("captain")
    expect(row).to_contain_text("7 requests a minute")
    expect(row).to_contain_text("1,000 tokens a minute")


def order(tab: Tab, path: str, **body: object) -> None:
    app = tab.stack.addresses
    headers = {"api-key": app.app_key, "x-tunedrop": "1"}
    httpx.post(
        f"{app.app_url}/api/manage/{path}", json=body, headers=headers, timeout=60
    ).raise_for_status()


def test_it_can_be_read_by_everybody_on_every_screen(tabs: Opened) -> None:
    for dark in (False, True):
        tab = tabs(dark=dark)
        tab.open("keys").see("in the setting TUNEDROP_APP_KEYS")
        assert tab.violations() == []
    phone = tabs(size=PHONE)
    phone.open("keys").see("in the setting TUNEDROP_APP_KEYS")
    assert not phone.is_wider_than_its_screen()


def test_a_page_that_rests_asks_nothing_more_and_a_reader_is_told_whom_to_ask(tab: Tab) -> None:
    app = tab.stack.addresses
    made = httpx.post(
        f"{app.app_url}/api/manage/keys",
        json={"name": "a-reader", "role": "reader", "why": "<img src=x onerror=alert(1)>"},
        headers={"api-key": app.app_key, "x-tunedrop": "1"},
        timeout=60,
    ).json()
    tab.open("keys").see("<img src=x onerror=alert(1)>")
    assert tab.asked.count("GET manage/keys") == 1
    tab.open("keys", key=made["key"]).see("it needs the role operator")
