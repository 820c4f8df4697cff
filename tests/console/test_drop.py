"""A dataset is dropped with the mouse: chosen, checked, compared, and only then dropped."""

import uuid
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.console import PHONE, Opened, Tab
from tests.support.datasets import dataset

HOSTILE = "<img src=x onerror=alert(1)>\u202egnp"
MANUAL = b"start: manual\nhyperparameters: {n_epochs: 1}\n"
File = dict[str, Any]


def file(name: str, content: bytes) -> File:
    return {"name": name, "mimeType": "", "buffer": content}


@pytest.fixture
def model() -> str:
    return f"d{uuid.uuid4().hex[:8]}"


def choose(tab: Tab, model: str, *files: File) -> None:
    tab.page.locator("input[type=file]").set_input_files(list(files))
    tab.page.get_by_label("For which model?").fill(model)


def check(tab: Tab, model: str, *files: File) -> None:
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


@pytest.mark.parametrize("dark", [False, True])
def test_the_pages_can_be_used_by_everybody(tabs: Opened, model: str, dark: bool) -> None:
    tab = tabs(PHONE, dark)
    check(tab, model, file("train.jsonl", dataset(12, model) + b"nonsense\n"))
    tab.see("The check rejects these files")
    assert tab.violations() == []
    assert not tab.is_wider_than_its_screen()
    tab.stack.drop(model, run_yaml=b"epochs: 3\n", training_set=dataset(12, model))
    tab.open(f"data/{model}").see("What lies there")
    assert tab.violations() == []
    assert not tab.is_wider_than_its_screen()
