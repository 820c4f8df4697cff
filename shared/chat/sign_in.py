"""Who the platform (App Service) has signed in, by the headers that it sets.

Source: Microsoft Learn, "Work with user identities in Azure App Service authentication": the
platform removes these headers from requests of others. Decides nothing about rights.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.printable import printable

MAX_PRINCIPAL_BYTES = 64 * 2**10  # of the header with the claims, before it is decoded
MAX_NAME = 256  # characters of a name for people
TENANT_CLAIMS = ("tid", "http://schemas.microsoft.com/identity/claims/tenantid")
GROUP_CLAIMS = (
    "groups",
    "roles",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
)
PERSON = re.compile(r"[!-~]{1,128}")  # a person's id, as the platform gives it


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`id` never changes; `name` is for people; `groups` are ids of groups and names of app
    roles."""

    id: str
    name: str
    groups: frozenset[str]


def person(headers: Mapping[str, str], tenant: str) -> SignedIn | None:
    """Nobody without a tenant: where the platform's sign-in is not in front, anybody could send
    these headers. Nobody of another tenant, and nobody by a header that is none."""
    if not tenant:
        return None
    claims = _claims(headers.get("x-ms-client-principal", ""))
    id = headers.get("x-ms-client-principal-id", "")
    if {value for kind, value in claims if kind in TENANT_CLAIMS} != {tenant}:
        return None
    if not PERSON.fullmatch(id):
        return None
    name = printable(headers.get("x-ms-client-principal-name", ""))[:MAX_NAME].strip()
    groups = frozenset(value for kind, value in claims if kind in GROUP_CLAIMS)
    return SignedIn(id, name or id, groups)


def _claims(principal: str) -> list[tuple[str, str]]:
    """Of base64 of {"claims": [{"typ", "val"}, …]}; none of a header that is not that."""
    if len(principal) > MAX_PRINCIPAL_BYTES:
        return []
    try:
        document: Any = json.loads(base64.b64decode(principal, validate=True))
        return [(claim["typ"], f"{claim['val']}") for claim in document["claims"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
