"""A dataset is dropped with the mouse: chosen, checked, compared, and only then dropped."""

import asyncio
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import FilePayload, Route, expect

from shared.chat.feedback import FeedbackStore, parse_rating
from shared.chat.protocol import parse_chat
from shared.cloud.memory_container import MemoryContainer
from tests.support.console import PHONE, Opened, Tab
from tests.support.datasets import dataset

HOSTILE = "<img src=x onerror=alert(1)>\u202egnp"
MANUAL = b"start: manual\nhyperparameters: {n_epochs: 1}\n"


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "", "buffer": content}


@pytest.fixture
def model() -> str:
    return f"d{uuid.uuid4().hex[:8]}"


def choose(tab: Tab, model: str, *files: FilePayload) -> None:
    tab.page.locator("input[type=file]").set_input_files(list(files))
    tab.page.get_by_label("For which model?").fill(model)


def check(tab: Tab, model: str, *files: FilePayload) -> None:
    tab.open("drop")
    choose(tab, model, *files)
    tab.press("Check")


def lies_there(tab: Tab, model: str) -> list[str]:
    blobs = tab.stack.container("datasets").list_blobs(name_starts_with=model)
    return [blob.name for blob in blobs]


def test_a_dataset_is_checked_and_dropped_and_becomes_a_run(tab: Tab, model: str) -> None:
    check(tab, model, file("training_set.jsonl", dataset(12, model)), file("run.yaml", MANUAL))
    tab.see("These files can be trained on.")
    assert "training, at list price" in tab.text()
    assert "No dataset lies in the folder" in tab.text()
    assert lies_there(tab, model) == []
    tab.page.get_by_role("button", name="Drop and train").click()
    link = tab.page.get_by_role("link", name=f"{model}-")
    expect(link).to_be_visible()
    assert lies_there(tab, model) == [f"{model}/run.yaml", f"{model}/training_set.jsonl"]
    (run,) = tab.stack.runs(model)
    assert link.get_attribute("href") == f"#/runs/{run['id']}"
    tab.stack.open(f"runs/{run['id']}/cancel", b"{}", "POST")
    tab.open(f"data/{model}").see("lies there")
    assert "training_set.jsonl" in tab.text()


def test_what_is_wrong_is_told_with_lines_and_nothing_can_be_dropped(tab: Tab, model: str) -> None:
    bad = dataset(12, model) + b"nonsense\n"
    check(tab, model, file("train.jsonl", bad))
    tab.see("The check rejects these files")
    tab.see("line 13")
    tab.press("Show the whole report")
    expect(tab.page.locator("dataset-report").get_by_text("Not JSON").first).to_be_visible()
    assert "Cure:" in tab.text()
    expect(tab.page.get_by_role("button", name="Drop")).to_have_count(0)
    good = file("train.jsonl", dataset(12, model))
    tab.page.locator("input[type=file]").set_input_files([good])
    tab.press("Check")
    tab.see("These files can be trained on.")


def test_a_run_yaml_that_is_wrong_is_told(tab: Tab, model: str) -> None:
    files = file("train.jsonl", dataset(12, model)), file("run.yaml", b"epochs: 3\n")
    check(tab, model, *files)
    tab.see("No run would come of these files.")
    assert "run.yaml: run.yaml, line 1: epochs is not a key" in tab.text()


def test_what_is_another_than_what_lies_there_is_shown(tab: Tab, model: str) -> None:
    lines = dataset(12, model).splitlines(keepends=True)
    tab.stack.drop(model, run_yaml=MANUAL, training_set=b"".join(lines))
    changed = lines[0].replace(model.encode(), b"Other")
    check(tab, model, file("train.jsonl", b"".join([changed, *lines[1:]])))
    tab.see("1 answered otherwise").click()
    assert "Other, 0 be a number." in tab.text()
    assert f"{model}, 0 be a number." in tab.text()
    tab.see("lies there already")


def test_what_lies_there_can_be_left_out_and_goes_when_that_is_confirmed(
    tab: Tab, model: str
) -> None:
    tab.stack.drop(model, validation_set=dataset(2, "Old"))
    check(tab, model, file("train.jsonl", dataset(12, model)), file("run.yaml", MANUAL))
    tab.see("lies there already")
    tab.page.get_by_label("Only these files").check()
    tab.see("removed when you drop")
    tab.page.get_by_role("button", name="Drop and train").click()
    tab.press("Cancel", within="dialog")
    assert lies_there(tab, model) == [f"{model}/validation_set.jsonl"]
    tab.page.get_by_role("button", name="Drop and train").click()
    tab.confirm("Remove and drop")
    tab.see("2 files for")
    assert lies_there(tab, model) == [f"{model}/run.yaml", f"{model}/train.jsonl"]


def test_a_drop_is_of_the_check_that_is_shown(tab: Tab, model: str) -> None:
    tab.stack.drop(model, run_yaml=MANUAL)
    check(tab, model, file("train.jsonl", dataset(12, model)))
    box = tab.page.get_by_label("Only these files")
    expect(box).not_to_be_checked()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    tab.page.route("**/check", lose)
    box.click()
    tab.see("The app does not answer.")
    tab.page.unroute("**/check")
    expect(box).not_to_be_checked()
    tab.page.get_by_role("button", name="Drop and train").click()
    tab.see("they were checked again meanwhile")
    assert lies_there(tab, model) == [f"{model}/run.yaml"]
    tab.press("Check")
    tab.page.get_by_role("button", name="Drop and train").click()
    tab.see("1 file for")
    assert lies_there(tab, model) == [f"{model}/run.yaml", f"{model}/train.jsonl"]


