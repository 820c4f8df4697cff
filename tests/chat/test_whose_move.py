"""What callers are told of a deployment that refuses: the service's own sentence, whose move it is,
and never what is not so."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.chat import upstream as up
from tests.chat.asked import CHAT, App, says, three_versions
from tests.chat.conftest import QUESTION


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as app:
        yield app


# ---- 401 and 403

BLOCKED = "Your resource has been temporarily blocked because we detected behavior that may violate"
REFUSALS = [
    (403, "Forbidden", f"{BLOCKED} our content policy.", "Azure support"),
    (403, "Forbidden", "Your resource has been temporarily blocked: unusual behavior.", "support"),
    (403, "Forbidden", "Resource temporarily blocked", "Azure support"),
    (403, "403", "Access denied due to Virtual Network/Firewall rules.", "network rules"),
    (403, "403", "A Virtual Network is configured for this resource.", "network rules"),
    (403, "403", "Public access is disabled. Please configure private endpoint.", "network rules"),
    (
        403,
        "AuthenticationTypeDisabled",
        "Key based authentication is disabled for this resource.",
        "Remove AZURE_OPENAI_API_KEY",
    ),
    (401, "401", "Access denied due to invalid subscription key.", "correct AZURE_OPENAI_API_KEY"),
    (401, "PermissionDenied", "Principal does not have access to API/Operation.", "the role"),
    (
        401,
        "PermissionDenied",
        "The principal lacks the required data action to perform the operation.",
        "the role",
    ),
    (403, "SomethingNew", "The moon is in the way.", "doctor"),
    (
        400,
        "Tenant provided in token does not match resource token",
        "Token tenant 5b1d does not match resource tenant.",
        "the resource's own tenant",
    ),
    (401, "401", "The access token is from the wrong issuer.", "the resource's own tenant"),
]


@pytest.mark.parametrize(("status", "code", "sentence", "move"), REFUSALS)
async def test_a_refusal_is_quoted_with_whose_move_it_is(
    app: App, status: int, code: str, sentence: str, move: str
) -> None:
    app.server.plan("base", says(status, sentence, code))
    got, kind, message = await app.told("base")
    assert (got, kind) == (502, "upstream_refused")
    for said in ("base", f"{status}", sentence, move):
        assert said in message
    assert ("role" in message) == ("role" in move or code == "AuthenticationTypeDisabled")


async def test_a_refusal_without_a_sentence_claims_no_cause(app: App) -> None:
    app.server.plan("base", up.reply(403, b"<html>Forbidden</html>", "content-type: text/html"))
    _, _, message = await app.told("base")
    assert "403" in message
    assert "role" not in message
    assert "html" not in message


async def test_what_is_about_the_request_itself_is_the_callers(app: App) -> None:
    app.server.plan("base", says(403, "The prompt was filtered.", "content_filter"))
    status, code, message = await app.told("base")
    assert (status, code, message) == (403, "content_filter", "The prompt was filtered.")


async def test_the_envelope_of_api_management_is_read(app: App) -> None:
    body = b'{"statusCode": 401, "message": "Access denied due to missing subscription key."}'
    app.server.plan("base", up.reply(401, body))
    assert "missing subscription key" in (await app.told("base"))[2]


KEYS = {
    "of old": "0a1B2c3D" * 10,
    "of digits and small letters": "0a1b2c3d" * 4,
    "with dashes": "abcd-" + "Zx9_" * 10,
    "named": "key_" + "0a1b2c3d" * 4,
}
TRACE = "6f1c0a52-7d8e-4f0b-9a3c-2b1d5e6f7a80"
KEPT = f"{TRACE}, request ID 0f1e2d3c4b5a69780f1e2d3c4b5a6978, captain-2026-11-of-harbour-ft-v3"


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
async def test_a_key_that_is_repeated_is_not_told(app: App, status: int, key: str) -> None:
    body = {"error": {"code": "AccessDenied", "message": f"The key {key} is no good ({KEPT})."}}
    reply = up.reply(status, json.dumps(body).encode(), "retry-after: 60")
    app.server.plan("base", reply, reply)
    _, _, message = await app.told("base")
    assert key[:12] not in message
    assert KEPT in message


async def test_a_key_in_the_place_of_a_code_is_not_told(app: App) -> None:
    app.server.plan("base", says(401, "no", KEYS["of old"]))
    assert "0a1B2c3D" not in (await app.told("base"))[2]


# ---- whose a refusal is, is told by its code

CALLERS = [
    ("invalid_value", "'tenant lookup' does not match '^[a-z]{1,64}$' - 'tools.0.function.name'"),
    ("", "'tenant lookup' does not match '^[a-z]{1,64}$' - 'tools.0.function.name'"),
    ("", "'Token tenant a1 does not match resource tenant' is not of type 'integer'"),
    ("BadRequest", "Invalid schema for response_format 'tenant report': it does not match."),
    ("invalid_value", "Invalid value: 'wrong issuer'. Supported values are: 'low', 'high'."),
    ("invalid_value", "Invalid value: 'custom subdomain token'. Expected another."),
    (
        "invalid_image_url",
        "Error while downloading https://a.b/firewall, custom subdomain required",
    ),
]


@pytest.mark.parametrize(("code", "sentence"), CALLERS)
async def test_words_that_a_request_is_quoted_with_are_the_callers(
    app: App, code: str, sentence: str
) -> None:
    app.server.plan("base", says(400, sentence, code))
    assert await app.told("base") == (400, code, sentence)


@pytest.mark.parametrize(
    ("status", "code", "sentence", "move"),
    [
        (400, "invalid_api_key", "Incorrect API key provided.", "correct AZURE_OPENAI_API_KEY"),
        (400, "AccessDenied", "Access denied due to Virtual Network/Firewall rules.", "network"),
        (400, "Forbidden", "Your resource has been temporarily blocked.", "Azure support"),
        (
            400,
            "BadRequest",
            "Please provide a custom subdomain for token authentication, otherwise API key is "
            "required.",
            "doctor",
        ),
        (403, "AuthorizationFailed", "No authorization over '/rg-contentfilter/x'.", "the role"),
        (403, "Forbidden", "Access to the ResponsibleAI policy 'x' is denied.", "the role"),
        (401, "401", "Invalid subscription key for contentfilter.openai.azure.com.", "correct"),
    ],
)
async def test_words_do_not_make_a_refusal_of_the_app_the_callers(
    app: App, status: int, code: str, sentence: str, move: str
) -> None:
    app.server.plan("base", says(status, sentence, code))
    got, kind, message = await app.told("base")
    assert (got, kind) == (502, "upstream_refused")
    assert sentence in message
    assert move in message


async def test_of_a_filters_403_the_caller_gets_the_code_and_the_sentence_alone(app: App) -> None:
    error = {"code": "content_filter", "message": f"Filtered, {KEYS['of old']}.", "seen": "k"}
    app.server.plan("base", up.reply(403, json.dumps({"error": error}).encode()))
    answer = await app.ask("base")
    assert answer.status_code == 403
    assert answer.json()["error"] == {
        "message": "Filtered, [a key].",
        "type": "invalid_request_error",
        "param": None,
        "code": "content_filter",
    }


@pytest.mark.parametrize(
    ("error", "move"),
    [
        ({"code": "401", "message": "Invalid subscription key."}, "correct AZURE_OPENAI_API_KEY"),
        ({"code": "PermissionDenied", "message": "Principal lacks it."}, "the role"),
        ({"code": "x", "status": 403, "message": "No contentfilter."}, "doctor"),
        ({"type": "authentication_error", "message": "no"}, "doctor"),
        (
            {"code": "AuthenticationTypeDisabled", "type": "invalid_request_error", "message": "m"},
            "Remove AZURE_OPENAI_API_KEY",
        ),
    ],
)
async def test_a_refusal_of_the_app_in_a_stream_is_told_as_one(
    app: App, error: dict[str, object], move: str
) -> None:
    error["message"] = f"{error['message']} {KEYS['of old']}"
    event = b"data: " + json.dumps({"error": error}).encode() + b"\n\ndata: [DONE]\n\n"
    app.server.plan("base", up.reply(200, event, "content-type: text/event-stream"))
    answer = await app.http.post(CHAT, json={"model": "base", "messages": QUESTION, "stream": True})
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (502, "upstream_refused")
    assert move in told["message"]
    assert "0a1B2c3D" not in answer.text


@pytest.mark.parametrize("status", [401, 404, 429, 503])
async def test_a_quoted_sentence_is_short_masked_and_harmless(app: App, status: int) -> None:
    secret = "sk-proj-" + "Ab3" * 16
    sentence = f"Ask ada.lovelace@harbourline.net with {secret}\x1b[2J " + "x" * 5000
    more = "retry-after: 60"
    body = json.dumps({"error": {"code": "a\nb" * 99, "message": sentence}}).encode()
    app.server.plan("base", up.reply(status, body, "content-type: application/json", more))
    _, _, message = await app.told("base")
    assert len(message) < 1000
    assert message.isprintable()
    assert secret not in message
    assert "ada.lovelace" not in message


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"error": null}', b'{"error": "no"}', b"[" * 9999, b"\xff"]
)
@pytest.mark.parametrize("status", [307, 401, 404, 410, 423, 429, 503])
async def test_an_error_of_any_shape_is_told_as_one(app: App, status: int, body: bytes) -> None:
    app.server.plan("base", *[up.reply(status, body, "retry-after: 60")] * 2)
    got, _, message = await app.told("base")
    assert got >= 400
    assert f"answered {status}" in message
