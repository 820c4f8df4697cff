"""Azure OpenAI: is it there, who are we to it, what may we do, what does it offer, what is left."""

import asyncio
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

from shared.catalog import facts, lookup
from shared.cloud.probe import ARM_SCOPE, STORAGE_SCOPE, claims
from shared.doctor.cases import ROLES, Case, assign, ok, problem, unknown, warning
from shared.doctor.patient import Patient
from shared.doctor.rights import RIGHTS, Right, denied, otherwise
from shared.errors import TunedropError, Unavailable

SKEW_SECONDS, REFUSED_SECONDS = 60, 300  # Entra allows five minutes between the clocks
NEARLY = 0.8  # of a limit


async def identity(p: Patient) -> list[Case]:
    """identity | A token is there for each thing that is entered with the app's identity."""
    scopes = {"Azure Resource Manager": ARM_SCOPE}
    if not p.settings.openai_key:
        scopes["Azure OpenAI"] = p.settings.openai_scope
    if p.settings.storage_uri and not p.settings.storage:
        scopes["storage"] = STORAGE_SCOPE
    managed = "IDENTITY_ENDPOINT" in p.environ
    who: dict[str, Any] = {}
    lacking = []
    for name, scope in scopes.items():
        try:
            who = claims(await p.probe.token(scope))
        except TunedropError:
            lacking.append(name)
    if lacking:
        assign_it = p.functionapp("identity assign", "--identities RESOURCE-ID-OF-THE-IDENTITY")
        fix = f"Give the app its identity and set AZURE_CLIENT_ID to it: {assign_it}"
        return [
            problem(
                "identity",
                f"There is no token for {', '.join(lacking)}.",
                fix if managed else "az login",
            )
        ]
    holder = who.get("upn") or who.get("oid") or "without a name"
    if managed:
        return [ok("identity", f"Managed identity {holder}; tokens for {', '.join(scopes)}.")]
    return [ok("identity", f"Signed in as {holder}: the rights below are not the app's but yours.")]


async def clock(p: Patient) -> list[Case]:
    """clock | The clock here agrees with the service's: tokens and signatures go by it."""
    try:
        said = parsedate_to_datetime((await p.answer("account.read")).date)
    except (TunedropError, ValueError):
        return [unknown("clock", "Only seen with account.read.")]
    skew = (p.now() - said).total_seconds()
    if abs(skew) < SKEW_SECONDS:
        return [ok("clock", "Less than a minute apart from the service's.")]
    seen = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the service's."
    fix = "Set the clock: timedatectl set-ntp true, or w32tm /resync on Windows."
    return [(problem if abs(skew) >= REFUSED_SECONDS else warning)("clock", seen, fix)]


async def endpoint(p: Patient) -> list[Case]:
    """endpoint | AZURE_OPENAI_ENDPOINT answers as Azure OpenAI's v1 API and is the account's."""
    ours = p.settings.openai_endpoint
    fix = f"Compare it with the account's own: {p.account('show', '--query properties.endpoint')}"
    try:
        answer = await p.answer("models.read")
    except Unavailable as error:
        return [problem("endpoint", error.message, f"Is its name known in DNS? {fix}")]
    except TunedropError as error:
        return [unknown("endpoint", error.message, error.fix)]
    if answer.status not in (200, 401, 403, 429):
        return [problem("endpoint", f"{ours} answers {answer.status}, unlike Azure OpenAI.", fix)]
    properties = (await p.fact("account.read")).get("properties", {})
    theirs = [properties.get("endpoint"), *(properties.get("endpoints") or {}).values()]
    if _host(ours) not in [_host(str(url)) for url in theirs]:
        seen = f"{ours} is no endpoint of {p.settings.account}, whose own is {theirs[0]}."
        return [warning("endpoint", seen, fix)]
    return [ok("endpoint", f"{ours} answers and belongs to {p.settings.account}.")]


async def rights(p: Patient) -> list[Case]:
    """rights | Each right is tried by a call that changes nothing: see the table below."""
    return await asyncio.gather(*(_right(p, id, right) for id, right in RIGHTS.items()))