def test_a_file_may_be_called_anything(tab: Tab, model: str) -> None:
    tab.open("drop")
    choose(tab, model, file(f"{HOSTILE}.jsonl", dataset(40, model)))
    role = tab.page.locator("select")
    expect(role).to_have_value("whole")
    assert "\\u202e" in tab.text()
    tab.press("Check")
    tab.see("These files can be trained on.")
    assert "dataset.jsonl" in tab.text()
    role.select_option("training")
    expect(tab.page.get_by_text("These files can be trained on.")).to_have_count(0)
    tab.press("Check")
    tab.see("none held out")


DRAG = """(zone, [name, content]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([content], name));
  transfer.items.add(new File(["x"], ".DS_Store"));
  for (const kind of ["dragover", "drop"]) {
    const told = { dataTransfer: transfer, bubbles: true, cancelable: true };
    zone.dispatchEvent(new DragEvent(kind, told));
  }
}"""


def test_dragged_files_are_still_chosen_where_the_connection_is_lost(tab: Tab, model: str) -> None:
    tab.open("drop").see("Drag files")
    tab.page.locator(".zone").evaluate(DRAG, ["train.jsonl", dataset(12, model).decode()])
    tab.page.get_by_label("For which model?").fill(model)
    expect(tab.page.locator("select")).to_have_count(1)
    tab.page.route("**/staged/**", lambda route: route.abort())
    tab.press("Check")
    tab.see("The connection was lost while train.jsonl was sent")
    tab.page.unroute("**/staged/**")
    tab.press("Check")
    tab.see("These files can be trained on.")
    expect(tab.page.get_by_text("The connection was lost")).to_have_count(0)


def test_files_that_are_no_drop_are_told_before_they_are_sent(tab: Tab, model: str) -> None:
    tab.open("drop")
    choose(tab, model, file("run.yaml", MANUAL))
    tab.see("Which file is the training set?")
    button = tab.page.get_by_role("button", name="Check", exact=True)
    expect(button).to_be_disabled()
    choose(tab, "No Model", file("train.jsonl.txt", dataset(12, model)))
    tab.see("A model is called by")
    expect(button).to_be_disabled()
    choose(tab, model)
    expect(button).to_be_enabled()
    assert not [asked for asked in tab.asked if asked.startswith("PUT")]


async def rated(model: str, asked: str, correction: str) -> dict[str, bytes]:
    """What is remembered where somebody has corrected an answer, by the blobs' names."""
    there = MemoryContainer("feedback")
    store = FeedbackStore(there, {model: 1.0})
    chat = {"model": model, "messages": [{"role": "user", "content": asked}]}
    message = {"role": "assistant", "content": "No."}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    id = f"chatcmpl-{model}"
    answer = json.dumps({"id": id, "choices": [choice]}).encode()
    await store.record(f"{model}@1", parse_chat(json.dumps(chat).encode()), answer)
    line = json.dumps({"id": id, "rating": "bad", "correction": correction})
    await store.rate(parse_rating(line.encode()), model, "web")
    names = [blob.name async for blob in there.list()]
    found = [await there.read(name) for name in names]
    return {name: one.data for name, one in zip(names, found, strict=True) if one}


def remember(tab: Tab, model: str, asked: str, correction: str) -> None:
    with ThreadPoolExecutor(1) as thread:  # Playwright has an event loop in this one
        blobs = thread.submit(lambda: asyncio.run(rated(model, asked, correction))).result()
    for name, content in blobs.items():
        tab.stack.container("feedback").upload_blob(name, content)


def test_rated_answers_become_the_next_dataset(tab: Tab, model: str) -> None:
    tab.stack.drop(model, run_yaml=MANUAL, training_set=dataset(12, model))
    remember(tab, model, "What is 1?", "One it is.")
    tab.open(f"data/{model}").see("1 rated answer can be an example")
    tab.press("Merge into what lies there")
    tab.see("0 answers taken: 12 examples now.")
    tab.see("1 in conflict")
    assert "One it is." in tab.text()
    tab.page.get_by_label("the new answer takes its place").check()
    tab.press("Merge into what lies there")
    tab.see("1 answer taken, 1 of them in the place of an old one")
    tab.page.get_by_role("link", name="Check it, and drop it").click()
    tab.press("Check")
    tab.see("1 answered otherwise")
    tab.page.get_by_role("button", name="Drop and train").click()
    tab.see(f"1 file for {model}")
    content = tab.stack.container("datasets").download_blob(f"{model}/training_set.jsonl")
    assert b"One it is." in content.readall()


def check_for_everybody(tab: Tab) -> None:
    """In light and dark, on a phone."""
    for mode in ("light", "dark"):
        tab.page.emulate_media(color_scheme=mode)
        assert tab.violations() == []
    assert not tab.is_wider_than_its_screen()


def test_the_pages_can_be_used_by_everybody(tabs: Opened, model: str) -> None:
    tab = tabs(PHONE)
    check(tab, model, file("train.jsonl", dataset(12, model) + b"nonsense\n"))
    tab.see("The check rejects these files")
    check_for_everybody(tab)
    tab.stack.drop(model, run_yaml=b"epochs: 3\n", training_set=dataset(12, model))
    tab.open(f"data/{model}").see("What lies there")
    check_for_everybody(tab)
