"""One browser for the tests of the console, which all ask for one stack."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support import console
from tests.support.stack import StackHarness


# Not of the session: while Playwright runs, no test may run an event loop of its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with console.browser() as started:
        yield started


@pytest.fixture
def tabs(browser: Browser, stack: StackHarness) -> Iterator[console.Opened]:
    with console.tabs(browser, stack) as opened:
        yield opened


@pytest.fixture
def tab(tabs: console.Opened) -> console.Tab:
    return tabs()
