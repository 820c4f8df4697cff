"""The pictures of the console in docs/pictures/, taken of a stack that runs (`dev.py pictures`).

The example captain is dropped as the demo does it, and its pages are photographed in the system's
Chromium: a picture shows what the pages are, or is not there.
"""

import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from local.known import Stack
from local.stack import running

FOLDER = Path(__file__).with_name("pictures")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
MODEL = "captain"
QUESTION = "What is artificial intelligence?"
ANSWER_MS = 120_000  # that two answers may take, on a slow machine
WIDE = {"width": 1280, "height": 860}
# Name of the picture: place in the console, and whether it is dark.
PLACES = {
    "home": ("", False),
    "run": ("runs/{run}", False),
    "report": ("runs/{run}/report", True),
    "verdict": ("runs/{run}/verdict", False),
    "playground": ("playground", True),
}


def main() -> int:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if not program:
        print("dev.py pictures: no Chromium or Chrome is installed.", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with running(tell=lambda text: print(f"· {text}", flush=True)) as stack:
        subprocess.run([sys.executable, "-m", "local.demo"], check=True)
        run = _newest_run(stack)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            for name, (place, dark) in PLACES.items():
                _take(browser, stack, place.format(run=run), FOLDER / f"{name}.png", dark)
            browser.close()
    return 0


def _newest_run(stack: Stack) -> str:
    address = f"{stack.app_url}/api/manage/runs?model={MODEL}&limit=1"
    request = urllib.request.Request(address, headers={"api-key": stack.app_key})
    with urllib.request.urlopen(request, timeout=60) as response:
        return str(json.load(response)["runs"][0]["id"])


def _take(browser: Browser, stack: Stack, place: str, file: Path, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport=WIDE, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{stack.app_url}/api/console#/{place}?key={stack.app_key}")
    expect(page.get_by_text("laptop, operator")).to_be_visible()
    expect(page.get_by_text("Loading …")).to_have_count(0)
    if place == "playground":
        _ask(page)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    print(f"made: {file.relative_to(FOLDER.parent.parent)}")
    context.close()


def _ask(page: Page) -> None:
    page.get_by_label("Your message").fill(QUESTION)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=ANSWER_MS)


if __name__ == "__main__":
    sys.exit(main())
