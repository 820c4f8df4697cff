"""Who is signed in by the platform, and who only says so."""

import base64
import json

import pytest

from shared.chat.auth import Auth
from shared.errors import AccessDenied
from tests.support.at_once import at_once


def encoded(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def principal(*tenants: object, name: str = "ada") -> dict[str, str]:
    claims = [{"typ": "tid", "val": tenant} for tenant in tenants]
    return {
        "x-ms-client-principal": encoded({"claims": [*claims, {"typ": "name", "val": "Ada"}]}),
        "x-ms-client-principal-id": name,
    }


LONG_NAME = "http://schemas.microsoft.com/identity/claims/tenantid"


@pytest.mark.parametrize(
    "header",
    [
        base64.b64encode(b"[" * 40_000).decode(),
        base64.b64encode(b'{"claims": ' + b"[" * 40_000).decode(),
        base64.b64encode(b"9" * 5000).decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        encoded({"claims": None}),
        encoded([1]),
        encoded({"claims": [[]]}),
        encoded({"claims": "tid"}),
        encoded({"claims": [{"typ": ["tid"], "val": "our-tenant"}]}),
        encoded({"claims": [{"typ": "tid", "val": ["our-tenant"]}]}),
        encoded({"claims": [{"typ": "tid", "val": float("nan")}]}),
        encoded({"claims": [{"typ": "tid"}]}),
        encoded(
            {"claims": [{"typ": t, "val": v} for t, v in (("tid", "x"), ("tid", "our-tenant"))]}
        ),
        encoded(
            {"claims": [{"typ": "tid", "val": "our-tenant"}, {"typ": LONG_NAME, "val": "other"}]}
        ),
        encoded({"claims": [{"typ": "tid", "val": "our-tenant"}] * 10_000}),
        "ü",
        "\ud800",
        "=",
        "",
    ],
)
def test_a_sign_in_that_is_none_signs_nobody_in(header: str) -> None:
    with pytest.raises(AccessDenied):
        at_once(
            Auth("", "our-tenant").admit(
                {"x-ms-client-principal": header, "x-ms-client-principal-id": "ada"}
            )
        )


@pytest.mark.parametrize("name", ["", " ", "a b", "a\nb", "\x9b2J", "n" * 129, "\ud800", "ü"])
def test_a_person_without_an_id_is_not_signed_in(name: str) -> None:
    with pytest.raises(AccessDenied):
        at_once(Auth("", "our-tenant").admit(principal("our-tenant", name=name)))


def test_one_tenant_may_be_claimed_twice() -> None:
    assert (
        at_once(Auth("", "our-tenant").admit(principal("our-tenant", "our-tenant"))).name == "ada"
    )


def test_the_platforms_sign_in_counts_for_the_configured_tenant_only() -> None:
    assert at_once(Auth("", "our-tenant").admit(principal("our-tenant"))).name == "ada"
    for auth, headers in [
        (Auth("", "our-tenant"), principal("another")),
        (Auth("", ""), principal("our-tenant")),
        (Auth("", ""), principal("")),
        (Auth("", "our-tenant"), {"x-ms-client-principal": "?", "x-ms-client-principal-id": "a"}),
    ]:
        with pytest.raises(AccessDenied):
            at_once(auth.admit(headers))


@pytest.mark.parametrize("missing", ["x-ms-client-principal", "x-ms-client-principal-id"])
def test_half_of_a_sign_in_signs_nobody_in(missing: str) -> None:
    headers = principal("our-tenant")
    del headers[missing]
    with pytest.raises(AccessDenied):
        at_once(Auth("", "our-tenant").admit(headers))
