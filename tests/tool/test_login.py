"""`tunedrop login`, `logout`, `profiles` and `open`: which app commands ask, and with what."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.over_http import HOST_KEY, served
from tests.tool.conftest import MemoryKeyring
from tunedrop import connection
from tunedrop.app import App
from tunedrop.errors import CommandError
from tunedrop.profiles import Profile, Profiles, checked_address, name_for


def stack_here(folder: Path, url: str, **more: str) -> None:
    (folder / ".local").mkdir(exist_ok=True)
    known = {"app_url": url, "app_key": "operator", "storage": "of-the-laptop", **more}
    (folder / ".local/stack.json").write_text(json.dumps(known))


def everything_in(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("operator", "as operators, role operator: it may chat, see and command."),
        ("reader", "as readers, role reader: it may chat and see."),
        ("chat", "as chats, role chat: it may chat, and nothing else."),
        (HOST_KEY, "with a key of its Functions host: runs and models, but no chat."),
    ],
)
async def test_a_key_is_kept_with_what_it_may_do(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, key: str, says: str
) -> None:
    async with served(monkeypatch) as app:
        done = await app.tool("login", f"{app.url}/api/console#/runs", typed=f"{key}\n")
        assert done.exit_code == 0, done.output
        assert f"Signed in to {app.url} {says}" in done.output
        assert "the keyring of this system (in memory)" in done.output
        runs = await app.tool("runs")
        assert runs.exit_code == (3 if key == "chat" else 0), runs.output
    assert ring.held == {("tunedrop", "laptop"): key}
    assert HOST_KEY not in everything_in(machine / "config") + done.output


async def test_a_key_that_nobody_knows_is_not_kept(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        done = await app.tool("login", app.url, typed="td-guessed\n")
        assert done.exit_code == 3
        assert f"{app.url} does not take this key" in done.output
        assert "td-guessed" not in done.output
        for nothing in ("", "\n", "two words\n"):
            assert (await app.tool("login", app.url, typed=nothing)).exit_code == 2
    assert not ring.held
    assert not (machine / "config").exists()


async def test_without_a_keyring_a_private_file_keeps_the_key_and_that_is_told(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container, by SSH, or where the library is not installed; a login is not lost for
    it, and later commands need no word of where the key is."""
    file = machine / "config/tunedrop/keys.json"
    async with served(monkeypatch) as app:
        ring.broken = True
        done = await app.tool("login", app.url, typed="operator\n")
        assert f"{file}, which only you may read: no keyring of this system could" in done.output
        assert (await app.tool("runs")).exit_code == 0
        file.chmod(0o644)
        with monkeypatch.context() as without:
            without.setitem(sys.modules, "keyring", None)
            done = await app.tool("login", app.url, typed="reader\n")
            assert "`keyring` is not installed" in done.output
            assert (await app.tool("runs")).exit_code == 0
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
        ring.broken = False
        await app.tool("login", app.url, typed="operator\n")
    assert json.loads(file.read_text()) == {}, "an older key would be found first"
    assert ring.held == {("tunedrop", "laptop"): "operator"}


async def test_a_keyring_that_takes_everything_and_keeps_nothing_is_none(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "set_password", lambda *_: None)
    async with served(monkeypatch) as app:
        await app.tool("login", app.url, typed="operator\n")
        assert (await app.tool("runs")).exit_code == 0


