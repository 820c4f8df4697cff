"""The commands by which an app is chosen: login, logout, profiles, open."""

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from tunedrop import runs
from tunedrop.as_json import AsJson, note
from tunedrop.echo import say, say_json
from tunedrop.errors import CommandError, exit_on_error
from tunedrop.profile_option import begun as begun_profiles

if TYPE_CHECKING:
    from tunedrop.profiles import Profiles

if TYPE_CHECKING:
    from tunedrop.profiles import Profile, Profiles
    from tunedrop.signing_in import SignedIn

cli = typer.Typer()

BY_ENTRA = "each command asks Entra for a token"
Name = Annotated[
    str,
    typer.Option(
        "--profile", help="its name (default: of the app's host)", autocompletion=begun_profiles
    ),
]


@cli.command(epilog="Example: tunedrop login https://NAME.azurewebsites.net")
def login(
    address: Annotated[
        str, typer.Argument(help="an app's address, as its console has it in the browser")
    ] = "",
    profile: Name = "",
    entra: Annotated[
        str,
        typer.Option(
            metavar="RESOURCE",
            help="sign in as the person of `az login`: api://CLIENT-ID of the app's sign-in",
        ),
    ] = "",
    storage: Annotated[str, typer.Option(help="the account of its datasets, for `push`")] = "",
    as_json: AsJson = False,
) -> None:
    """Sign in to an app, which the commands ask from then on. Its key is asked for, or read from
    standard input. Without an address: go back to the app of --profile."""
    from tunedrop import signing_in
    from tunedrop.profiles import Profiles

    with exit_on_error():
        known = Profiles.load()
        if not address:
            _go_back(known, profile, as_json=as_json)
            return
        made = signing_in.profile_of(address, profile, entra, storage)
        signing_in.must_be_another(known, made)
        found, kept = _sign_in(known, made)
        known.entered(made).save()
        if as_json:
            told = {"profile": made.name, "signed_in_as": found.name, "role": found.role}
            say_json({**told, "url": made.url, "key_kept_in": kept})
        else:
            say(f"Signed in to {made.url} {found.told}.")
            say(f"The key is kept in {kept}" if kept else f"No key is kept: {BY_ENTRA}.")
            say(f"This is the profile {made.name}, which commands use from here on.")
            _tell_exception(made)


def _sign_in(known: "Profiles", made: "Profile") -> "tuple[SignedIn, str | None]":
    """Who it is, and where the key is kept, in words. Raises CommandError."""
    from tunedrop import signing_in
    from tunedrop.app import App

    if made.resource:
        found = signing_in.entra(made)
        known.keys.forget(made.name)
        return found, None
    key = _key_for(made.url)
    return signing_in.who(App(made.url, key)), known.keys.keep(made.name, key)


def _tell_exception(made: "Profile") -> None:
    """Where something that is nearer chooses another app, or another key."""
    from tunedrop.connection import KEY_VARIABLES, connection

    asked = connection(os.environ.get("TUNEDROP_APP", ""))
    set_here = [name for name in KEY_VARIABLES if os.environ.get(name)]
    if asked.url != made.url:
        say(f"Here they ask {asked.url}, by {asked.said_by}: add --profile {made.name}.")
    elif set_here and os.environ.get("TUNEDROP_APP"):
        say(f"Here they send the key in {set_here[0]}: unset it, or add --profile {made.name}.")


def _go_back(known: "Profiles", name: str, *, as_json: bool) -> None:
    """Raises CommandError."""
    from tunedrop.connection import local_stack

    if name:
        profile = known.named(name)
        known.entered(profile).save()
        if as_json:
            say_json({"profile": name, "url": profile.url})
        else:
            say(f"Commands use the profile {name} from here on: {profile.url}")
    elif stack := local_stack():
        if as_json:
            say_json({"profile": None, "url": stack.get("app_url")})
        else:
            say(f"The stack that runs here needs no login: {stack.get('app_url')}")
    else:
        raise CommandError(
            "which app?",
            "Give its address: tunedrop login https://NAME.azurewebsites.net; `tunedrop profiles` "
            "lists those that you have signed in to.",
        )


def _key_for(url: str) -> str:
    """Typed without being shown, or the first line of standard input. Raises CommandError."""
    from tunedrop.profiles import MAX_KEY, checked_key

    if sys.stdin.isatty():
        asked = f"Key of {url}"
        key = str(typer.prompt(asked, hide_input=True, default="", show_default=False, err=True))
    else:
        key = sys.stdin.readline(MAX_KEY + 2)
    if not (key := checked_key(key)):
        raise CommandError(
            "no key was given.",
            f"Ask an operator for one, or make one: tunedrop keys create NAME. `echo $KEY | "
            f"tunedrop login {url}` reads it from a variable.",
        )
    return key


@cli.command(epilog="Example: tunedrop logout --profile prod")
def logout(profile: Name = "", as_json: AsJson = False) -> None:
    """Forget an app and its key (default: that of the last login)."""
    from tunedrop.profiles import Profiles

    with exit_on_error():
        known = Profiles.load()
        if not (profile or known.current):
            raise CommandError(
                "nobody is signed in.", "`tunedrop profiles` lists those that can be named."
            )
        gone = known.named(profile or known.current)
        known.without(gone.name).save()
        known.keys.forget(gone.name)
        if as_json:
            say_json({"forgotten": gone.name, "url": gone.url})
        else:
            say(f"{gone.name} ({gone.url}) and its key are forgotten. The key itself still works.")


@cli.command(epilog="Example: tunedrop profiles")
def profiles(as_json: AsJson = False, address: runs.Address = "", key: runs.Key = "") -> None:
    """List the apps of `login`, and say which one commands ask here."""
    from tunedrop.connection import connection
    from tunedrop.profiles import Profiles

    with exit_on_error():
        known = Profiles.load()
        try:
            asked = connection(address, key)
            here = {"url": asked.url, "chosen_by": asked.said_by}
        except CommandError as error:
            here = None
            note(f"{error.message} {error.fix}".strip())
        if as_json:
            listed = [asdict(profile) for profile in known.known]
            say_json({"profiles": listed, "current": known.current or None, "here": here})
            return
        for profile in known.known:
            mark = "*" if profile.name == known.current else " "
            how = f"Entra ({profile.resource})" if profile.resource else "key"
            say(f"{mark} {profile.name}  {profile.url}  {how}")
        if here:
            say(f"asked here: {here['url']}, by {here['chosen_by']}")


@cli.command("open", epilog="Example: tunedrop open --no-browser")
def open_console(
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="open it, or print it only")
    ] = True,
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Print the console's address and open it; on a laptop as a link that signs in."""
    from tunedrop import browser as browsers
    from tunedrop.connection import connection

    with exit_on_error():
        asked = connection(address, key)
        url = f"{asked.url}/api/console"
        if asked.is_stack and asked.key:
            url += f"#key={quote(asked.key, safe='')}"
        if not as_json:
            say(url)
        shown = browser and browsers.show(url)
        if as_json:
            say_json({"url": url, "opened": shown})
        elif browser and not shown and sys.stdout.isatty():
            note("No browser can be opened here: open the address in yours.")
