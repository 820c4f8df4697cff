"""Deviations that are planted in front of the emulator, and what a probe has to notice of each.

One table. Those of an area are planted together, but for those that hide others (`alone`). Knows
how an answer is changed on its way; nothing of the probe but the names of its questions.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHAPE, CODE, ORDER, TIMING, HEADER, LIMIT = "shape", "code", "order", "timing", "header", "limit"


@dataclass
class Exchange:
    """One call: `query` and `sent` may be changed before, the rest after it. `sent` and `body` are
    JSON or bytes."""

    method: str
    path: str
    query: dict[str, str]
    sent: Any
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    body: Any = None

    @property
    def error(self) -> dict[str, Any]:
        found = self.body.get("error") if isinstance(self.body, dict) else None
        return found if isinstance(found, dict) else {}

    def data(self) -> list[dict[str, Any]]:
        return self.body["data"] if isinstance(self.body, dict) else []


Change = Callable[[Exchange], None]


def nothing(_: Exchange) -> None: ...


@dataclass(frozen=True)
class Deviation:
    """`finds`: of these questions at least the first has to be answered otherwise; no other may."""

    name: str
    kind: str
    call: str  # a pattern of method and path
    finds: tuple[str, ...]
    after: Change = nothing
    before: Change = nothing
    alone: bool = False

    @property
    def area(self) -> str:
        found = self.finds[0].partition(".")[0]
        return "deployments" if found == "chat" else found


class Deviant:
    """The app, with deviations around it."""

    def __init__(self, app: ASGIApp, deviations: Sequence[Deviation]) -> None:
        self._app, self._deviations = app, deviations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = f"{scope['method']} {scope['path']}"
        struck = [one for one in self._deviations if re.search(one.call, call)]
        if not struck or scope["path"].startswith("/_emulator"):
            await self._app(scope, receive, send)
            return
        query = dict(parse_qsl(scope["query_string"].decode()))
        exchange = Exchange(scope["method"], scope["path"], query, _read(await _body(receive)))
        for one in struck:
            one.before(exchange)
        await self._ask(scope, exchange)
        for one in struck:
            one.after(exchange)
        await _answer(exchange, send)

    async def _ask(self, scope: Scope, exchange: Exchange) -> None:
        content, heard = _written(exchange.sent), bytearray()

        given = iter((content,))

        async def receive() -> Message:
            for body in given:
                return {"type": "http.request", "body": body, "more_body": False}
            await asyncio.Event().wait()  # the caller stays
            raise AssertionError("nobody sets it")

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = message["headers"]
                exchange.status = message["status"]
                exchange.headers = {name.decode().lower(): one.decode() for name, one in told}
            else:
                heard.extend(message.get("body", b""))

        length = str(len(content)).encode()
        kept = [(name, one) for name, one in scope["headers"] if name != b"content-length"]
        asked = {**scope, "query_string": urlencode(exchange.query).encode()}
        await self._app({**asked, "headers": [*kept, (b"content-length", length)]}, receive, send)
        exchange.body = _read(bytes(heard))


async def _body(receive: Receive) -> bytes:
    content, more = b"", True
    while more:
        message = await receive()
        content += message.get("body", b"")
        more = message.get("more_body", False)
    return content


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content


def _written(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


async def _answer(exchange: Exchange, send: Send) -> None:
    content = b"" if exchange.status == 204 else _written(exchange.body)
    headers = {**exchange.headers, "content-length": str(len(content))}
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    if exchange.status == 204:
        told = [(name, value) for name, value in told if name != b"content-length"]
    await send({"type": "http.response.start", "status": exchange.status, "headers": told})
    await send({"type": "http.response.body", "body": content})


# ---- how an answer is changed


def status(before: int, after: int, code: str = "") -> Change:
    def change(exchange: Exchange) -> None:
        if exchange.status == before:
            exchange.status = after
            if code:
                exchange.error["code"] = code

    return change


def code(before: str, after: str) -> Change:
    def change(exchange: Exchange) -> None:
        if exchange.error.get("code") == before:
            exchange.error["code"] = after

    return change


def without(*keys: str) -> Change:
    def change(exchange: Exchange) -> None:
        if isinstance(exchange.body, dict):
            for key in keys:
                exchange.body.pop(key, None)

    return change


def put(key: str, value: Callable[[Any], Any]) -> Change:
    """Another value of a key that an object has."""

    def change(exchange: Exchange) -> None:
        if isinstance(exchange.body, dict) and exchange.body.get(key) is not None:
            exchange.body[key] = value(exchange.body[key])

    return change


def no_header(*names: str) -> Change:
    def change(exchange: Exchange) -> None:
        for name in names:
            exchange.headers.pop(name, None)

    return change


def reversed_list(exchange: Exchange) -> None:
    exchange.data().reverse()


def envelope(exchange: Exchange) -> None:
    if exchange.error:
        told = exchange.error
        exchange.body = {"error": {"code": told["code"], "message": told["message"]}}


def unlimited(exchange: Exchange) -> None:
    exchange.query.pop("limit", None)


def no_more(exchange: Exchange) -> None:
    exchange.body["has_more"] = False


def milliseconds(seconds: Any) -> Any:
    return seconds * 1000


def back_and_forth() -> Change:
    """A file that runs, and is pending again."""
    looks: dict[str, int] = {}

    def change(exchange: Exchange) -> None:
        looks[exchange.path] = looks.get(exchange.path, 0) + 1
        if isinstance(exchange.body, dict) and looks[exchange.path] <= 2:
            exchange.body["status"] = ("running", "pending")[looks[exchange.path] - 1]

    return change


def events_of(change: Callable[[list[str]], list[str]]) -> Change:
    """The events of a stream, without the empty lines."""

    def apply(exchange: Exchange) -> None:
        if isinstance(exchange.body, bytes) and exchange.body.startswith(b"data: "):
            events = exchange.body.decode().strip().split("\n\n")
            exchange.body = ("\n\n".join(change(events)) + "\n\n").encode()

    return apply


def usage_first(events: list[str]) -> list[str]:
    """The one with the usage is the last but one."""
    return [events[0], events[-2], *events[1:-2], events[-1]]


def no_created(events: list[str]) -> list[str]:
    return [re.sub(r'"created": ?\d+, ?', "", event) for event in events]


def short_suffix(exchange: Exchange) -> None:
    if isinstance(exchange.sent, dict) and len(exchange.sent.get("suffix") or "") > 18:
        exchange.sent["suffix"] = "x" * 41


def longer(exchange: Exchange) -> None:
    if isinstance(exchange.sent, dict) and exchange.sent.get("max_tokens") == 3:
        exchange.sent["max_tokens"] = 9


def no_expiry(exchange: Exchange) -> None:
    exchange.sent = exchange.sent.replace(b"expires_after[", b"anything_else[")


def fewer_metadata(exchange: Exchange) -> None:
    if isinstance(exchange.sent, dict) and len(exchange.sent.get("metadata") or {}) > 16:
        exchange.sent["metadata"] = {}


def any_version(exchange: Exchange) -> None:
    if exchange.query.get("api-version", "")[:1] == "2":
        exchange.query.pop("api-version")


def early_answer() -> Change:
    """Of a deployment that is still being made: to its first chat."""
    asked: set[str] = set()

    def change(exchange: Exchange) -> None:
        name = str(exchange.sent.get("model")) if isinstance(exchange.sent, dict) else ""
        if name.endswith("-base") and name not in asked:
            asked.add(name)
            exchange.status = 503
            exchange.body = {"error": {"code": "NotReady", "message": "Wait."}}

    return change


def made_at_once(exchange: Exchange) -> None:
    if exchange.status == 201:
        exchange.body["properties"]["provisioningState"] = "Succeeded"


def capacity_as_text(exchange: Exchange) -> None:
    if exchange.status == 201:
        exchange.body["sku"]["capacity"] = str(exchange.body["sku"]["capacity"])


def limits_as_texts(exchange: Exchange) -> None:
    for one in exchange.body["value"]:
        one["limit"] = str(one["limit"])


def other_sku(exchange: Exchange) -> None:
    exchange.body = json.loads(json.dumps(exchange.body).replace("DeveloperTier", "Developer"))


def other_metrics(exchange: Exchange) -> None:
    for event in exchange.data():
        if event.get("data"):
            event["data"] = {"step": 1, "loss": 0.5}


def other_columns(exchange: Exchange) -> None:
    if isinstance(exchange.body, bytes) and exchange.body.startswith(b"step,"):
        exchange.body = exchange.body.replace(b"validation_mean", b"valid_mean", 1)


def other_checkpoints(exchange: Exchange) -> None:
    for one in exchange.data():
        one["id"] = one["id"].replace("ftchkpt-", "ftckpt_")


def earlier_end(exchange: Exchange) -> None:
    if isinstance(exchange.body, dict) and "estimated_finish" in exchange.body:
        exchange.body["estimated_finish"] = exchange.body["created_at"] - 60


FILES, FILE = r" /openai(/v1)?/files$", r" /openai/v1/files/file-\w+$"
JOBS, JOB = r" /openai(/v1)?/fine_tuning/jobs$", r" /openai/v1/fine_tuning/jobs/ftjob-\w+$"
CHAT, DEPLOYMENT = r"POST .*/chat/completions$", r"/deployments/[\w-]+$"
OPERATION = r"GET .*/operationResults/"
USAGES, MODELS = r"GET .*/locations/\w+/usages$", r"GET .*/locations/\w+/models$"

DEVIATIONS: tuple[Deviation, ...] = (
    # ---- shapes
    Deviation(
        "file-without-its-time",
        SHAPE,
        f"POST{FILES}",
        ("files.shape", "files.created-at"),
        without("created_at"),
    ),
    Deviation("file-errors-of-two-keys", SHAPE, f"GET{FILE}", ("files.refusal-keys",), envelope),
    Deviation(
        "seed-as-text", SHAPE, f"POST{JOBS}", ("jobs.seed-repeated", "jobs.shape"), put("seed", str)
    ),
    Deviation(
        "job-list-without-has-more",
        SHAPE,
        rf"GET{JOBS}",
        ("jobs.list-keys", "jobs.list-pages"),
        without("has_more"),
        alone=True,
    ),
    Deviation(
        "capacity-as-text", SHAPE, f"PUT .*{DEPLOYMENT}", ("deployments.shape",), capacity_as_text
    ),
    Deviation(
        "operation-without-id", SHAPE, OPERATION, ("deployments.operation-keys",), without("id")
    ),
    Deviation("chunks-without-time", SHAPE, CHAT, ("chat.chunk-shape",), events_of(no_created)),
    Deviation("quota-limits-as-texts", SHAPE, USAGES, ("control.usage-shape",), limits_as_texts),
    Deviation("other-metric-keys", SHAPE, r"/events$", ("training.metric-keys",), other_metrics),
    Deviation(
        "other-result-columns",
        SHAPE,
        r"GET .*/content$",
        ("training.results-columns",),
        other_columns,
    ),
    Deviation(
        "other-checkpoint-ids",
        SHAPE,
        r"/checkpoints$",
        ("training.checkpoint-id",),
        other_checkpoints,
    ),
    # ---- codes
    Deviation(
        "upload-on-v1-is-201",
        CODE,
        r"POST /openai/v1/files$",
        ("files.create-v1",),
        status(200, 201),
    ),
    Deviation(
        "missing-file-is-400",
        CODE,
        f"GET{FILE}",
        ("files.missing", "files.after-delete"),
        status(404, 400),
    ),
    Deviation(
        "job-on-v1-is-201",
        CODE,
        r"POST /openai/v1/fine_tuning/jobs$",
        ("jobs.create-v1", "jobs.suffix-40"),
        status(200, 201),
    ),
    Deviation(
        "bad-job-is-422",
        CODE,
        f"POST{JOBS}",
        (
            "jobs.unknown-model",
            "jobs.retired-model",
            "jobs.unknown-type",
            "jobs.open-weights-standard",
            "jobs.epochs",
            "jobs.dotted-suffix",
            "jobs.no-file",
            "jobs.pending-file",
            "jobs.long-suffix",
            "jobs.suffix-40",
            "jobs.metadata-17",
        ),
        status(400, 422),
        alone=True,
    ),
    Deviation(
        "deleted-job-is-200",
        CODE,
        r"DELETE /openai/fine_tuning/jobs/",
        ("jobs.delete-dated",),
        status(204, 200),
    ),
    Deviation(
        "other-code-without-deployment",
        CODE,
        CHAT,
        ("chat.no-deployment", "deployments.chat-too-early"),
        code("DeploymentNotFound", "NotFound"),
    ),
    Deviation(
        "other-code-of-a-conflict",
        CODE,
        f"PUT .*{DEPLOYMENT}",
        ("deployments.second-write",),
        code("RequestConflict", "Conflict"),
    ),
    Deviation(
        "other-code-of-an-unknown-model",
        CODE,
        f"PUT .*{DEPLOYMENT}",
        ("control.unknown-model",),
        code("DeploymentModelNotSupported", "ModelNotFound"),
    ),
    Deviation(
        "wrong-key-is-403",
        CODE,
        r"GET /openai/v1/models$",
        ("address.wrong-key", "address.no-key", "address.arm-token"),
        status(401, 403),
    ),
    Deviation(
        "other-developer-sku",
        CODE,
        MODELS,
        ("control.developer-sku", "control.usage-names"),
        other_sku,
    ),
    # ---- order
    Deviation(
        "events-oldest-first",
        ORDER,
        r"GET .*/events$",
        ("jobs.events-order", "jobs.events-pages"),
        reversed_list,
    ),
    Deviation("jobs-oldest-first", ORDER, f"GET{JOBS}", ("jobs.list-order",), reversed_list),
    Deviation(
        "file-runs-and-waits-again", ORDER, f"GET{FILE}", ("files.states",), back_and_forth()
    ),
    Deviation(
        "usage-before-the-text",
        ORDER,
        CHAT,
        ("chat.usage-chunk", "chat.finish-chunk"),
        events_of(usage_first),
    ),
    Deviation(
        "stream-without-end", ORDER, CHAT, ("chat.stream-end",), events_of(lambda it: it[:-1])
    ),
    # ---- timing
    Deviation(
        "file-stays-pending",
        TIMING,
        f"GET{FILE}",
        ("files.end", "files.byte-order-mark"),
        put("status", lambda _: "pending"),
        alone=True,
    ),
    Deviation(
        "ended-in-milliseconds",
        TIMING,
        f"GET{JOB}",
        ("jobs.finished-at",),
        put("finished_at", milliseconds),
    ),
    Deviation("estimate-before-the-begin", TIMING, f"POST{JOBS}", ("jobs.estimate",), earlier_end),
    Deviation(
        "made-at-once",
        TIMING,
        f"PUT .*{DEPLOYMENT}",
        ("deployments.first-state",),
        made_at_once,
        alone=True,
    ),
    Deviation(
        "another-answer-too-early",
        TIMING,
        CHAT,
        ("deployments.chat-too-early", "deployments.chat-too-early-says", "deployments.ready"),
        early_answer(),
        alone=True,
    ),
    # ---- headers
    Deviation(
        "no-location-of-a-file",
        HEADER,
        r"POST /openai/files$",
        ("files.create-dated",),
        no_header("location"),
    ),
    Deviation(
        "no-azure-async-operation",
        HEADER,
        f"PUT .*{DEPLOYMENT}",
        ("deployments.put", "deployments.put-again", "deployments.operation"),
        no_header("azure-asyncoperation"),
        alone=True,
    ),
    Deviation(
        "no-remaining-tokens",
        HEADER,
        CHAT,
        ("chat.headers", "chat.remaining"),
        no_header("x-ratelimit-remaining-tokens"),
    ),
    Deviation(
        "content-as-text",
        HEADER,
        r"GET .*/files/file-\w+/content$",
        ("files.content-type",),
        lambda it: it.headers.update({"content-type": "text/plain"}),
    ),
    # ---- limits
    Deviation("suffix-of-18", LIMIT, f"POST{JOBS}", ("jobs.suffix-40",), before=short_suffix),
    Deviation(
        "metadata-without-end", LIMIT, f"POST{JOBS}", ("jobs.metadata-17",), before=fewer_metadata
    ),
    Deviation("page-without-limit", LIMIT, f"GET{FILES}", ("files.pages",), before=unlimited),
    Deviation("events-in-one-page", LIMIT, r"GET .*/events$", ("jobs.events-pages",), no_more),
    Deviation(
        "life-of-a-day", LIMIT, r"POST /openai/v1/files$", ("files.short-life",), before=no_expiry
    ),
    Deviation(
        "more-tokens-than-asked", LIMIT, CHAT, ("chat.few-tokens", "chat.finish"), before=longer
    ),
    Deviation(
        "any-version-on-v1",
        LIMIT,
        r"GET /openai/v1/models$",
        ("address.v1-dated",),
        before=any_version,
    ),
)


def groups() -> Mapping[str, tuple[Deviation, ...]]:
    """Those that are planted together, by a name."""
    found: dict[str, tuple[Deviation, ...]] = {}
    for one in DEVIATIONS:
        name = one.name if one.alone else one.area
        found[name] = (*found.get(name, ()), one)
    return found
