"""Questions about chat, of area `deployments`: answers whole and streamed, their headers,
and which chats are refused.
"""

import json
from typing import Any

from tunedrop.probe import shapes
from tunedrop.probe.reading import form_of, keys_of, when
from tunedrop.probe.session import Session
from tunedrop.probe.things import BASE, QUESTION
from tunedrop.probe.wire import DATED, V1, Reply

HEADERS = (
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ms-region",
    "x-request-id",
    "apim-request-id",
)
FEW = 3  # tokens


def chat(session: Session, name: str, *, family: str = V1, **more: Any) -> Reply:
    body = {"messages": QUESTION, "temperature": 0, **more}
    if family == DATED:
        path = f"/deployments/{name}/chat/completions"
        return session.wire.data("POST", path, body, family=DATED)
    return session.wire.data("POST", "/chat/completions", {"model": name, **body})


def answers(session: Session, name: str) -> None:
    """What a deployment answers that is ready."""
    _whole(session, name)
    _streamed(session, name)
    _refused(session, name)


def _whole(session: Session, name: str) -> None:
    see = session.see
    reply = chat(session, name, max_tokens=FEW)
    see("chat.v1", reply.outcome)
    answer = session.need(reply, "a chat")
    see("chat.shape", shapes.of_openai("ChatCompletion", answer))
    see("chat.id", form_of(answer.get("id")))
    see("chat.created", when(answer.get("created"), session.clock.now()))
    see("chat.model", "the model" if answer.get("model") == BASE else "another name")
    see("chat.headers", [f"{name}: absent" for name in HEADERS if name not in reply.headers])
    see("chat.remaining", _remaining(reply))
    usage, choices = answer.get("usage"), answer.get("choices")
    spent = usage.get("completion_tokens", 0) if isinstance(usage, dict) else 0
    see("chat.few-tokens", "kept" if isinstance(spent, int) and spent <= FEW else "more")
    first = choices[0] if isinstance(choices, list) and choices else {}
    see("chat.finish", str(first.get("finish_reason")))
    see("chat.filter-keys", keys_of(first.get("content_filter_results")))
    see("chat.dated", chat(session, name, family=DATED, max_tokens=1).outcome)


def _remaining(reply: Reply) -> str:
    """What is left is less than what there is: this call has taken something of it."""
    told = [reply.headers.get(f"x-ratelimit-{kind}-tokens", "") for kind in ("remaining", "limit")]
    if not all(one.lstrip("-").isdigit() for one in told):
        return "not told"
    left, most = map(int, told)
    return "less than the limit" if left < most else "not less than the limit"


def _streamed(session: Session, name: str) -> None:
    see = session.see
    more: dict[str, Any] = {"max_tokens": FEW, "stream": True}
    more["stream_options"] = {"include_usage": True}
    reply = chat(session, name, **more)
    see("chat.stream-type", reply.headers.get("content-type", "none").partition(";")[0])
    told = [
        line[6:]
        for line in reply.content.decode(errors="replace").splitlines()
        if line[:6] == "data: "
    ]
    see("chat.stream-end", "[DONE]" if told and told[-1] == "[DONE]" else "no [DONE]")
    chunks = [found for one in told if (found := _parsed(one))]
    odd = {one for chunk in chunks for one in shapes.of_openai("ChatCompletionChunk", chunk)}
    see("chat.chunk-shape", sorted(odd))
    if not chunks:
        return
    first, last = chunks[0], chunks[-1]
    begin = "no choice" if first.get("choices") == [] else "a choice"
    see(
        "chat.first-chunk",
        f"{begin}{', filter of the prompt' * ('prompt_filter_results' in first)}",
    )
    see("chat.usage-chunk", "last" if _has_usage(last) and not last.get("choices") else "not last")
    reasons = [reason for chunk in chunks for reason in _reasons(chunk)]
    see("chat.finish-chunk", "once, after the text" if _ends_well(reasons) else "elsewhere")


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _has_usage(chunk: dict[str, Any]) -> bool:
    return isinstance(chunk.get("usage"), dict)


def _reasons(chunk: dict[str, Any]) -> list[Any]:
    return [one.get("finish_reason") for one in chunk.get("choices", []) if isinstance(one, dict)]


def _ends_well(reasons: list[Any]) -> bool:
    given = [reason for reason in reasons if reason is not None]
    return len(given) == 1 and bool(reasons) and reasons[-1] is not None


def _refused(session: Session, name: str) -> None:
    see = session.see
    empty = chat(session, name, messages=[])
    see("chat.no-messages", str(empty.status))
    see("chat.refusal-keys", keys_of(empty.error))
    form: dict[str, Any] = {"response_format": {"type": "json_object"}}
    see("chat.json-word", chat(session, name, **form, max_tokens=1).outcome)
    none = chat(session, f"{name}-none")
    see("chat.no-deployment", none.outcome)
    session.hear("chat.no-deployment-says", none)