async def _right(p: Patient, id: str, right: Right) -> Case:
    try:
        answer = await p.answer(id)
    except TunedropError as error:
        return unknown(id, error.message, error.fix)
    if why := otherwise(right, answer):
        known = {"account": p.settings.account, "group": p.settings.resource_group}
        seen, fix = (text.format(**known) for text in why)
        return problem(id, f"{answer.status} {answer.code}: {seen}.", fix)
    # An error proves something only in Azure's own envelope: anybody may answer 404.
    if answer.status in right.proof and (answer.status < 300 or answer.code):
        return ok(id, f"Allowed: {right.how} answers {answer.status}.")
    if not denied(answer):
        return unknown(id, f"Neither allowed nor denied: {right.how} answers {answer.status}.")
    if right.plane == "data" and p.settings.openai_key:
        fix = f"Leave out AZURE_OPENAI_API_KEY, or take one from: {p.account('keys list')}"
        return problem(id, f"{answer.status}: the key is not accepted.", fix)
    role, scope = ROLES[right.role], p.account_scope
    if role.scope == "subscription":
        scope = f"/subscriptions/{p.settings.subscription_id}"
    seen = f"{answer.status} {answer.code}: Microsoft.CognitiveServices/{right.action} is missing."
    return problem(id, seen, assign(role, scope, await p.who()))


async def region(p: Patient) -> list[Case]:
    """region | The account's region trains the base model with the chosen training type."""
    tier = facts.TIERS.get(p.settings.training_type.lower())
    if tier is None:
        fix = f"Set TUNEDROP_TRAINING_TYPE to {_or(set(facts.TIERS.values()))}."
        return [problem("region", f"{p.settings.training_type!r} is no training type.", fix)]
    here = str((await p.fact("account.read")).get("location", "")).lower().replace(" ", "")
    where = lookup.standard_regions(p.settings.base_model)
    if tier == "standard" and here not in where:
        seen = f"The account is in {here}, which has no standard training of this base model."
        fix = f"Set TUNEDROP_TRAINING_TYPE to globalStandard, or use an account in {_or(where)}."
        return [problem("region", seen, fix)]
    return [ok("region", f"The account is in {here}; the training type is {tier}.")]


async def base_model(p: Patient) -> list[Case]:
    """base-model | The account offers the base model, it can be tuned, and does not end soon."""
    offered = (await p.fact("catalogue.read")).get("value", [])
    wanted, entry = p.settings.base_model, _entry(p, offered)
    tunable = {_name(other): _ends(other) for other in offered if _tunable(other)}
    known = lookup.find_model(wanted)
    if entry is None or not _tunable(entry) or (known and not known.methods):
        why = "is not offered by this account" if entry is None else "cannot be tuned here"
        fix = f"Set TUNEDROP_BASE_MODEL to {_or(tunable)}."
        return [problem("base-model", f"{wanted} {why}.", fix)]
    ends = _ends(entry) or (known.training_ends if known else None)
    if ends and ends - p.now().date() <= facts.RETIRES_SOON:
        later = [name for name, end in tunable.items() if end is None or end > ends]
        fix = "Nothing that this account offers is trained for longer: watch for its successor."
        if later:
            fix = f"Set TUNEDROP_BASE_MODEL to one that is trained for longer: {_or(later)}."
        # "No earlier than": it may go on being trained for a while after that day.
        return [warning("base-model", f"Training of {wanted} may end from {ends} on.", fix)]
    until = f" until {ends} at least" if ends else ""
    return [ok("base-model", f"{wanted} can be tuned{until}.")]


async def sku(p: Patient) -> list[Case]:
    """sku | The SKU that deployments are given is offered for the base model."""
    entry = _entry(p, (await p.fact("catalogue.read")).get("value", [])) or {}
    offered = {str(sku.get("name")) for sku in entry.get("skus", [])}
    wanted, model = p.settings.deployment_sku, p.settings.base_model
    if not offered:
        return [unknown("sku", "Only seen with base-model.")]
    if wanted.lower() not in [name.lower() for name in offered]:
        fix = f"Set TUNEDROP_DEPLOYMENT_SKU to {_or(offered)}."
        return [problem("sku", f"{wanted} is not offered for {model}.", fix)]
    return [ok("sku", f"{wanted} is offered for {model}.")]


async def quota(p: Patient) -> list[Case]:
    """quota | The region's quota has room for one more deployment of the set capacity."""
    entry = _entry(p, (await p.fact("catalogue.read")).get("value", [])) or {}
    wanted = p.settings.deployment_sku.lower()
    skus = [sku for sku in entry.get("skus", []) if str(sku.get("name")).lower() == wanted]
    names = {str(sku.get("usageName")) for sku in skus}
    # Tuned models have a counter of their own; how it is told apart is not documented.
    names = {name for name in names if "finetune" in name.lower()} or names
    usages = (await p.fact("usages.read")).get("value", [])
    counters = [usage for usage in usages if usage.get("name", {}).get("value") in names]
    if not counters:
        return [unknown("quota", "Only seen with sku.")]
    least = min(counters, key=_left)
    need, name = p.settings.deployment_capacity, least["name"]["value"]
    seen = f"{_left(least):g} of {least['limit']:g} left of {name}; a deployment takes {need}."
    if least.get("status") == "Blocked" or _left(least) < need:
        delete = p.account("deployment delete", "--deployment-name NAME")
        more = "ask for more: https://aka.ms/oai/stuquotarequest"
        fix = f"Lower TUNEDROP_DEPLOYMENT_CAPACITY, delete a deployment ({delete}) or {more}"
        return [problem("quota", seen, fix)]
    return [ok("quota", seen)]


