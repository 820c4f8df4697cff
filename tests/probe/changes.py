"""How calls and answers are changed by the deviations that are planted. Knows the shapes of the
service, nothing of the probe.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.probe.deviant import Change, Exchange


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
