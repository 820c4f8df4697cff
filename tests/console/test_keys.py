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
    form.locator("[name=models]").fill("gpt-4.1-nano, captain")
    tab.page.get_by_role("button", name="Create key").dblclick()  # one of two clicks counts
    key = tab.page.locator("section code").first.inner_text()
    assert key.startswith("td-")
    assert tab.asked.count("POST manage/keys") == 1
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
