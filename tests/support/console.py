"""The console in a real browser: the system's Chromium, driven by Playwright, on a real stack.

Whatever a page may never do is noted while a test drives it, and fails the test at its end: an
error of its own, a dialog, a request to another place, a key in an address.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright

from tests.support.browser import BROWSERS
from tests.support.stack import StackHarness

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
SECONDS = 60  # only so that a hang is reported
DESKTOP, PHONE = (1280, 900), (375, 812)
expect.set_options(timeout=SECONDS * 1000)


class Tab:
    """One tab of a browser, signed in at a stack's console."""

    def __init__(self, page: Page, stack: StackHarness) -> None:
        self.page, self.stack = page, stack
        self.faults: list[str] = []
        self.asked: list[str] = []  # method and path below /api/ of each request
        page.set_default_timeout(SECONDS * 1000)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        page.on("console", self._heard)
        page.on("request", self._requested)

    def _heard(self, message: Any) -> None:
        # A refusal of the app's is what a test may be about; the browser tells it as an error.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")

    def _requested(self, request: Request) -> None:
        here = f"{self.stack.addresses.app_url}/"
        if not request.url.startswith((here, "blob:", "data:")):
            self.faults.append(f"a request to {request.url}")
        if self.stack.addresses.app_key in request.url:
            self.faults.append("a key in an address")
        path = request.url.removeprefix(here).removeprefix("api/")
        self.asked.append(f"{request.method} {path}")

    def open(self, place: str = "", *, key: str | None = None) -> "Tab":
        """`place` as it stands behind the number sign: `models/captain`. Signs in on the way."""
        key = self.stack.addresses.app_key if key is None else key
        mark = "&" if "?" in place else "?"
        with_key = f"{mark}key={key}" if key else ""
        # Only another document is loaded anew: a new place in the same one is not.
        self.page.goto("about:blank")
        self.page.goto(f"{self.stack.addresses.app_url}/api/console#/{place}{with_key}")
        return self

    def see(self, words: str) -> Locator:
        """Wait until the page shows these words."""
        found = self.page.get_by_text(words).first
        expect(found).to_be_visible()
        return found

    def press(self, label: str, within: str = "main") -> None:
        self.page.locator(within).get_by_role("button", name=label, exact=True).first.click()

    def confirm(self, label: str, typed: str = "") -> None:
        """Answer the question that is asked; `typed` is the name that it wants."""
        if typed:
            self.page.locator("dialog input").fill(typed)
        self.press(label, within="dialog")

    def text(self, place: str = "main") -> str:
        return self.page.locator(place).inner_text()

    def is_wider_than_its_screen(self) -> bool:
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide

    def violations(self) -> list[str]:
        """What axe-core calls serious or critical, with where it is."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['id']}: {node['html'][:200]}"
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]


Opened = Callable[..., Tab]


@contextmanager
def browser() -> Iterator[Browser]:
    """Skips the test where no browser is installed."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if not program:
        pytest.skip("no Chromium or Chrome is installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def tabs(browser: Browser, stack: StackHarness) -> Iterator[Opened]:
    """Makes tabs, each of a browser profile of its own: size in pixels, dark or light."""
    made: list[Tab] = []

    def tab(size: tuple[int, int] = DESKTOP, dark: bool = False) -> Tab:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
        )
        made.append(Tab(context.new_page(), stack))
        return made[-1]

    yield tab
    faults = [fault for one in made for fault in one.faults]
    for one in made:
        one.page.context.close()
    assert not faults
