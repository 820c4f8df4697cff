"""The playground: who is asked with what, answers side by side as they come, and what is made of
them."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Request, expect

from shared.printable import printable
from tests.support.console import PHONE, Opened, Tab
from tests.support.datasets import dataset
from tests.support.stack import StackHarness

MODEL, BASE = "talker", "gpt-4.1-nano"
STRANGE = "<img src=x onerror=alert(1)> 'quoted' \"twice\" ${x} `y` \\n \U0001f680"


@pytest.fixture(scope="module")
def talker(stack: StackHarness) -> Iterator[str]:
    """A model that serves."""
    stack.drop(MODEL, training_set=dataset(10, MODEL), run_yaml=b"hyperparameters: {n_epochs: 1}")
    assert stack.ended_run(MODEL)["stage"] == "serving"
    yield MODEL
    stack.clear_deployments(f"{MODEL}-")


class Asked:
    """The bodies that a tab has sent to the chat, and a way to send one more."""

    def __init__(self, tab: Tab) -> None:
        self.tab, self.bodies = tab, list[dict[str, Any]]()
        tab.page.on("request", self._sent)

    def _sent(self, request: Request) -> None:
        if request.url.endswith("/chat/completions"):
            self.bodies.append(json.loads(request.post_data or "{}"))

    def ask(self, words: str) -> list[dict[str, Any]]:
        """What was sent, once all have answered."""
        before = len(self.bodies)
        self.tab.page.get_by_label("Your message").fill(words)
        self.tab.press("Send")
        self.tab.page.get_by_role("button", name="Send").wait_for()
        return self.bodies[before:]


def answers(tab: Tab) -> Locator:
    return tab.page.locator(".answer")


def open_it(tab: Tab, query: str = "") -> Asked:
    tab.open(f"playground{query}")
    tab.page.get_by_label("Max tokens").fill("4")
    return Asked(tab)


def test_models_answer_side_by_side_and_each_goes_on_from_its_own_words(
    talker: str, tab: Tab
) -> None:
    chat = open_it(tab, f"?model={talker}&model={BASE}&model={talker}@1")
    tab.page.get_by_label("System message").fill(STRANGE)
    first = chat.ask("Hi")
    assert sorted(body["model"] for body in first) == sorted([talker, BASE, f"{talker}@1"])
    expect(answers(tab)).to_have_count(3)
    for answer in answers(tab).all():
        expect(answer).to_contain_text(
            re.compile(r"first word .* s · in all .* s · \d+ tokens in, 4 out")
        )
        expect(answer).to_have_attribute("aria-busy", "false")
    expect(answers(tab).first).to_contain_text(f"by {talker}@1")
    shown = {name: text_of(tab, name) for name in (talker, BASE)}
    second = {body["model"]: body["messages"] for body in chat.ask("And now?")}
    for name, words in shown.items():
        said = second[name][2]["content"]
        assert words == re.sub(r"[^\n\t]+", lambda part: printable(part[0]), said)
        assert second[name] == [
            {"role": "system", "content": STRANGE},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": said},
            {"role": "user", "content": "And now?"},
        ]
    tab.press("Take this turn back")
    expect(tab.page.get_by_label("Your message")).to_have_value("And now?")
    expect(answers(tab)).to_have_count(3)
    tab.page.get_by_role("link", name="Runs").click()
    expect(tab.page.locator("h1")).to_have_text("Runs")
    tab.page.go_back()
    expect(answers(tab)).to_have_count(3)  # a look at another page ends nothing
    tab.page.get_by_label("Your message").fill("Half a ques")
    tab.press("Take this turn back")
    expect(tab.page.get_by_label("Your message")).to_have_value("Half a ques")


def text_of(tab: Tab, model: str) -> str:
    section = tab.page.get_by_role("region", name=f"Answer of {model}", exact=True)
    return section.locator(".said").text_content() or ""


def test_examples_and_parameters_are_sent_as_they_stand(tab: Tab) -> None:
    chat = open_it(tab, f"?model={BASE}")
    for number in (1, 2, 3):
        tab.press("Add an example")
        pair = tab.page.get_by_role("group", name=f"Example {number}")
        pair.get_by_label("Question").fill(f"Q{number}")
        pair.get_by_label("Answer").fill(f"A{number}" if number < 3 else "")
    tab.press("Move example 2 up")
    tab.see("An example without its question or its answer is not sent.")
    tab.page.get_by_label("Temperature").fill("0.2")
    tab.page.get_by_label("Top p").fill("0.9")
    tab.page.get_by_label("Stop, one a line").fill("END\nSTOP")
    tab.page.get_by_label("Answer in JSON").check()
    tab.see("For JSON the service wants the word JSON")
    (body,) = chat.ask("Write JSON")
    assert body == {
        "model": BASE,
        "messages": [
            {"role": "user", "content": "Q2"},
            {"role": "assistant", "content": "A2"},
            {"role": "user", "content": "Q1"},
            {"role": "assistant", "content": "A1"},
            {"role": "user", "content": "Write JSON"},
        ],
        "temperature": 0.2,
        "top_p": 0.9,
        "max_completion_tokens": 4,
        "stop": ["END", "STOP"],
        "response_format": {"type": "json_object"},
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    tab.press("Remove example 1")
    expect(tab.page.get_by_role("group", name="Example 1").get_by_label("Question")).to_have_value(
        "Q1"
    )


def test_keys_send_once_and_a_button_stops(tab: Tab) -> None:
    chat = open_it(tab, f"?model={BASE}")
    tab.page.get_by_label("Max tokens").fill("2000")
    field = tab.page.get_by_label("Your message")
    field.fill("Go on and on")
    composing = "{key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true}"
    field.evaluate(f"one => one.dispatchEvent(new KeyboardEvent('keydown', {composing}))")
    field.press("Enter")
    assert not chat.bodies
    field.press("Control+Enter")
    field.press("Control+Enter")
    expect(answers(tab)).to_contain_text("first word")
    assert len(chat.bodies) == 1
    tab.press("Stop")
    expect(answers(tab)).to_contain_text("stopped")
    expect(tab.page.get_by_role("button", name="Send")).to_be_disabled()  # nothing to send yet


def test_what_is_refused_or_breaks_off_is_told_beside_the_others(talker: str, tab: Tab) -> None:
    chat = open_it(tab, f"?model={talker}&model={BASE}")
    tab.stack.emulator("faults", {"fault": "stream-cut", "operation": "chat.*", "after_chunks": 3})
    chat.ask("Hi")
    broken = answers(tab).get_by_role("alert")
    expect(broken).to_have_count(1)
    expect(broken).to_have_text(
        "Azure OpenAI broke off: its answer ended before it was whole. Try again."
    )
    tab.press("New conversation")
    tab.page.get_by_label("Temperature").fill("7")
    chat.ask("Hi")
    expect(answers(tab).get_by_role("alert").first).to_contain_text("temperature")


def test_ratings_and_corrections_become_data_or_say_why_not(talker: str, tab: Tab) -> None:
    chat = open_it(tab, f"?model={talker}&model={BASE}")
    chat.ask("What is a mast?")
    mine, base = answers(tab).first, answers(tab).last
    base.get_by_role("button", name="Good").click()
    expect(base).to_contain_text("Not remembered, so it cannot be rated")
    with tab.page.expect_request("**/feedback") as rated:
        mine.get_by_role("button", name="Good").click()
    expect(mine).to_contain_text("Not remembered")
    remember(tab.stack, (rated.value.post_data_json or {})["id"])
    for label, says in (("Good", "Kept as a good answer"), ("Bad", "Kept as a bad answer")):
        mine.get_by_role("button", name=label).click()
        expect(mine).to_contain_text(says)
        expect(mine.get_by_role("button", name=label)).to_have_attribute("aria-pressed", "true")
    mine.get_by_role("button", name="Correct …").click()
    mine.get_by_label("What it should have said").fill(STRANGE)
    mine.get_by_role("button", name="Save the correction").click()
    expect(mine).to_contain_text("The correction is kept")
    feedback = tab.stack.container("feedback")
    kept = [
        json.loads(line)
        for blob in feedback.list_blobs(name_starts_with=f"ratings/{MODEL}/")
        for line in feedback.download_blob(blob.name).readall().splitlines()
    ]
    assert [(one["rating"], one.get("correction")) for one in kept] == [
        ("good", None),
        ("bad", None),
        ("bad", STRANGE),
    ]
    assert kept[0]["by"] == "laptop"
    mine.get_by_role("link", name=f"The data of {MODEL}").click()
    expect(tab.page.locator("h1")).to_contain_text(MODEL)


def remember(stack: StackHarness, answer: str) -> None:
    """As if the model were one that remembers."""
    place = f"{MODEL}/2026-11-28/06".encode()
    stack.container("feedback").upload_blob(f"answers/{answer}", place, overwrite=True)


def test_a_set_up_is_kept_in_the_browser(tab: Tab) -> None:
    open_it(tab, f"?model={BASE}")
    tab.page.get_by_label("System message").fill(STRANGE)
    tab.press("Add an example")
    tab.page.get_by_label("Question").fill("Q")
    tab.page.get_by_text("Set-ups in this browser").click()
    tab.page.get_by_label("Save as").fill(STRANGE)
    tab.press("Save")
    tab.page.reload()
    expect(tab.page.get_by_label("System message")).to_have_value("")
    tab.page.get_by_label("Load").select_option(STRANGE)
    expect(tab.page.get_by_label("System message")).to_have_value(STRANGE)
    expect(tab.page.get_by_label("Question")).to_have_value("Q")
    expect(tab.page.get_by_label("Max tokens")).to_have_value("4")
    tab.press("Forget")
    expect(tab.page.get_by_label("Load")).to_have_count(0)


def test_it_can_be_copied_as_code_that_works_and_holds_no_key(tab: Tab) -> None:
    chat = open_it(tab, f"?model={BASE}")
    tab.page.get_by_label("System message").fill(STRANGE)
    tab.page.get_by_text("As code").click()
    (sent,) = chat.ask("Ahoy 'there'")
    sent = {key: value for key, value in sent.items() if not key.startswith("stream")}
    code = {name: snippet(tab, name) for name in ("curl", "Python", "JavaScript")}
    for text in code.values():
        assert tab.stack.addresses.app_key not in text
        assert "YOUR_KEY" in text
    words = shlex.split(code["curl"].replace("\\\n", " "))
    assert words[1] == f"{tab.stack.addresses.app_url}/api/v1/chat/completions"
    assert json.loads(words[-1]) == sent
    (call,) = [
        node
        for node in ast.walk(ast.parse(code["Python"]))
        if isinstance(node, ast.Call) and len(node.keywords) > 2
    ]
    assert {one.arg: ast.literal_eval(one.value) for one in call.keywords} == sent
    body = code["JavaScript"].split("completions.create(")[1].split(");\nconsole")[0]
    assert tab.page.evaluate(f"({body})") == sent
    exec(code["Python"].replace("YOUR_KEY", tab.stack.addresses.app_key), {})


def snippet(tab: Tab, language: str) -> str:
    tab.page.get_by_role("combobox", name="For", exact=True).select_option(language)
    return tab.page.locator("pre code").text_content() or ""


def test_a_key_of_the_host_cannot_chat_so_one_of_the_app_is_asked_for(tab: Tab) -> None:
    tab.open("playground", key=tab.stack.addresses.function_key)
    tab.see("With a key of the Functions host nobody may chat")
    tab.page.get_by_label("App key").fill("wrong")
    tab.press("Chat with it")
    expect(tab.page.get_by_role("alert")).to_be_visible()
    tab.page.get_by_label("App key").fill(tab.stack.addresses.app_key)
    tab.press("Chat with it")
    tab.page.get_by_label("Max tokens").fill("4")
    Asked(tab).ask("Hi")
    expect(answers(tab).first).to_contain_text("first word")


def test_with_everything_open_it_can_be_read_by_everybody_on_a_phone(tabs: Opened) -> None:
    tab = tabs(size=PHONE, dark=True)
    chat = open_it(tab, f"?model={BASE}")
    tab.press("Add an example")
    tab.page.get_by_text("As code").click()
    tab.page.get_by_text("Set-ups in this browser").click()
    chat.ask("x" * 300)
    tab.press("Correct …")
    assert tab.violations() == []
    assert not tab.is_wider_than_its_screen()
