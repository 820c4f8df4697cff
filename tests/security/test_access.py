"""Who may see and command by the app's own word: holders of keys with a role, signed-in people."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from shared import manage
from shared.run.stages import Stage
from tests.support.in_process import http_routes, in_process, signed_in
from tests.support.runs import RunHarness

App = tuple[httpx.AsyncClient, RunHarness]
ROLES = ("chat", "reader", "operator")
KEYS = [
    {"name": f"{role}s", "role": role, "sha256": hashlib.sha256(role.encode()).hexdigest()}
    for role in ROLES
]
OWN = {"x-tunedrop": "1"}
# Besides: who is a reader may see, and only an operator may command.
ASKS = {("GET", "me"): "chat", ("POST", "plan"): "reader", ("GET", "keys"): "operator"}


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    settings = {
        "TUNEDROP_APP_KEYS": json.dumps(KEYS),
        "TUNEDROP_OPERATORS": "Ada@contoso.com, 11-22, fine-tuners",
        "TUNEDROP_READERS": "grace",
    }
    async with in_process("http://nobody", monkeypatch, **settings) as (http, _, runs):
        yield http, runs


def key(role: str) -> dict[str, str]:
    return {"api-key": role}


def person(id: str, called: str = "", **claims: str) -> dict[str, str]:
    listed = [{"typ": "tid", "val": "our-tenant"}]
    listed += [{"typ": kind, "val": value} for kind, value in claims.items()]
    principal = base64.b64encode(json.dumps({"claims": listed}).encode()).decode()
    return {
        "x-ms-client-principal": principal,
        "x-ms-client-principal-id": id,
        "x-ms-client-principal-name": called,
        "api-key": "",
    }


async def me(http: httpx.AsyncClient, headers: Mapping[str, str]) -> tuple[int, object]:
    response = await http.get("/manage/me", headers=headers)
    return response.status_code, response.json()


@pytest.mark.parametrize(
    ("headers", "role", "by"),
    [
        (key("operator"), "operator", "key"),
        (key("reader"), "reader", "key"),
        (key("chat"), "chat", "key"),
        ({"authorization": "Bearer operator", "api-key": ""}, "operator", "key"),
        (person("1", "ada@contoso.com"), "operator", "sign-in"),
        (person("1", "ADA@Contoso.com"), "operator", "sign-in"),
        (person("1", groups="11-22"), "operator", "sign-in"),
        (person("1", roles="fine-tuners"), "operator", "sign-in"),
        (person("grace", "Grace"), "reader", "sign-in"),
        (person("1", "eve@contoso.com"), "chat", "sign-in"),
        (person("1", "eve", name="fine-tuners"), "chat", "sign-in"),
    ],
)
async def test_a_person_has_the_role_that_a_key_or_a_setting_gives(
    app: App, headers: Mapping[str, str], role: str, by: str
) -> None:
    status, told = await me(app[0], headers)
    assert status == 200
    assert isinstance(told, dict)
    assert (told["role"], told["by"]) == (role, by)


async def test_where_nobody_is_named_a_sign_in_is_good_for_chats_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with in_process("http://nobody", monkeypatch) as (http, _, _):
        headers = person("1", "ada@contoso.com", groups="g")
        assert (await http.get("/manage/me", headers=headers)).json()["role"] == "chat"
        assert (await http.get("/manage/runs", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"api-key": ""},
        key("wrong"),
        {"api-key": "", **signed_in("ada", "other-tenant")},
        {"api-key": "", "x-ms-client-principal-name": "ada@contoso.com"},
    ],
)
async def test_whoever_is_not_known_is_refused_and_told_where_to_sign_in(
    app: App, headers: Mapping[str, str]
) -> None:
    for path in ("me", "runs", "models", "doctor", "cost"):
        response = await app[0].get(f"/manage/{path}", headers=headers)
        assert response.status_code == 401
        assert response.json()["error"]["sign_in"] == "/.auth/login/aad"


async def test_without_a_tenant_no_header_signs_anybody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"TUNEDROP_ENTRA_TENANT": "", "TUNEDROP_OPERATORS": "*"}
    async with in_process("http://nobody", monkeypatch, **settings) as (http, _, _):
        response = await http.get("/manage/runs", headers=person("1", "ada@contoso.com"))
        assert response.status_code == 401
        assert response.json()["error"]["sign_in"] is None


@pytest.mark.parametrize("route", manage.ROUTES, ids=lambda r: f"{r.method} {r.template}")
async def test_each_route_asks_for_its_role(app: App, route: manage.Route) -> None:
    """Those who have it get past the door: to the answer, or to what is wrong with the request."""
    needed = ASKS.get(
        (route.method, route.template), "reader" if route.method == "GET" else "operator"
    )
    path = "/manage/" + route.template.replace(":path", "").replace("{", "").replace("}", "")
    for rank, role in enumerate(ROLES):
        response = await app[0].request(route.method, path, headers={**OWN, **key(role)})
        if rank < ROLES.index(needed):
            assert response.status_code == 403, role
            assert needed in response.json()["error"]["message"]
        else:
            assert response.status_code not in (401, 403), role


async def test_what_a_key_of_the_host_opens_is_there_for_people_as_well() -> None:
    """Each route that the host guards, but for none."""
    guarded = {
        (method, path.replace("{*", "{"))
        for path, methods, _ in http_routes()
        for method in methods
        if path.partition("/")[0] not in manage.OPEN
    }
    here = {(route.method, route.template.replace(":path", "")) for route in manage.ROUTES}
    assert here - {("GET", "me"), ("GET", "health")} == guarded


async def test_a_page_of_another_site_commands_nothing(app: App) -> None:
    """A browser sends its cookie, and with it comes the platform's word, but no header of ours."""
    http, runs = app
    await runs.drop(b"start: manual", "run.yaml")
    await runs.drop()
    run = await runs.until(await runs.received(), Stage.READY)
    headers = person("1", "ada@contoso.com")
    refused = await http.post(f"/manage/runs/{run.id}/cancel", headers=headers)
    assert refused.status_code == 403
    assert "x-tunedrop" in refused.json()["error"]["message"]
    assert (await runs.known(run.id)).stage == Stage.READY


async def test_who_commands_is_the_name_of_the_key_or_of_the_person(app: App) -> None:
    http, runs = app
    await runs.drop(b"start: manual", "run.yaml")
    await runs.drop()
    run = await runs.until(await runs.received(), Stage.READY)
    forged = {"who": "somebody else", "why": "a test"}
    for headers in ({**OWN, **key("operator")}, {**OWN, **person("1", "ada@contoso.com")}):
        await http.post(f"/manage/runs/{run.id}/start", headers=headers, json=forged)
    log = json.dumps(await runs.log(await runs.known(run.id)))
    assert "operators (by key)" in log
    assert "somebody else" not in log


async def test_a_persons_name_has_an_end(app: App) -> None:
    _, told = await me(app[0], person("1", "n" * 5000, groups="11-22"))
    assert isinstance(told, dict)
    assert told["name"] == "n" * 256


async def test_a_path_that_is_none_of_the_table_is_not_found(app: App) -> None:
    for path in ("", "v1/models", "runs/a/b/c", "console", "me/x"):
        response = await app[0].get(f"/manage/{path}", headers=key("operator"))
        assert response.status_code == 404, path
