"""The list of runs: what is shown of each, which are asked for, and the drops that made none."""

import re
from typing import Any

from playwright.sync_api import Route, expect

from tests.support.console import Tab
from tests.support.console_runs import rejected
from tests.support.stack import wait_for

STRANGE = "Odd/<img src=x onerror=alert(1)>\u202egnp.jsonl"


def rows(tab: Tab) -> Any:
    return tab.page.get_by_role("table", name="Runs", exact=True).locator("tbody tr")


def test_runs_are_asked_for_by_model_and_stage(tab: Tab) -> None:
    one, _ = rejected(tab.stack, "mast", "keel")
    tab.open("runs")
    row = rows(tab).filter(has_text="mast-")
    expect(row).to_contain_text("rejected")
    expect(row).to_contain_text("The dataset has errors")
    tab.page.get_by_label("Model").fill("mast")
    tab.page.get_by_label("Stage").select_option("ended")
    tab.press("Show")
    expect(rows(tab)).to_have_count(1)
    assert tab.page.url.endswith("#/runs?model=mast&stage=ended")
    rows(tab).get_by_role("link").click()
    tab.see(one)
    tab.page.go_back()
    expect(tab.page.get_by_label("Stage")).to_have_value("ended")
    tab.page.get_by_label("Stage").select_option("serving")
    tab.press("Show")
    tab.see("No run is like that.")
    tab.page.get_by_role("link", name="Show all").first.click()
    expect(rows(tab).filter(has_text="keel-")).to_have_count(1)


def test_a_long_list_has_pages(tab: Tab) -> None:
    rejected(tab.stack, "mast", "keel")

    def short(route: Route) -> None:
        mark = "&" if "?" in route.request.url else "?"
        route.continue_(url=f"{route.request.url}{mark}limit=1")

    tab.page.route(re.compile(r"/manage/runs(\?|$)"), short)
    tab.open("runs")
    first = rows(tab).first.get_by_role("link").inner_text()
    tab.page.get_by_role("link", name="Older").click()
    expect(rows(tab).first.get_by_role("link")).not_to_have_text(first)
    tab.page.get_by_role("link", name="Newest").click()
    expect(rows(tab).first.get_by_role("link")).to_have_text(first)


def test_drops_that_were_not_taken_have_their_cure(tab: Tab) -> None:
    blob = tab.stack.container("datasets").get_blob_client(STRANGE)
    blob.upload_blob(b"{}", overwrite=True)
    try:
        wait_for(lambda: tab.stack.get("runs")["refused"]["count"])
        tab.open("runs")
        row = tab.page.get_by_role("table", name="Drops that were not taken").locator("tbody tr")
        row = row.filter(has_text="Odd")
        expect(row).to_contain_text("Odd/<img src=x onerror=alert(1)>\\u202egnp.jsonl")
        expect(row).to_contain_text("has a control character in its name.")
        expect(row).to_contain_text("Drop it under a name of letters")
    finally:
        blob.delete_blob()


def test_a_page_that_cannot_be_fetched_says_so(tab: Tab) -> None:
    tab.page.route("**/console/run_orders.js", lambda route: route.abort())
    (run_id,) = rejected(tab.stack, "mast")
    tab.open("runs")
    tab.page.get_by_role("link", name=run_id[:13]).click()
    tab.see("This page could not be loaded.")
    tab.page.unroute_all()
    tab.page.reload()
    tab.see("The dataset has errors")


def test_an_idle_list_costs_no_new_page_where_nothing_has_changed(tab: Tab) -> None:
    rejected(tab.stack, "mast")
    answers: list[int] = []
    tab.page.on(
        "response", lambda got: answers.append(got.status) if "/manage/runs" in got.url else None
    )
    tab.open("runs?model=mast")
    expect(rows(tab)).to_have_count(1)
    for _ in range(5):  # another test's run may just have been written
        with tab.page.expect_response(re.compile("/manage/runs")):
            tab.page.evaluate("dispatchEvent(new Event('online'))")
    assert 304 in answers[1:]
