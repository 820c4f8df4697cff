"""Who a key or a token is of, by an app's own word; and a profile made of what it says.

Knows neither a terminal nor where keys are kept.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from tunedrop.app import REVOKED, App, parse_object
from tunedrop.connection import token_for
from tunedrop.errors import MISSHAPEN, CommandError, NotReached
from tunedrop.profiles import Profile, Profiles, checked_address, checked_name, name_for

HOST_ROLE = "host"


@dataclass(frozen=True)
class SignedIn:
    """`role`: chat, reader or operator; "host" for a key of the Functions host."""

    name: str
    role: str

    @property
    def told(self) -> str:
        if self.role == HOST_ROLE:
            return "with a key of its Functions host: runs and models, but no chat"
        what = {"chat": "it may chat, and nothing else", "reader": "it may chat and see"}
        return f"as {self.name}, role {self.role}: " + what.get(
            self.role, "it may chat, see and command"
        )


def who(app: App) -> SignedIn:
    """Raises NotReached for an app that does not take what is sent."""
    status, body = app.request("api/manage/me")
    if status == 200:
        try:
            found = parse_object(body)
            return SignedIn(str(found["name"]), str(found["role"]))
        except MISSHAPEN:
            raise app.unexpected_status(status) from None
    if app.key:
        status, body = app.request("api/runs?limit=1")
        if status == 401 and REVOKED.encode() not in body:
            raise NotReached(
                f"{app.url} does not take this key.",
                "Give one of the app, whatever its role, or one of its Functions host; an operator "
                "makes one with `tunedrop keys create NAME`.",
            )
        app.object_of(status, body)
        return SignedIn("", HOST_ROLE)
    raise app.unexpected_status(status)


def profile_of(asked: str, name: str, resource: str, storage: str) -> Profile:
    """Raises CommandError."""
    url = checked_address(asked)
    if storage and urlsplit(storage).scheme != "https":
        raise CommandError("--storage is no https address.", "Give https://NAME.blob.core….")
    return Profile(checked_name(name or name_for(url)), url, resource, storage)


def entra(profile: Profile) -> SignedIn:
    """Raises NotReached."""
    signed_in = who(App(profile.url, token=token_for(profile.resource)))
    if not signed_in.name:
        raise NotReached(f"{profile.url} does not say who is signed in.", "Is it up to date?")
    return signed_in


def must_be_another(known: Profiles, profile: Profile) -> None:
    """A name that another app has is not taken from it by chance. Raises CommandError."""
    for one in known.known:
        if one.name == profile.name and one.url != profile.url:
            raise CommandError(
                f"the profile {profile.name} is of another app, {one.url}.",
                "Give this one a name with --profile, or `tunedrop logout --profile "
                f"{profile.name}` first.",
            )
