"""Requests as clients build them from a base address, browsers among them: each gets its answer,
or a refusal that says what there is. The addresses are those that the named programs make.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from shared.chat.origins import Origins
from shared.chat.paths import NoSuchOperation, Operation, Target, find, target_of
from shared.errors import SettingError
from tests.chat import upstream as up
from tests.support.in_process import in_process

CHAT = "chat/completions"
HELLO = {"model": "captain", "messages": [{"role": "user", "content": "Hi"}]}
PAGE = "http://127.0.0.1:5173"

App = tuple[httpx.AsyncClient, up.Upstream]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    allowed = {"TUNEDROP_ALLOWED_ORIGINS": f"{PAGE}, app://obsidian.md"}
    async with (
        up.upstream() as server,
        in_process(server.url, monkeypatch, **allowed) as (http, *_),
    ):
        yield http, server


# ---- paths


@pytest.mark.parametrize(
    "path",
    [
        CHAT,
        f"v1/{CHAT}",
        f"openai/{CHAT}",
        f"openai/v1/{CHAT}",  # the openai SDK with Azure's v1 address
        f"v1/v1/{CHAT}",  # Spring AI, where the address has /v1 already
        f"v1/openai/v1/{CHAT}",
        f"api/v1/{CHAT}",
        f"v1/{CHAT}/{CHAT}",  # the whole address taken for the base
        f"/v1//{CHAT}/",
        "V1/Chat/Completions//",
        f"models/{CHAT}",  # Azure AI Inference
        f"v1/{CHAT}?api-version=2024-10-21",  # a query that was escaped
        f"v1/{CHAT}&api-version=2024-10-21",  # one behind an address that has a query already
        f"v1/{CHAT} ",  # a blank that was copied with the address
    ],
)
def test_a_chat_is_found_behind_any_base_address(path: str) -> None:
    assert find("POST", path) == Target(Operation.COMPLETE)


@pytest.mark.parametrize(
    "path",
    [
        f"openai/deployments/captain%402/{CHAT}",
        f"openai/deployments/captain@2/{CHAT}",
        f"v1/openai/deployments/captain@2/{CHAT}/",  # Azure's SDK, with /v1 in its endpoint
        f"deployments/captain@2/{CHAT}",
        f"openai/deployments/captain@2/v1/{CHAT}",
        f"v1/engines/captain@2/{CHAT}",  # openai 0.28
        f"openai//deployments/captain@2//{CHAT}",
        "openai/deployments/captain@2",  # Continue: the rest stands behind `?api-version=`
        f"openai/deployments/captain@2?api-version=2024-10-21/{CHAT}",
    ],
)
def test_a_deployment_in_the_path_is_the_model(path: str) -> None:
    assert find("POST", path) == Target(Operation.COMPLETE, "captain@2")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("models", Target(Operation.MODELS)),
        ("v1/models/", Target(Operation.MODELS)),
        ("openai/v1/models", Target(Operation.MODELS)),
        ("openai/models/captain", Target(Operation.MODEL, "captain")),
        ("v1/models/v1", Target(Operation.MODEL, "v1")),
        ("v1/models/openai%2Fcaptain", Target(Operation.MODEL, "openai/captain")),
        (f"v1/{CHAT}/models", Target(Operation.MODELS)),
        ("v1/responses/v1/models", Target(Operation.MODELS)),
        ("openai/deployments/captain/models", Target(Operation.MODELS)),  # with a deployment
        ("openai/deployments", Target(Operation.DEPLOYMENTS)),
        ("v1/engines", Target(Operation.DEPLOYMENTS)),
        ("openai/deployments/captain", Target(Operation.DEPLOYMENT, "captain")),
    ],
)
def test_models_are_found_behind_any_base_address(path: str, target: Target) -> None:
    assert find("GET", path) == find("HEAD", path) == target


@pytest.mark.parametrize(
    "path",
    [
        *("", "v1", "runs/x", "v1/audio/speech", "v1/files", "responses/resp_1", "admin"),
        *("v1/chat", "chat/completions/x", "v2/chat/completions", "models/a/chat"),
    ],
)
def test_what_is_not_there_is_not_found_and_no_other_route_is_reached(path: str) -> None:
    found = target_of(path)
    assert found is None or found == Target(Operation.MODEL, "a/chat")


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("v1/responses", Operation.RESPOND),
        ("openai/responses", Operation.RESPOND),
        (f"v1/{CHAT}/responses", Operation.RESPOND),  # the address of a chat taken for the base
        ("v1/responses/responses", Operation.RESPOND),
        ("v1/embeddings", Operation.EMBED),
        ("openai/v1/completions/", Operation.COMPLETE_TEXT),
    ],
)
def test_other_apis_are_found_behind_any_base_address(path: str, operation: Operation) -> None:
    assert find("POST", path) == Target(operation)


def test_a_refusal_names_what_there_is_and_nothing_that_steers_a_terminal() -> None:
    with pytest.raises(NoSuchOperation) as refused:
        find("POST", "v1/\x1b[2J" + "x" * 1000)
    assert "POST chat/completions" in refused.value.fix
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/v1/{CHAT}", ""),
        (f"/{CHAT}/", ""),
        (f"/openai/v1/{CHAT}", "?api-version=preview"),
        (f"/openai/deployments/captain/{CHAT}", "?api-version=2024-10-21"),
        (f"/v1/openai/deployments/captain/{CHAT}", "?api-version="),
        (f"/v1//{CHAT}", "?API-Version=nonsense&api-version=v1"),
        ("/openai/deployments/captain", f"?api-version=2024-10-21/{CHAT}"),
    ],
)
async def test_each_reaches_the_deployment(app: App, path: str, query: str) -> None:
    http, server = app
    answer = await http.post(path + query, json=HELLO)
    assert answer.status_code == 200
    assert answer.headers["x-tunedrop-model"] == "captain@1"
    assert server.asked() == ["captain-v1"]


async def test_the_path_names_the_model_and_not_the_body(app: App) -> None:
    http, _ = app
    answer = await http.post(f"/v1/openai/deployments/nobody/{CHAT}", json=HELLO)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("path", ["/v1", "/v1/audio", "/v1/xyz", "/x", "/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_what_is_not_there_says_so_as_openai_does(app: App, method: str, path: str) -> None:
    http, _ = app
    answer = await http.request(method, path, headers={"x-request-id": "mine"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "unknown_url")
    assert error["type"] == "invalid_request_error"
    assert f"{method} {path}" in error["message"]
    assert answer.headers["x-request-id"] == "mine"


async def test_another_method_is_told_which_one_is_taken(app: App) -> None:
    http, _ = app
    answer = await http.get(f"/v1/{CHAT}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await http.post("/v1/models")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert "it takes GET" in answer.json()["error"]["message"]


async def test_a_path_that_clients_build_opens_nothing_without_a_key(app: App) -> None:
    http, server = app
    for method, path in [("POST", CHAT), ("GET", "models"), ("GET", "models/captain")]:
        answer = await http.request(method, f"/openai/{path}", headers={"api-key": "x"}, json=HELLO)
        assert answer.status_code == 401
    assert server.calls == []


# ---- pages of other sites


def preflight(origin: str, method: str = "POST") -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,x-stainless-os",
    }


@pytest.mark.parametrize("path", [f"/v1/{CHAT}", "/v1/models", "/feedback", f"/openai/{CHAT}"])
async def test_a_browser_may_ask_for_pages_that_a_setting_names(app: App, path: str) -> None:
    http, _ = app
    method = "GET" if path.endswith("models") else "POST"
    for origin in (PAGE, "app://obsidian.md"):
        answer = await http.options(path, headers=preflight(origin, method))
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "x-stainless-os" in answer.headers["access-control-allow-headers"]
    refused = await http.options(path, headers=preflight("http://127.0.0.1:5174", method))
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers


async def test_an_allowed_page_reads_answers_and_refusals_with_their_headers(app: App) -> None:
    http, _ = app
    for model, status in (("captain", 200), ("nobody", 404)):
        for origin in (PAGE, "http://evil.example"):
            chat = {**HELLO, "model": model}
            answer = await http.post(f"/v1/{CHAT}", json=chat, headers={"origin": origin})
            assert answer.status_code == status
            may_read = answer.headers.get("access-control-allow-origin") == origin
            assert may_read == (origin == PAGE)
            if may_read:
                assert answer.headers["access-control-expose-headers"] == "*"
                assert answer.headers["vary"].lower() == "origin"
            assert "access-control-allow-credentials" not in answer.headers


async def test_without_the_setting_no_page_may(monkeypatch: pytest.MonkeyPatch) -> None:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, *_):
        asked = await http.options(f"/v1/{CHAT}", headers=preflight(PAGE))
        answer = await http.get("/v1/models", headers={"origin": PAGE})
    assert asked.status_code == 400
    for given in (asked, answer):
        assert not [name for name in given.headers if name == "access-control-allow-origin"]


async def test_any_page_may_where_the_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = {"TUNEDROP_ALLOWED_ORIGINS": "*"}
    async with (
        up.upstream() as server,
        in_process(server.url, monkeypatch, **everybody) as (http, *_),
    ):
        asked = await http.options(f"/v1/{CHAT}", headers=preflight("null"))
        answer = await http.get("/v1/models", headers={"origin": "https://x.example"})
    assert asked.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "origin", ["https://a.com/", "https://a.com/x", "a.com", "https://*.a.com", "HTTPS://a.com"]
)
def test_an_origin_that_no_browser_sends_is_refused_by_name(origin: str) -> None:
    with pytest.raises(SettingError, match="TUNEDROP_ALLOWED_ORIGINS") as refused:
        Origins((origin,))
    assert origin in refused.value.message
