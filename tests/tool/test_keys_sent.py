"""What a key may be and where it goes: to no address in the clear, whoever has named that, and into
no message."""

from pathlib import Path

import pytest

from tests.support.over_http import HOST_KEY, served
from tests.tool.conftest import MemoryKeyring
from tunedrop.connection import connection
from tunedrop.errors import CommandError
from tunedrop.profiles import Profile, Profiles


@pytest.mark.parametrize("named", ["--app", "TUNEDROP_APP"])
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://192.0.2.2:18999", "is not encrypted"),
        ("http://app.azurewebsites.net/api/console", "is not encrypted"),
        ("http://[bad", "is no web address"),
        ("javascript:alert(1)", "is no web address"),
    ],
)
def test_a_key_goes_to_no_address_in_the_clear(
    machine: Path, monkeypatch: pytest.MonkeyPatch, url: str, says: str, named: str
) -> None:
    """`login` looked at its address; the options and variables of all other commands did not."""
    if named == "TUNEDROP_APP":
        monkeypatch.setenv("TUNEDROP_APP", url)
    with pytest.raises(CommandError, match=says):
        connection(url, "key")


async def test_a_line_end_around_a_key_is_none_of_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret of a CI that came out of a file of Windows."""
    async with served(monkeypatch) as app:
        monkeypatch.setenv("TUNEDROP_APP", app.url)
        monkeypatch.setenv("TUNEDROP_KEY", "operator\r\n")
        assert (await app.tool("runs")).exit_code == 0
        assert (await app.tool("runs", "--key", " operator\n")).exit_code == 0


@pytest.mark.parametrize("key", ["td-SECRET\r\nx: y", "td-SECRET\u200b", "td-SECRET two", "ü"])
async def test_what_is_no_key_is_told_without_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    async with served(monkeypatch) as app:
        for done in (
            await app.tool("runs", "--app", app.url, "--key", key),
            await app.tool("doctor", "--local", "--key", key),
        ):
            assert (done.exit_code, "that is no key" in done.output) == (2, True)
            assert "SECRET" not in done.output
        assert app.asked == []


def test_a_key_of_the_environment_with_a_line_end_goes_to_no_profiles_app(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Profiles.load()
    known.entered(Profile("far", "https://far.net")).save()
    known.keys.keep("far", "key-of-far")
    monkeypatch.setenv("TUNEDROP_KEY", "key-of-env\r")
    assert connection("", "key-of-env\r").key == "key-of-far"


async def test_a_wrong_key_of_the_environment_is_named_for_a_login_would_not_help(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        monkeypatch.setenv("TUNEDROP_APP", app.url)
        monkeypatch.setenv("TUNEDROP_KEY", "td-wrong")
        done = await app.tool("runs")
        assert "does not take the key in TUNEDROP_KEY" in done.output
        assert "login`" not in done.output
        done = await app.tool("login", app.url, typed="operator\n")
        assert "Here they send the key in TUNEDROP_KEY: unset it, or add --profile" in done.output
        monkeypatch.delenv("TUNEDROP_KEY")
        assert "Here they" not in (await app.tool("login", app.url, typed="operator\n")).output


async def test_a_login_that_fails_advises_neither_itself_nor_what_it_has_not(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        done = await app.tool("login", app.url, typed="td-wrong\n")
        assert done.exit_code == 3
        assert "does not take this key. Give one of the app" in done.output
        assert "--key" not in done.output
        assert (await app.tool("login", app.url, typed=f"{HOST_KEY}\n")).exit_code == 0
