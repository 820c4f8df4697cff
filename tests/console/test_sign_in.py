"""Who signs in at the console, and with what."""

from playwright.sync_api import expect

from tests.support.console import Opened, Tab

REFUSED = "This key opens nothing here."


def test_a_link_signs_in_and_the_key_leaves_the_address(tab: Tab) -> None:
    tab.open("runs")
    tab.see("laptop, operator")
    assert tab.page.url.endswith("/api/console#/runs")
    assert tab.stack.addresses.app_key not in tab.page.url


def test_without_a_key_the_page_asks_for_one_and_goes_on_where_it_was(tab: Tab) -> None:
    tab.open("runs", key="")
    tab.page.get_by_label("Key").fill("wrong")
    tab.press("Sign in")
    tab.see(REFUSED)
    tab.page.get_by_label("Key").fill(tab.stack.addresses.app_key)
    tab.press("Sign in")
    tab.see("laptop, operator")
    expect(tab.page.locator("h1")).to_have_text("Runs")


def test_a_key_of_the_host_opens_the_pages_as_well(tab: Tab) -> None:
    tab.open("", key=tab.stack.addresses.function_key)
    tab.see("a holder of the host's key, operator")


def test_a_key_is_of_one_tab_and_gone_after_signing_out(tabs: Opened) -> None:
    tab = tabs()
    tab.open("").see("laptop, operator")
    tab.page.reload()
    tab.see("laptop, operator")
    other = tab.page.context.new_page()
    other.goto(tab.page.url)
    expect(other.get_by_label("Key")).to_be_visible()
    tab.press("Sign out", within="header")
    expect(tab.page.get_by_label("Key")).to_be_visible()
    tab.page.reload()
    expect(tab.page.get_by_label("Key")).to_be_visible()
