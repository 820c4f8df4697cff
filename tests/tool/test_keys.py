"""`tunedrop keys`: list, create, limit and revoke, against the app's own routes."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.over_http import HOST_KEY, Served, served


@pytest.fixture
async def app(machine: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with served(monkeypatch) as app:
        yield app


async def test_a_key_is_printed_alone_so_that_a_script_can_keep_it(app: Served) -> None:
    made = await app.with_key("operator", "keys", "create", "web", "--role", "reader")
    assert made.exit_code == 0, made.output
    (key,) = made.stdout.splitlines()
    assert key.startswith("td-")
    assert "This is the key of web, role reader; nobody can show it again." in made.stderr
    assert (await app.with_key(key, "runs")).exit_code == 0
    listed = (await app.with_key("operator", "keys")).output
    assert key not in listed
    again = await app.with_key("operator", "keys", "create", "web")
    assert again.exit_code == 2
    assert "web" in again.stderr


async def test_keys_are_listed_with_their_limits_and_what_they_used(app: Served) -> None:
    await app.with_key(
        "operator", "keys", "create", "web", "--model", "captain", "--model", "base",
        "--requests", "60", "--tokens", "90000",
    )  # fmt: skip
    for words in ((), ("list",)):
        shown = (await app.with_key("operator", "keys", *words)).output
        rows = [line.split("  ") for line in shown.splitlines()]
        cells = {row[0]: [cell.strip() for cell in row if cell.strip()] for row in rows}
        assert cells["web"][1:] == [
            "chat", "base, captain", "60 requests, 90,000 tokens", "never", "0", "0",
        ]  # fmt: skip
        assert cells["operators (TUNEDROP_APP_KEYS)"][1:4] == ["operator", "all", "no limit"]
    told = json.loads((await app.with_key("operator", "keys", "--json")).stdout)
    assert {key["name"] for key in told["keys"]} == {"chats", "readers", "operators", "web"}


async def test_a_name_that_no_model_has_is_told(app: Served) -> None:
    made = await app.with_key("operator", "keys", "create", "web", "--model", "captian")
    assert made.stdout.startswith("td-")
    assert "Nothing answers as captian now: is that the name?" in made.stderr
    better = await app.with_key("operator", "keys", "limit", "web", "--model", "captain")
    assert "Nothing answers" not in better.stderr


async def test_limits_are_changed_one_by_one(app: Served) -> None:
    await app.with_key("operator", "keys", "create", "web", "--requests", "60", "--model", "base")
    changed = await app.with_key("operator", "keys", "limit", "web", "--tokens", "500")
    assert "60 requests, 500 tokens" in changed.output
    none = await app.with_key(
        "operator", "keys", "limit", "web", "--requests", "none", "--all-models", "--json"
    )
    told = json.loads(none.stdout)
    assert (told["requests_per_minute"], told["tokens_per_minute"], told["models"]) == (
        None, 500, None,
    )  # fmt: skip


async def test_a_revoked_key_is_refused_and_nobody_revokes_by_a_slip(app: Served) -> None:
    key = (await app.with_key("operator", "keys", "create", "web", "--role", "reader")).stdout
    for typed in ("n\n", ""):
        kept = await app.with_key("operator", "keys", "revoke", "web", typed=typed)
        assert kept.exit_code in (1, 2)
        assert (await app.with_key(key.strip(), "runs")).exit_code == 0
    gone = await app.with_key("operator", "keys", "revoke", "web", "--why", "leaked", typed="y\n")
    assert "web is revoked" in gone.output
    await app.relay.keys.read()
    for words in (("runs",), ("chat", "captain", "Hi")):
        refused = await app.with_key(key.strip(), *words)
        assert refused.exit_code == 3
        assert "The key 'web' was revoked on 20" in refused.stderr, words
        assert "Ask an operator of the app for another one." in refused.stderr
    assert "web (revoked by operators" in (await app.with_key("operator", "keys")).output
    of_setting = await app.with_key("operator", "keys", "revoke", "chats", "--yes")
    assert "TUNEDROP_APP_KEYS" in of_setting.output


@pytest.mark.parametrize("key", ["chat", "reader"])
async def test_keys_are_for_operators(app: Served, key: str) -> None:
    done = await app.with_key(key, "keys")
    assert done.exit_code == 3
    assert "it needs the role operator" in done.output


async def test_a_key_of_the_host_manages_keys_as_well(app: Served) -> None:
    """The first key of an app that has none."""
    made = await app.with_key(HOST_KEY, "keys", "create", "first", "--role", "operator")
    assert made.exit_code == 0, made.output
    assert (await app.with_key(made.stdout.strip(), "keys")).exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("limit", "web"), "which limit?"),
        (("limit", "web", "--requests", "many"), "'many' is no number a minute."),
        (("limit", "web", "--requests", "-1"), "is no number a minute."),
        (("limit", "web", "--tokens", "0"), "from 1 to 1,000,000,000, or none."),
        (("create", "web", "--requests", "1000000000000"), "from 1 to 1,000,000,000, or none."),
        (("create", "a\x1b[2J"), r"'a\u001b[2J' is no name of a key."),
        (("limit", "web", "--requests", "\x1b"), r"'\u001b' is no number a minute."),
        (("limit", "web", "--model", "a", "--all-models"), "exclude each other"),
        (("create", "web", "--role", "king"), "king"),
        (("revoke", "nobody", "--yes"), "nobody"),
        (("revoke", "../runs", "--yes"), "is no name"),
    ],
)
async def test_what_is_no_order_is_told(app: Served, words: tuple[str, ...], says: str) -> None:
    done = await app.with_key("operator", "keys", *words)
    assert (done.exit_code, says in done.output) == (2, True), done.output


async def test_an_option_before_the_order_is_not_passed_over(app: Served) -> None:
    """The key would be made for whatever app is meant without it."""
    done = await app.tool("keys", "--app", app.url, "create", "web")
    assert done.exit_code == 2
    assert "--app is an option of create. Put it behind: tunedrop keys create" in done.output
    assert app.asked == []
