"""Objects held against the SDKs' types, and what is read of answers, whatever they hold."""

from typing import Any

import pytest

from tunedrop.probe.reading import (
    FILE_RANKS,
    JOB_RANKS,
    form_of,
    keys_of,
    newest_first,
    order,
    paged,
    when,
)
from tunedrop.probe.shapes import of_microsoft, of_openai
from tunedrop.probe.wire import Reply

FILE: dict[str, Any] = {
    "id": "file-1", "object": "file", "bytes": 3, "created_at": 1, "filename": "x",
    "purpose": "fine-tune", "status": "processed",
}  # fmt: skip
DEPLOYMENT = {"id": "d", "sku": {"name": "Standard", "capacity": 1}, "properties": {"model": {}}}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"status": "pending"}, ["status: other value"]),
        ({"created_at": "soon"}, ["created_at: other type"]),
        ({"bytes": None}, ["bytes: null"]),
        ({"colour": "red"}, ["colour: added"]),
    ],
)
def test_a_file_is_held_against_openais_type(change: dict[str, Any], found: list[str]) -> None:
    assert of_openai("FileObject", {**FILE, **change}) == found


def test_a_key_that_is_missing_and_a_body_that_is_no_object_are_found() -> None:
    without = {key: value for key, value in FILE.items() if key != "filename"}
    assert of_openai("FileObject", without) == ["filename: absent"]
    assert of_openai("FileObject", []) != []


def test_keys_within_lists_are_found_once_and_without_their_place() -> None:
    choice = {"index": 0, "finish_reason": "stop", "mood": "good"}
    choice["message"] = {"role": "assistant", "content": "x", "refusal": None}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    assert of_openai("ChatCompletion", {**body, "choices": [choice, choice]}) == [
        "choices.*.mood: added"
    ]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"sku": {"capacity": 1}}, ["sku.name: absent"]),
        ({"sku": {"name": "S", "capacity": "1"}}, ["sku.capacity: other type"]),
        ({"sku": {"name": "S", "capacity": True}}, ["sku.capacity: other type"]),
        ({"tags": ["a"]}, ["tags: other type"]),
        ({"properties": {"colour": 1}}, ["properties.colour: added"]),
        ({"properties": "none"}, ["properties.: other type"]),
    ],
)
def test_a_deployment_is_held_against_microsofts_model(
    change: dict[str, Any], found: list[str]
) -> None:
    assert of_microsoft("Deployment", {**DEPLOYMENT, **change}) == found


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (["pending", "running", "succeeded"], "in order"),
        (["pending", "failed"], "in order"),
        (["running", "pausing", "paused", "resuming", "running"], "in order"),
        (["running", "pending"], "running pending"),
        (["succeeded", "running"], "succeeded running"),
        (["pending", "thinking"], "pending thinking"),
    ],
)
def test_the_order_of_a_jobs_states(seen: list[str], told: str) -> None:
    assert order(seen, JOB_RANKS) == told


def test_a_file_does_not_wait_again() -> None:
    assert order(["running", "pending", "processed"], FILE_RANKS) != "in order"


def test_times_in_seconds_and_in_others() -> None:
    told = [when(moment, 1.8e9) for moment in (1.8e9 + 60, 1.7e9, 1.8e12, "now", None, True)]
    none = "no number"
    assert told == ["now", "another time", "not in seconds", none, none, none]


def test_forms_of_ids_show_no_id() -> None:
    told = [form_of(one) for one in ("file-0a1b", "ftckpt_aZ9", "123", None)]
    other = "another form"
    assert told == ["file- and 4 hex", "ftckpt_ and 3 letters", other, other]


def test_orders_of_times() -> None:
    told = [newest_first(one) for one in ([3, 2, 2], [1, 2], [1, 3, 2], [1, 1], [], [None, "x"])]
    assert told == ["newest first", "oldest first", "mixed", "equal", "equal", "equal"]


def page(*ids: str, more: object = True, status: int = 200) -> Reply:
    listed = {"data": [{"id": one} for one in ids], "has_more": more}
    reply = Reply(status, {}, b"")
    reply.__dict__["body"] = listed
    return reply


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (page("a"), page("b", "c"), "goes on"),
        (page("a", "b"), page("c"), "2 items"),
        (page("a", more=False), page("b"), "no has_more"),
        (page("a"), page("a"), "does not go on"),
        (page("a"), page(), "does not go on"),
        (page(status=500), page(), "500 -"),
    ],
)
def test_pages(first: Reply, second: Reply, told: str) -> None:
    assert paged(first, second, 1) == told


def test_keys_of_what_is_no_object() -> None:
    assert (keys_of({"b": 1, "a": 2}), keys_of([1]), keys_of(None)) == (
        "a,b",
        "no object",
        "no object",
    )
