"""Area `deployments`: a deployment of the base model from its begin to its end; while it is there,
what it answers to chats.

A base's deployment costs nothing by the hour; its few chats cost a fraction of a cent.
"""

from typing import Any

from tunedrop.probe import chatting, shapes
from tunedrop.probe.chatting import chat
from tunedrop.probe.reading import keys_of, waiting
from tunedrop.probe.session import Session
from tunedrop.probe.things import deployment, deployment_name, write
from tunedrop.probe.wire import Reply

DEPLOY_SECONDS, READY_SECONDS = 1800.0, 1800.0
BAD_ENDS = {"Failed", "Canceled"}
ENDS = {"Succeeded", *BAD_ENDS}


def ask(session: Session) -> None:
    name = deployment_name(session, "base")
    _begin(session, name)
    _made(session, name)
    chatting.answers(session, name)
    _changed(session, name)
    _removed(session, name)


def _begin(session: Session, name: str) -> None:
    """Asked for anew where one is there of a call before: what is looked at is a begin."""
    see, body = session.see, deployment()
    if session.wire.arm("GET", f"/deployments/{name}").is_ok:
        remove(session, name)
    reply = write(session, "PUT", name, body)
    see("deployments.put", waiting(reply))
    made = session.need(reply, "a deployment")
    see("deployments.shape", shapes.of_microsoft("Deployment", made))
    see("deployments.first-state", state_of(made))
    early = chat(session, name, max_tokens=1) if state_of(made) != "Succeeded" else None
    other = session.wire.arm("PUT", f"/deployments/{name}2", body)
    now = state_of(session.wire.arm("GET", f"/deployments/{name}").object)
    if early is not None and now in ("Creating", "Accepted"):
        see("deployments.chat-too-early", early.outcome)
        session.hear("deployments.chat-too-early-says", early)
    if now in ("Creating", "Accepted") or other.status == 409:
        see("deployments.second-write", other.outcome)
        session.hear("deployments.second-write-says", other)
    if other.is_ok:
        remove(session, f"{name}2")
    _operation(session, reply.headers.get("azure-asyncoperation", ""))


def _operation(session: Session, url: str) -> None:
    first = session.wire.follow(url)
    if first is None:
        session.see("deployments.operation", "no address")
        return
    session.see("deployments.operation", first.outcome)
    session.see("deployments.operation-keys", keys_of(first.body))
    session.see("deployments.operation-state", str(first.object.get("status")))

    def look() -> str | None:
        reply = session.wire.follow(url)
        status = str(reply.object.get("status")) if reply else "none"
        return status if status in ENDS else None

    session.see("deployments.operation-end", session.until(look, DEPLOY_SECONDS) or "none")


def state_of(resource: dict[str, Any]) -> str:
    properties = resource.get("properties")
    return str(properties.get("provisioningState")) if isinstance(properties, dict) else "none"


def settled(session: Session, name: str) -> str:
    """The state of a deployment once that is one of the last."""

    def look() -> str | None:
        reply = session.wire.arm("GET", f"/deployments/{name}")
        state = state_of(session.need(reply, "reading a deployment"))
        return state if state in ENDS else None

    return session.until(look, DEPLOY_SECONDS) or "still being made"


def ready(session: Session, name: str) -> Reply:
    """The first answer of a chat that is none of "not there yet", or the last of these."""
    last: list[Reply] = []

    def look() -> Reply | None:
        last.append(chat(session, name, max_tokens=1))
        return None if last[-1].status == 404 else last[-1]

    return session.until(look, READY_SECONDS) or last[-1]


def _made(session: Session, name: str) -> None:
    began = session.clock.now()
    session.see("deployments.end", settled(session, name))
    session.see("deployments.ready", ready(session, name).outcome)
    session.see("deployments.gap-seconds", round(session.clock.now() - began, 1))
    reply = session.wire.arm("GET", f"/deployments/{name}")
    limits = reply.object.get("properties", {}).get("rateLimits")
    session.see("deployments.rate-limits", _limits(limits))


def _limits(limits: Any) -> str:
    """A unit of capacity is a thousand tokens a minute."""
    found = {one.get("key"): one.get("count") for one in limits or [] if isinstance(one, dict)}
    tokens = found.get("token")
    return f"{', '.join(sorted(map(str, found)))}: {tokens} tokens" if found else "none"


def _changed(session: Session, name: str) -> None:
    see, wire = session.see, session.wire
    again = write(session, "PUT", name, deployment(capacity=11))
    see("deployments.put-again", waiting(again))
    settled(session, name)
    patched = write(session, "PATCH", name, {"sku": {"name": "GlobalStandard", "capacity": 10}})
    see("deployments.patch", waiting(patched))
    if (first := wire.follow(patched.headers.get("location", ""))) is not None:
        see("deployments.patch-wait", first.outcome)
    settled(session, name)
    skus = wire.arm("GET", f"/deployments/{name}/skus")
    see("deployments.skus", skus.outcome)


def _removed(session: Session, name: str) -> None:
    reply = write(session, "DELETE", name)
    session.see("deployments.delete", waiting(reply))
    during = session.wire.arm("GET", f"/deployments/{name}")
    if during.is_ok:
        session.see("deployments.deleting-state", state_of(during.object))
    session.see("deployments.after-delete", gone(session, name).outcome)


def remove(session: Session, name: str) -> None:
    """Raises nothing where it was not there."""
    if write(session, "DELETE", name).is_ok:
        gone(session, name)


def gone(session: Session, name: str) -> Reply:
    last: list[Reply] = []

    def look() -> Reply | None:
        last.append(session.wire.arm("GET", f"/deployments/{name}"))
        return last[-1] if last[-1].status == 404 else None

    return session.until(look, DEPLOY_SECONDS) or last[-1]
