"""Defences of docs/security.md that no other test shows."""

import logging
import re
import socket
import urllib.error
import urllib.request
from dataclasses import fields
from typing import Any

import pytest

from shared import console
from shared.errors import DropError, NotFound
from shared.run import spec
from shared.settings import REQUIRED, Settings
from tests.chat import upstream as up
from tests.chat.conftest import ChatHarness, harness  # noqa: F401 - a fixture
from tests.dataset.builders import judged
from tests.infra.conftest import functions
from tests.support.stack import StackHarness

# What needs no key of the Functions host: chat asks for a key of its own, the page is static, and
# health tells no more than that there is a page. Other paths lead to chat, or nowhere.
OPEN = {
    "chat", "chat_with_deployment", "chat_models", "chat_model", "feedback", "other_paths",
    "console", "console_file", "openapi", "health", "managed",
    "responses", "completions", "embeddings",
}  # fmt: skip


def test_orders_reports_and_models_need_a_key_of_the_host() -> None:
    from function_app import app

    routes = {n: t for n, t in functions().items() if t.get_binding_name() == "httpTrigger"}
    levels = {name: (t.auth_level or app.auth_level).name for name, t in routes.items()}
    assert {name for name, level in levels.items() if level == "ANONYMOUS"} == OPEN
    assert {level for name, level in levels.items() if name not in OPEN} == {"FUNCTION"}


def status(url: str, method: str) -> int:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, method=method), timeout=30
        ) as open_:
            return int(open_.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.contract("keys-of-functions", "keys-of-admin", "keys-of-webhooks")
def test_without_a_key_of_the_host_nothing_is_seen_or_commanded(stack: StackHarness) -> None:
    """The stack of the tests asks for keys, as Azure does."""
    app = stack.addresses.app_url
    closed = [
        (method.value, f"{app}/api/{re.sub('{.*?}', 'x', trigger.route)}")
        for name, trigger in functions().items()
        if trigger.get_binding_name() == "httpTrigger" and name not in OPEN
        for method in trigger.methods
    ]
    closed += [("GET", f"{app}/admin/functions"), ("POST", f"{app}/runtime/webhooks/blobs")]
    assert len(closed) > 8
    for method, url in closed:
        assert status(url, method) == status(f"{url}?code=wrong", method) == 401, url


@pytest.mark.parametrize("name", ["../function_app.py", "/etc/passwd", "..\\host.json", ".", ""])
def test_the_page_gives_out_its_own_files_only(name: str) -> None:
    assert console.file(name).status_code == 404


def settings() -> Settings:
    required = (f.metadata for f in fields(Settings) if f.metadata["default"] is REQUIRED)
    return Settings.load({about["name"]: "https://x.openai.azure.com" for about in required})


ALIASES = "a: &a [x, x]\nb: &b [*a, *a]\nbase_model: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ALIASES, "aliases"),
        ("base_model: " + "[" * 20_000, "a list"),
        ("# " + "x" * 100_000, "bytes"),
        ("!!python/object/apply:os.system ['true']", "the tag"),
    ],
    ids=["aliases", "depth", "size", "objects"],
)
def test_a_run_yaml_cannot_grow_or_act(text: str, says: str) -> None:
    with pytest.raises(DropError) as refused:
        spec.effective(text.encode(), settings())
    assert says in str(refused.value)
    assert len(str(refused.value)) < 1000


def test_addresses_in_a_dataset_are_never_called() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/cat.png"
        image = f'{{"type": "image_url", "image_url": {{"url": "{address}"}}}}'
        asked = f'{{"role": "user", "content": [{image}]}}'
        line = f'{{"messages": [{asked}, {{"role": "assistant", "content": "{address}"}}]}}\n'
        judged(line.encode() * 12)
        with pytest.raises(TimeoutError):
            server.accept()


async def test_neither_keys_nor_what_is_said_reach_the_log(
    harness: ChatHarness,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)  # what host.json keeps
    said: list[Any] = [{"role": "user", "content": "a-very-private-question"}]
    harness.upstream.plan("captain-v2", *[up.error(500)] * 3)
    answers = [
        await harness.ask(messages=said),
        await harness.http.post("/v1/chat/completions", headers={"api-key": "not-a-known-key"}),
        await harness.http.post("/v1/chat/completions", content=b'{"messages": "a-very-private'),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 400]
    assert answers[0].headers["x-tunedrop-fallback-for"] == "captain@2"
    for secret in ("a-very-private", "not-a-known-key", "the-resource-key"):
        assert secret not in caplog.text


async def test_models_whose_names_begin_alike_do_not_mix(harness: ChatHarness) -> None:  # noqa: F811
    store = harness.relay.feedback
    answer = await harness.ask()
    assert answer.status_code == 200
    await harness.idle()
    rating = {"id": answer.json()["id"], "rating": "good"}
    assert (await harness.http.post("/feedback", json=rating)).status_code < 300
    assert len([page async for page in store.export("captain")]) == 1
    for name in ("cap", "captain2", "captain-2", ""):
        assert [page async for page in store.export(name)] == []
    with pytest.raises(NotFound):
        await anext(store.export(".."))


@pytest.mark.parametrize("name", ["../feedback/x", "..", "captain/../captain", "wake/captain"])
async def test_a_models_name_is_never_a_path(harness: ChatHarness, name: str) -> None:  # noqa: F811
    answer = await harness.ask(name)
    assert answer.status_code == 404
    assert not harness.upstream.calls