async def test_a_keyring_that_is_locked_later_is_told_with_the_way_around(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        await app.tool("login", app.url, typed="operator\n")
        ring.broken = True
        locked = await app.tool("runs")
        assert locked.exit_code == 2
        assert "does not give the key of laptop (RuntimeError). Unlock it, or set TUNEDROP_KEY" in (
            locked.output
        )
        monkeypatch.setenv("TUNEDROP_APP", app.url)
        monkeypatch.setenv("TUNEDROP_KEY", "operator")
        assert (await app.tool("runs")).exit_code == 0


async def test_several_apps_are_told_apart_by_their_profiles(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        await app.tool("login", app.url, "--profile", "test", typed="operator\n")
        await app.tool("login", app.url, "--profile", "prod", typed="reader\n")
        listed = await app.tool("profiles")
        assert listed.output.splitlines() == [
            f"  test  {app.url}  key",
            f"* prod  {app.url}  key",
            f"asked here: {app.url}, by profile prod (the last login)",
        ]
        assert (await app.tool("cancel", "nobody-0")).exit_code == 3, "prod has a reader's key"
        assert "There is no run" in (await app.tool("cancel", "no", "--profile", "test")).output
        assert "There is no run" in (await app.tool("--profile", "test", "watch", "no")).output
        again = await app.tool("profiles", "--json", "--profile", "test")
        assert json.loads(again.output)["here"]["chosen_by"] == "profile test (--profile)"
        await app.tool("login", "--profile", "test")
        assert "* test" in (await app.tool("profiles")).output
        gone = await app.tool("logout")
        assert "test" in gone.output
        assert (
            "sign in to an app with `tunedrop login --profile prod`"
            in (await app.tool("runs")).output
        )
        assert ring.held == {("tunedrop", "prod"): "reader"}
        unknown = await app.tool("runs", "--profile", "test")
        assert "there is no profile 'test'; there is: prod." in unknown.output
        assert (unknown.exit_code, (await app.tool("logout")).exit_code) == (2, 2)


async def test_the_doctor_asks_the_app_of_a_profile(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It checked this machine, whose settings are none."""
    async with served(monkeypatch) as app:
        await app.tool("login", app.url, "--profile", "prod", typed="operator\n")
        app.asked.clear()
        await app.tool("doctor", "--profile", "prod", "--json")
        assert "GET manage/doctor" in app.asked
        app.asked.clear()
        local = await app.tool("doctor", "--local")
        assert (local.exit_code, "no stack runs in this folder" in local.output) == (2, True)
        assert app.asked == [], "the last login is not meant"


async def test_a_name_is_not_taken_from_another_app(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        await app.tool("login", app.url, "--profile", "mine", typed="operator\n")
        other = app.url.replace("127.0.0.1", "localhost")
        done = await app.tool("login", other, "--profile", "mine", typed="reader\n")
    assert done.exit_code == 2
    assert f"the profile mine is of another app, {app.url}" in done.output
    assert ring.held["tunedrop", "mine"] == "operator"


def test_what_is_written_out_goes_before_the_environment_and_what_is_near_before_what_is_far(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of the environment goes to the app that the environment names, and to no other."""
    known = Profiles.load()
    for name in ("far", "named", "variable"):
        known = known.entered(Profile(name, f"https://{name}.net", storage=f"https://{name}"))
        known.keys.keep(name, f"key-of-{name}")
    known.entered(known.named("far")).save()

    def asked(url: str = "", key: str = "") -> tuple[str, str]:
        found = connection.connection(url or os.environ.get("TUNEDROP_APP", ""), key)
        return found.url, found.key

    assert asked() == ("https://far.net", "key-of-far")
    assert asked(key="typed") == ("https://far.net", "typed")
    stack_here(Path.cwd(), "http://127.0.0.1:7071")
    assert asked() == ("http://127.0.0.1:7071", "operator")
    monkeypatch.setenv("TUNEDROP_PROFILE", "variable")
    assert asked() == ("https://variable.net", "key-of-variable")
    monkeypatch.setenv("TUNEDROP_APP", "https://env.net")
    monkeypatch.setenv("TUNEDROP_KEY", "key-of-env")
    assert asked(key="key-of-env") == ("https://env.net", "key-of-env")
    connection.choose_profile("named")
    assert asked(key="key-of-env") == ("https://named.net", "key-of-named")
    monkeypatch.setenv("TunedropStorage__blobServiceUri", "https://env")
    named = connection.connection()
    assert named.storage_for("https://env") == "https://named", "the environment's is another's"
    assert named.storage_for("https://typed") == "https://typed"
    with pytest.raises(CommandError, match="exclude each other"):
        asked("https://flag.net")
    connection.choose_profile("")
    assert asked("https://flag.net", "key-of-env") == ("https://flag.net", "key-of-env")
    assert asked("https://far.net/api/console#/runs") == ("https://far.net", "key-of-far")


def test_keys_are_in_no_text_of_a_connection() -> None:
    made = connection.Connection("https://a.net", "--app", "secret-1", "secret-2", storage="s3cret")
    assert "cret" not in f"{made!r} {App.of(made)!r}"


@pytest.mark.parametrize(
    ("asked", "url"),
    [
        ("https://app.azurewebsites.net/api/console", "https://app.azurewebsites.net"),
        ("https://app.azurewebsites.net/api/console/#/models", "https://app.azurewebsites.net"),
        (" https://app.net/ ", "https://app.net"),
        ("http://localhost:7071/api", "http://localhost:7071"),
        ("https://gateway.net/tunedrop/api", "https://gateway.net/tunedrop"),
    ],
)
def test_an_address_is_taken_as_people_copy_it(asked: str, url: str) -> None:
    assert checked_address(asked) == url


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("captain", "is no web address"),
        ("ftp://app.net", "is no web address"),
        ("https://", "is no web address"),
        ("http://[", "is no web address"),
        ("http://app.net:x", "is no web address"),
        ("https://me:key@app.net", "a name or a key in it"),  # pragma: allowlist secret
        ("http://app.azurewebsites.net", "is not encrypted.* Give https://app.azurewebsites.net"),
    ],
)
def test_no_key_goes_to_what_is_no_safe_address(asked: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        checked_address(asked)


def test_a_profile_has_the_name_of_its_apps_host() -> None:
    assert name_for("https://func-tuned-x1.azurewebsites.net") == "func-tuned-x1"
    assert name_for("http://127.0.0.1:7071") == "laptop"


async def test_the_laptop_needs_no_login_and_its_console_opens_signed_in(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        stack_here(Path.cwd(), app.url)
        assert (await app.tool("runs")).exit_code == 0
        assert "no login" in (await app.tool("login")).output
        link = (await app.tool("open")).output
        assert (await app.tool("profiles")).output.endswith("by the stack that runs here\n")
        assert link == f"{app.url}/api/console#key=operator\n"
        stack_here(Path.cwd(), "http://127.0.0.1:9")
        done = await app.tool("login", app.url, "--profile", "p", "--json", typed="reader\n")
        told = json.loads(done.stdout)
        assert (told["profile"], told["signed_in_as"], told["role"]) == ("p", "readers", "reader")
        done = await app.tool("login", app.url, "--profile", "p", typed="operator\n")
        assert (
            "Here they ask http://127.0.0.1:9, by the stack that runs here: add --profile p."
            in (done.output)
        )
        named = await app.tool("open", "--profile", "p", "--json")
        assert json.loads(named.output) == {"url": f"{app.url}/api/console", "opened": False}


async def test_files_that_are_none_of_ours_are_told_with_what_to_do(
    machine: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = machine / "config/tunedrop"
    folder.mkdir(parents=True)
    async with served(monkeypatch) as app:
        for torn in ('{"curr', "[]", '{"current": "a", "profiles": [{"odd": 1}]}'):
            (folder / "profiles.json").write_text(torn)
            done = await app.tool("runs")
            assert done.exit_code == 2
            assert "cannot be read as profiles. Delete it" in done.output
        (folder / "profiles.json").unlink()
        (folder / "keys.json").write_text("torn")
        done = await app.tool("login", app.url, typed="operator\n")
        assert "cannot be read as the keys of profiles. Delete it" in done.output
