"""The whole loop with the mouse, on a stack that asks who is there: nothing but the console is used
from the first drop to the end of the model."""

import re

from playwright.sync_api import expect

from tests.support.console import Tab
from tests.support.datasets import dataset

MODEL = "captain"  # whose conversations the stack remembers
CORRECTION = "Arr, that be a corrected answer."
QUICK = b"hyperparameters: {n_epochs: 1}\n"


def file(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "", "buffer": content}


def drop(tab: Tab) -> str:
    """Check, then drop what was chosen; the id of its run, once it serves."""
    tab.press("Check")
    tab.page.get_by_role("button", name=re.compile("^Drop and train")).click()
    tab.page.get_by_role("status").get_by_role("link", name=re.compile(f"^{MODEL}-")).click()
    tab.see("serves.")
    return tab.page.url.rpartition("/")[2]


def test_from_a_drop_to_the_next_version_and_to_nothing_again(tab: Tab) -> None:
    tab.open("drop")
    tab.page.locator("input[type=file]").set_input_files(
        [  # type: ignore[arg-type]
            file("training_set.jsonl", dataset(12, voice="first")),
            file("validation_set.jsonl", dataset(4, voice="held out")),
            file("run.yaml", QUICK),
        ]
    )
    tab.page.get_by_label("For which model?").fill(MODEL)
    first = drop(tab)

    tab.page.get_by_role("link", name="Dataset report").click()
    tab.see("12 examples")
    tab.page.go_back()
    tab.page.get_by_role("link", name="Verdict").click()
    tab.see(f"Verdict on {MODEL}-")

    tab.page.get_by_role("link", name="Playground").click()
    tab.page.get_by_label("Max tokens").fill("8")
    tab.page.get_by_label("Your message").fill("Who are you?")
    tab.press("Send")
    answer = tab.page.get_by_label(f"Answer of {MODEL}", exact=True)
    expect(answer).to_have_attribute("aria-busy", "false")
    answer.get_by_role("button", name="Correct …").click()
    answer.get_by_label("What it should have said").fill(CORRECTION)
    answer.get_by_role("button", name="Save the correction").click()
    expect(answer).to_contain_text("The correction is kept.")

    tab.page.goto(f"{tab.page.url.partition('#')[0]}#/data/{MODEL}")
    tab.see("1 rated answer can be an example")
    tab.press("Merge into what lies there")
    tab.see("1 answer taken: 13 examples now.")
    tab.page.get_by_role("link", name="Check it, and drop it").click()
    tab.see(f"These files are staged for {MODEL}")
    second = drop(tab)
    assert second != first

    tab.page.get_by_role("link", name=f"Model {MODEL}").click()
    tab.see(f"{MODEL}@2")
    tab.press("Roll back to @1")
    tab.confirm("Roll back")
    tab.see(f"{MODEL}@1 serves.")
    tab.press("Promote @2")
    tab.confirm("Promote")
    tab.see(f"{MODEL}@2 serves.")
    tab.press("Delete the model")
    tab.press(f"Delete {MODEL}")
    tab.confirm("Delete", typed=MODEL)
    tab.page.get_by_role("link", name="Models").first.click()
    expect(tab.page.get_by_role("link", name=MODEL, exact=True)).to_have_count(0)
