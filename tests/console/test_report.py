"""The report of a dataset within the console: as it looks by itself, and nothing in it runs."""

from playwright.sync_api import expect

from shared.run.stages import Stage
from tests.support.console import Tab
from tests.support.console_runs import known_run, rejected, stored

HOSTILE = """<!doctype html><html><head>
<style>body { margin: 3px } h2 { color: rgb(1, 2, 3) }</style>
</head><body><h2>Quoted</h2><script>alert(1)</script><img src="https://example.com/x.png"
onerror="alert(2)"><iframe src="https://example.com"></iframe><a href="https://example.com">out</a>
<a href="#far">within</a><form action="https://example.com"><button>send</button></form>
<svg onload="alert(3)"><a href="javascript:alert(4)"><text y="20">drawn</text></a></svg>
<pre>LONG</pre><h2 id="far">Far below</h2></body></html>""".replace("LONG", "\n" * 200)


def test_it_is_shown_with_its_own_look_and_a_way_back(tab: Tab) -> None:
    (run_id,) = rejected(tab.stack, "mast")
    tab.open(f"runs/{run_id}")
    tab.page.get_by_role("link", name="The whole report").click()
    report = tab.page.locator("dataset-report")
    expect(report).to_contain_text("Rejected: nothing was sent.")
    tile = report.locator(".tiles div").first
    assert tile.evaluate("tile => getComputedStyle(tile).borderRadius") == "10px"
    assert report.locator("details.error").first.evaluate("one => one.open")
    with tab.page.expect_download() as saved:
        tab.press("Save as a file")
    assert saved.value.suggested_filename == f"{run_id}-report.html"
    assert "<!doctype html>" in saved.value.path().read_text(encoding="utf-8")
    tab.page.get_by_role("link", name="Back to the run").click()
    expect(tab.page.locator("h1")).to_contain_text("Run mast-")


def test_nothing_in_it_runs_loads_or_leads_away(tab: Tab) -> None:
    with stored(tab.stack, known_run(Stage.REJECTED), report=HOSTILE) as run_id:
        tab.open(f"runs/{run_id}/report")
        report = tab.page.locator("dataset-report")
        expect(report.get_by_text("Quoted")).to_have_css("color", "rgb(1, 2, 3)")
        assert report.locator("script, iframe, form, [onerror], [onload], [src]").count() == 0
        expect(tab.page.locator("h1")).not_to_have_css("color", "rgb(1, 2, 3)")
        before = tab.page.url
        for words in ("out", "drawn", "within"):
            report.get_by_text(words).click()
        expect(report.get_by_text("Far below")).to_be_in_viewport()
        assert tab.page.url == before
    # The browser tells what its policy stops while it parses, and it stops all of it.
    tab.faults[:] = [fault for fault in tab.faults if "inline event handler" not in fault]


def test_a_run_without_a_report_says_so_and_another_is_looked_for(tab: Tab) -> None:
    with stored(tab.stack, known_run(Stage.RECEIVED)) as run_id:
        tab.open(f"runs/{run_id}/report").see("has no report yet")
        blob = f"{run_id}/report.html"
        tab.stack.container("runs").upload_blob(blob, b"<html><h2>Looked at</h2></html>")
        tab.see("Looked at")
