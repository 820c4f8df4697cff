"""What a probe sends: its own small datasets, uploads, jobs and deployments, each so named that it
is found again. Nothing in them is anybody's. Knows how each is written, not what is asked with it.
"""

import json
from typing import Any

from tunedrop.probe.memory import PREFIX
from tunedrop.probe.session import Session
from tunedrop.probe.wire import V1, Form, Reply

SUFFIX = "td-probe-"  # of jobs: a suffix is short
BASE, BASE_NAME, BASE_VERSION = "gpt-4.1-nano-2025-04-14", "gpt-4.1-nano", "2025-04-14"
TIER = "developerTier"  # of training: the cheapest
TUNED_SKU = "DeveloperTier"  # of a tuned model: costs nothing by the hour
EXAMPLES, EPOCHS = 10, 1  # the fewest that are taken
LONGEST_SUFFIX = 40
WRITE_SECONDS = 900.0  # for which another write on the account is waited for
QUESTION = [{"role": "user", "content": "Count from one to nine."}]


def lines(count: int = EXAMPLES) -> bytes:
    """A dataset that can be trained on."""
    told = [
        {
            "messages": [
                {"role": "user", "content": f"What follows {number}?"},
                {"role": "assistant", "content": str(number + 1)},
            ]
        }
        for number in range(count)
    ]
    return "".join(f"{json.dumps(one)}\n" for one in told).encode()


BROKEN = b"this is no dataset\n" * 3  # no job can train on it, so none is paid for


def is_ours(name: object) -> bool:
    return isinstance(name, str) and name.startswith(PREFIX)


def file_name(session: Session, label: str) -> str:
    return f"{session.memory.name}-{label}.jsonl"


def deployment_name(session: Session, label: str) -> str:
    return f"{session.memory.name}-{label}"


def suffix(session: Session) -> str:
    return SUFFIX + session.memory.name.removeprefix(PREFIX)


def upload(
    session: Session,
    label: str,
    content: bytes,
    *,
    family: str = V1,
    purpose: str = "fine-tune",
    **more: str,
) -> Reply:
    form = Form({"purpose": purpose, **more}, file_name(session, label), content)
    return session.wire.data("POST", "/files", form, family=family)


def job(session: Session, file: str, **more: Any) -> dict[str, Any]:
    """The body of a request."""
    return {
        "model": BASE,
        "training_file": file,
        "suffix": suffix(session),
        "trainingType": TIER,
        "seed": 7,
        **more,
    }


def create_job(session: Session, body: dict[str, Any], *, family: str = V1) -> Reply:
    """One that was to be refused and was not is cancelled at once."""
    return session.wire.data("POST", "/fine_tuning/jobs", body, family=family)


def refused_job(session: Session, file: str, **more: Any) -> Reply:
    """Of a request that should be refused: a job that comes of it is cancelled at once."""
    reply = create_job(session, job(session, file, **more))
    if reply.is_ok and isinstance(reply.object.get("id"), str):
        session.wire.data("POST", f"/fine_tuning/jobs/{reply.object['id']}/cancel")
    return reply


def deployment(
    model: str = BASE_NAME,
    version: str = BASE_VERSION,
    *,
    sku: str = "GlobalStandard",
    capacity: int = 10,
    format: str = "OpenAI",
) -> dict[str, Any]:
    """The body of a request."""
    named = {"format": format, "name": model, "version": version}
    return {
        "sku": {"name": sku, "capacity": capacity},
        "properties": {"model": named, "versionUpgradeOption": "NoAutoUpgrade"},
    }


def write(session: Session, method: str, name: str, body: Any = None) -> Reply:
    """A write on a deployment, once no other write on the account is in its way."""

    def send() -> Reply | None:
        reply = session.wire.arm(method, f"/deployments/{name}", body)
        last.append(reply)
        return None if reply.status == 409 else reply

    last: list[Reply] = []
    session.until(send, WRITE_SECONDS)
    return last[-1]