async def deployments_left(p: Patient) -> list[Case]:
    """deployments-left | The account may have one more deployment of a tuned model."""
    found = (await p.fact("deployments.read")).get("value", [])
    models = [str(deployment["properties"]["model"]["name"]) for deployment in found]
    tuned = [name for name in models if ".ft-" in name or name.startswith(("ftchkpt", "ftckpt"))]
    fix = f"Delete one: {p.account('deployment delete', '--deployment-name NAME')}"
    of_tuned = ("deployments of tuned models", len(tuned), facts.ACCOUNT.tuned_deployments)
    return [
        _room("deployments-left", fix, of_tuned, ("in all", len(models), facts.ACCOUNT.deployments))
    ]


async def jobs_left(p: Patient) -> list[Case]:
    """jobs-left | The account may have one more job, in all and in its queue."""
    page = await p.fact("jobs.read")
    waiting = [job for job in page["data"] if str(job.get("status")) in ("pending", "queued")]
    total = len(page["data"]) + bool(page.get("has_more"))
    job = f"{p.settings.openai_endpoint.rstrip('/')}/openai/fine_tuning/jobs/JOB-ID"
    fix = (
        "Delete old ones: az rest --method delete --resource https://cognitiveservices.azure.com "
        f'--url "{job}?api-version=2025-04-01-preview"'
    )
    in_all = ("jobs", total, facts.ACCOUNT.jobs)
    return [_room("jobs-left", fix, in_all, ("queued", len(waiting), facts.ACCOUNT.queued_jobs))]


def _room(id: str, fix: str, *counts: tuple[str, int, int]) -> Case:
    seen = ", ".join(f"{used} of {limit} {what}" for what, used, limit in counts) + "."
    if any(used >= limit for _, used, limit in counts):
        return problem(id, seen, fix)
    if any(used >= NEARLY * limit for _, used, limit in counts):
        return warning(id, seen, fix)
    return ok(id, seen)


async def base_deployments(p: Patient) -> list[Case]:
    """base-deployments | Each deployment that the settings name is there and ready."""
    both = {*p.settings.base_deployments, *p.settings.chat_fallback}
    named = sorted(name for name in both if name != "previous" and "@" not in name)
    found = (await p.fact("deployments.read")).get("value", [])
    states = {str(d["name"]).lower(): d["properties"].get("provisioningState") for d in found}
    bad = {name: states.get(name.lower(), "missing") for name in named}
    bad = {name: state for name, state in bad.items() if state != "Succeeded"}
    if bad:
        seen = ", ".join(f"{name}: {state}" for name, state in bad.items()) + "."
        fix = "Take it out of TUNEDROP_BASE_DEPLOYMENTS and TUNEDROP_CHAT_FALLBACK, or deploy it: "
        options = "--deployment-name NAME --model-format OpenAI --model-name MODEL"
        return [problem("base-deployments", seen, fix + p.account("deployment create", options))]
    return [ok("base-deployments", f"Ready: {', '.join(named) or 'none is named'}.")]


# ---- what Azure's answers hold -----------------------------------------------------------------


def _or(names: Any) -> str:
    return " or ".join(sorted(names)) or "another"


def _host(url: str) -> str:
    return url.partition("//")[2].partition("/")[0].lower()


def _name(entry: dict[str, Any]) -> str:
    """The data plane's name of a model: with its date, where its version is one."""
    dated = len(str(entry.get("version"))) == len("2025-04-14")
    return f"{entry['name']}-{entry['version']}" if dated else str(entry["name"])


def _entry(p: Patient, offered: list[dict[str, Any]]) -> dict[str, Any] | None:
    wanted = p.settings.base_model.lower()
    return next((entry for entry in offered if _name(entry).lower() == wanted), None)


def _tunable(entry: dict[str, Any]) -> bool:
    said = {**(entry.get("capabilities") or {}), **(entry.get("finetuneCapabilities") or {})}
    return str(said.get("fineTune")).lower() == "true" and entry["lifecycleStatus"] != "Deprecated"


def _ends(entry: dict[str, Any]) -> date | None:
    try:
        return date.fromisoformat(str((entry.get("deprecation") or {}).get("fineTune"))[:10])
    except ValueError:
        return None


def _left(usage: dict[str, Any]) -> float:
    return float(usage.get("limit") or 0) - float(usage.get("currentValue") or 0)
