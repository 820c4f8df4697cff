"""Area `control`: what the control plane tells of the account, its models, quotas and capacities,
and which deployments it refuses. Free: one that was to be refused and was not is removed.
"""

from typing import Any

from tunedrop.probe import shapes
from tunedrop.probe.reading import keys_of
from tunedrop.probe.session import Session
from tunedrop.probe.things import BASE_NAME, BASE_VERSION, deployment, deployment_name, write
from tunedrop.probe.wire import Reply

DEVELOPER = ("DeveloperTier", "Developer")  # spellings of the SKU
TOO_MUCH = 1_000_000  # units of capacity

Items = list[dict[str, Any]]


def ask(session: Session) -> None:
    location = _account(session)
    _deployments(session)
    base = f"/subscriptions/{session.wire.target.subscription}/providers/"
    base += f"Microsoft.CognitiveServices/locations/{location}"
    listed = _models(session, base)
    _usages(session, base, listed)
    _capacities(session, base)
    _refused(session)


def _account(session: Session) -> str:
    reply = session.wire.arm("GET", "")
    session.see("control.account", reply.outcome)
    account = session.need(reply, "reading the account")
    session.see("control.account-shape", shapes.of_microsoft("Account", account))
    return str(session.wire.target.location or account.get("location"))


def _deployments(session: Session) -> None:
    listed = session.wire.arm("GET", "/deployments")
    session.see("control.deployments-keys", keys_of(listed.body))
    missing = session.wire.arm("GET", f"/deployments/{deployment_name(session, 'none')}")
    session.see("control.missing", missing.outcome)
    session.see("control.refusal-keys", keys_of(missing.error))
    gone = session.wire.arm("DELETE", f"/deployments/{deployment_name(session, 'none')}")
    session.see("control.delete-missing", gone.outcome)


def _models(session: Session, base: str) -> Items:
    first, listed = session.wire.every(f"{base}/models")
    session.see("control.models", first.outcome)
    session.see("control.model-shape", _misfits("Model", listed))
    names = {str(sku.get("name")) for sku in _skus(listed)}
    spelled = [name for name in DEVELOPER if name in names]
    session.see("control.developer-sku", " ".join(spelled) or "none")
    bases = [one["model"] for one in listed if _is_base(one.get("model"))]
    if bases:
        kinds = bases[0].get("finetuneCapabilities")
        session.see("control.finetune-capabilities", keys_of(kinds))
        session.see("control.deprecation", keys_of(bases[0].get("deprecation")))
    return listed


def _is_base(model: Any) -> bool:
    return isinstance(model, dict) and model.get("name") == BASE_NAME


def _skus(listed: Items) -> Items:
    models = (one.get("model") for one in listed)
    every = (model.get("skus") for model in models if isinstance(model, dict))
    return [sku for skus in every if isinstance(skus, list) for sku in skus]


def _usages(session: Session, base: str, models: Items) -> None:
    first, listed = session.wire.every(f"{base}/usages")
    session.see("control.usages", first.outcome)
    session.see("control.usage-shape", _misfits("Usage", listed))
    names = (one.get("name") for one in listed)
    counters = {name.get("value") for name in names if isinstance(name, dict)}
    asked = {sku.get("usageName") for sku in _skus(models) if sku.get("usageName")}
    session.see("control.usage-names", "all are there" if asked <= counters else "some are missing")


def _capacities(session: Session, base: str) -> None:
    query = {"modelFormat": "OpenAI", "modelName": BASE_NAME, "modelVersion": BASE_VERSION}
    reply = session.wire.arm("GET", f"{base}/modelCapacities", query=query)
    session.see("control.capacities", reply.outcome)
    found = _misfits("ModelCapacityListResultValueItem", reply.items)
    session.see("control.capacity-shape", found)


def _misfits(name: str, listed: Items) -> list[str]:
    return sorted({one for item in listed for one in shapes.of_microsoft(name, item)})


def _refused(session: Session) -> None:
    _refuse(session, "control.no-capacity", deployment(capacity=0))
    _refuse(session, "control.unknown-model", deployment("tunedrop-probe"))
    _refuse(session, "control.unknown-sku", deployment(sku="TunedropProbe"))
    quota = _refuse(session, "control.too-much", deployment(capacity=TOO_MUCH))
    session.hear("control.too-much-says", quota)
    inside = deployment()
    inside["properties"]["sku"] = inside.pop("sku")
    _refuse(session, "control.sku-inside", inside)


def _refuse(session: Session, question: str, body: dict[str, Any]) -> Reply:
    name = deployment_name(session, "refused")
    reply = write(session, "PUT", name, body)
    session.see(question, reply.outcome)
    if reply.is_ok:
        write(session, "DELETE", name)
    return reply
