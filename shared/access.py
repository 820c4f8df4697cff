"""Who may see and command runs and models by the app's own word: holders of keys with a role, and
people whom the platform has signed in and a setting names.

A key of the Functions host is the other way in; the host checks it before the app is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from shared.chat import sign_in
from shared.chat.auth import Auth
from shared.chat.callers import Role
from shared.chat.sign_in import SignedIn
from shared.errors import AccessDenied, Forbidden
from shared.settings import Settings

SCOPE = "tunedrop.person"  # where a request bears who was admitted
# A page of another site can send what a browser's cookie vouches for, but no header of its own.
OWN_HEADER = "x-tunedrop"


@dataclass(frozen=True, slots=True)
class Person:
    """`by` is "key" or "sign-in"."""

    name: str
    role: Role
    by: str

    @property
    def called(self) -> str:
        """As a run's log names who commanded."""
        return f"{self.name} (by key)" if self.by == "key" else self.name


def person_of(request: Request, tenant: str) -> Person | None:
    """Whom the app has admitted; or, where a key of the host was sent as well, whom the platform
    has signed in."""
    admitted: Person | None = request.scope.get(SCOPE)
    if admitted or not (signed_in := sign_in.person(request.headers, tenant)):
        return admitted
    return Person(signed_in.name, Role.OPERATOR, "sign-in")


async def admit(request: Request, auth: Auth, settings: Settings, needed: Role) -> Person:
    """Raises AccessDenied for whoever is not known, Forbidden for whoever may not do this."""
    person = await known(request, auth, settings)
    if person is None:
        raise await auth.revoked(request.headers) or AccessDenied(
            "This needs a sign-in or a key with the role reader or operator.",
            "Send the key as `api-key: KEY`.",
        )
    if _RANKS[person.role] < _RANKS[needed]:
        raise Forbidden(
            f"{person.name} may not do this: it needs the role {needed}, and this is "
            f"{_article(person.role)}.",
            "Ask an operator of the app.",
        )
    if request.method != "GET" and OWN_HEADER not in request.headers:
        raise Forbidden(
            f"The header {OWN_HEADER} is missing.",
            f"Send `{OWN_HEADER}: 1`: a page of another site cannot.",
        )
    request.scope[SCOPE] = person
    return person


async def known(request: Request, auth: Auth, settings: Settings) -> Person | None:
    if holder := await auth.holder(request.headers):
        return Person(holder.name, holder.role, "key")
    if signed_in := sign_in.person(request.headers, settings.entra_tenant):
        return Person(signed_in.name, _role(signed_in, settings), "sign-in")
    return None


def _role(person: SignedIn, settings: Settings) -> Role:
    if _is_named(person, settings.operators):
        return Role.OPERATOR
    return Role.READER if _is_named(person, settings.readers) else Role.CHAT


def _is_named(person: SignedIn, names: Iterable[str]) -> bool:
    """Names of people and ids are compared in small letters, as Entra does."""
    mine = {text.lower() for text in (person.id, person.name, *person.groups)}
    return any(name == "*" or name.lower() in mine for name in names)


def _article(role: Role) -> str:
    return {Role.CHAT: "a caller of the chat", Role.READER: "a reader"}.get(role, "an operator")


_RANKS = {Role.CHAT: 0, Role.READER: 1, Role.OPERATOR: 2}
