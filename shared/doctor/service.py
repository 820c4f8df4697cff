"""Checks of Azure OpenAI: identity, endpoint, rights, models, and what is left of limits."""

import asyncio
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

from shared.catalog import facts, lookup
from shared.cloud.remote import job_status
from shared.cloud.rest import ARM_SCOPE, STORAGE_SCOPE, RawResponse, claims
from shared.cloud.translate import quoted
from shared.doctor.context import Context
from shared.doctor.result import CheckResult, blocked, ok, problem, unknown, warning
from shared.doctor.rights import RIGHTS, Right, denied, known_refusal
from shared.doctor.roles import ROLES, assign_command
from shared.errors import Denied, TunedropError, Unavailable

SKEW_SECONDS, REFUSED_SECONDS = 60, 300  # Entra allows five minutes between the clocks
NEARLY = 0.8  # of a limit


async def identity(ctx: Context) -> list[CheckResult]:
    """identity | There is a token for each service that the app signs in to with its identity."""
    scopes = {"Azure Resource Manager": ARM_SCOPE}
    if not ctx.settings.openai_key:
        scopes["Azure OpenAI"] = ctx.settings.openai_scope
    if ctx.settings.storage_uri and not ctx.settings.storage:
        scopes["storage"] = STORAGE_SCOPE
    managed = "IDENTITY_ENDPOINT" in ctx.environ
    holder: dict[str, Any] = {}
    missing = []
    for name, scope in scopes.items():
        try:
            holder = claims(await ctx.rest.token(scope))
        except TunedropError:
            missing.append(name)
    if missing:
        command = ctx.app_command("identity assign", "--identities RESOURCE-ID-OF-THE-IDENTITY")
        fix = f"Give the app its identity and set AZURE_CLIENT_ID to it: {command}"
        message = f"There is no token for {', '.join(missing)}."
        return [problem("identity", message, fix if managed else "az login")]
    name = holder.get("upn") or holder.get("oid") or "without a name"
    if managed:
        return [ok("identity", f"Managed identity {name}; tokens for {', '.join(scopes)}.")]
    return [ok("identity", f"Signed in as {name}: the rights below are not the app's but yours.")]


async def clock(ctx: Context) -> list[CheckResult]:
    """clock | The clock here agrees with the service's: tokens and signatures depend on it."""
    try:
        theirs = parsedate_to_datetime((await ctx.response("account.read")).date)
    except (TunedropError, ValueError):
        return [unknown("clock", blocked("account.read"))]
    skew = (ctx.now() - theirs).total_seconds()
    if abs(skew) < SKEW_SECONDS:
        return [ok("clock", "Less than a minute apart from the service's.")]
    message = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the service's."
    fix = "Set the clock: timedatectl set-ntp true, or w32tm /resync on Windows."
    return [(problem if abs(skew) >= REFUSED_SECONDS else warning)("clock", message, fix)]


async def endpoint(ctx: Context) -> list[CheckResult]:
    """endpoint | AZURE_OPENAI_ENDPOINT answers as Azure OpenAI's v1 API and is the account's."""
    ours = ctx.settings.openai_endpoint
    command = ctx.account_command("show", "--query properties.endpoint")
    fix = f"Compare it with the account's own: {command}"
    try:
        response = await ctx.response("models.read")
    except Unavailable as error:
        if isinstance(error, Denied):  # there is no token, so nothing was sent
            return [unknown("endpoint", error.message, error.fix)]
        return [problem("endpoint", error.message, f"Is its name known in DNS? {fix}")]
    except TunedropError as error:
        return [unknown("endpoint", error.message, error.fix)]
    if response.status not in (200, 401, 403, 429):
        message = f"{ours} answers {response.status}, unlike Azure OpenAI."
        return [problem("endpoint", message, fix)]
    properties = (await ctx.body("account.read")).get("properties", {})
    theirs = [properties.get("endpoint"), *(properties.get("endpoints") or {}).values()]
    if _host(ours) not in [_host(str(url)) for url in theirs]:
        message = f"{ours} is no endpoint of {ctx.settings.account}, whose own is {theirs[0]}."
        return [warning("endpoint", message, fix)]
    return [ok("endpoint", f"{ours} answers and belongs to {ctx.settings.account}.")]


async def rights(ctx: Context) -> list[CheckResult]:
    """rights | Each right is tried by a call that changes nothing: see the table below."""
    return await asyncio.gather(*(_right(ctx, id, right) for id, right in RIGHTS.items()))


async def _right(ctx: Context, id: str, right: Right) -> CheckResult:
    try:
        response = await ctx.response(id)
    except TunedropError as error:
        return unknown(id, error.message, error.fix)
    where = (ctx.settings.account, ctx.settings.resource_group)
    if refusal := known_refusal(right, response, *where):
        meaning, fix = refusal
        return problem(id, f"{response.named}: {meaning}.{_says(response)}", fix)
    # An error proves something only in Azure's own envelope: anybody may answer 404.
    if response.status in right.proof and (response.status < 300 or response.code):
        return ok(id, f"Allowed: {right.how} answers {response.status}.")
    if not denied(response):
        return unknown(id, f"Neither allowed nor denied: {right.how} answers {response.status}.")
    if right.plane == "data" and ctx.settings.openai_key:
        command = ctx.account_command("keys list")
        fix = f"Leave out AZURE_OPENAI_API_KEY, or take one from: {command}"
        return problem(id, f"{response.named}: the key is not accepted.{_says(response)}", fix)
    role, scope = ROLES[right.role], ctx.account_scope
    if role.scope == "subscription":
        scope = f"/subscriptions/{ctx.settings.subscription_id}"
    action = f"Microsoft.CognitiveServices/{right.action}"
    message = f"{response.named}: {action} is missing.{_says(response)}"
    return problem(id, message, assign_command(role, scope, await ctx.identity_claims()))


def _says(response: RawResponse) -> str:
    says = quoted(response.message)
    return f" It says: {says}" if says else ""


async def region(ctx: Context) -> list[CheckResult]:
    """region | The account's region trains the base model with the chosen training type."""
    here = str((await ctx.body("account.read")).get("location", "")).lower().replace(" ", "")
    where = lookup.standard_regions(ctx.settings.base_model)
    tier = ctx.settings.training_type
    if tier == "standard" and here not in where:
        message = f"The account is in {here}, which has no standard training of this base model."
        fix = f"Set TUNEDROP_TRAINING_TYPE to globalStandard, or use an account in {_or(where)}."
        return [problem("region", message, fix)]
    return [ok("region", f"The account is in {here}; the training type is {tier}.")]


async def base_model(ctx: Context) -> list[CheckResult]:
    """base-model | The account offers the base model, it can be tuned, and does not end soon."""
    offered = (await ctx.body("catalog.read")).get("value", [])
    wanted, entry = ctx.settings.base_model, _entry(ctx, offered)
    tunable = {_name(other): _ends(other) for other in offered if _tunable(other)}
    known = lookup.find_model(wanted)
    if entry is None or not _tunable(entry) or (known and not known.methods):
        why = "is not offered by this account" if entry is None else "cannot be tuned here"
        fix = f"Set TUNEDROP_BASE_MODEL to {_or(tunable)}."
        return [problem("base-model", f"{wanted} {why}.", fix)]
    ends = _ends(entry) or (known.training_ends if known else None)
    if ends and ends - ctx.now().date() <= facts.RETIRES_SOON:
        later = [name for name, end in tunable.items() if end is None or end > ends]
        fix = "Nothing that this account offers is trained for longer: look for its successor."
        if later:
            fix = f"Set TUNEDROP_BASE_MODEL to one that is trained for longer: {_or(later)}."
        # "No earlier than": it may go on being trained for a while after that day.
        return [warning("base-model", f"Training of {wanted} may end from {ends} on.", fix)]
    until = f" until {ends} at least" if ends else ""
    return [ok("base-model", f"{wanted} can be tuned{until}.")]


async def sku(ctx: Context) -> list[CheckResult]:
    """sku | The SKU that deployments are given is offered for the base model."""
    entry = _entry(ctx, (await ctx.body("catalog.read")).get("value", [])) or {}
    offered = {str(sku.get("name")) for sku in entry.get("skus", [])}
    wanted, model = ctx.settings.deployment_sku, ctx.settings.base_model
    if not offered:
        return [unknown("sku", blocked("base-model"))]
    if wanted.lower() not in [name.lower() for name in offered]:
        fix = f"Set TUNEDROP_DEPLOYMENT_SKU to {_or(offered)}."
        return [problem("sku", f"{wanted} is not offered for {model}.", fix)]
    return [ok("sku", f"{wanted} is offered for {model}.")]


async def quota(ctx: Context) -> list[CheckResult]:
    """quota | The region's quota has room for one more deployment of the set capacity."""
    entry = _entry(ctx, (await ctx.body("catalog.read")).get("value", [])) or {}
    wanted = ctx.settings.deployment_sku.lower()
    skus = [sku for sku in entry.get("skus", []) if str(sku.get("name")).lower() == wanted]
    names = {str(sku.get("usageName")) for sku in skus}
    # Tuned models have a counter of their own; how it is told apart is not documented.
    names = {name for name in names if "finetune" in name.lower()} or names
    usages = (await ctx.body("usages.read")).get("value", [])
    counters = [usage for usage in usages if usage.get("name", {}).get("value") in names]
    if not counters:
        return [unknown("quota", blocked("sku"))]
    least = min(counters, key=_left)
    need, name = ctx.settings.deployment_capacity, least["name"]["value"]
    message = f"{_left(least):g} of {least['limit']:g} left of {name}; a deployment takes {need}."
    if least.get("status") == "Blocked" or _left(least) < need:
        delete = ctx.account_command("deployment delete", "--deployment-name NAME")
        more = "ask for more: https://aka.ms/oai/stuquotarequest"
        fix = f"Lower TUNEDROP_DEPLOYMENT_CAPACITY, delete a deployment ({delete}) or {more}"
        return [problem("quota", message, fix)]
    return [ok("quota", message)]


async def deployments_left(ctx: Context) -> list[CheckResult]:
    """deployments-left | The account may have one more deployment of a tuned model."""
    found = (await ctx.body("deployments.read")).get("value", [])
    models = [str(deployment["properties"]["model"]["name"]) for deployment in found]
    tuned = [name for name in models if ".ft-" in name or name.startswith(("ftchkpt", "ftckpt"))]
    fix = f"Delete one: {ctx.account_command('deployment delete', '--deployment-name NAME')}"
    of_tuned = ("deployments of tuned models", len(tuned), facts.ACCOUNT.tuned_deployments)
    return [
        _capacity(
            "deployments-left", fix, of_tuned, ("in all", len(models), facts.ACCOUNT.deployments)
        )
    ]


async def jobs_left(ctx: Context) -> list[CheckResult]:
    """jobs-left | The account may have one more job, in all and in its queue."""
    page = await ctx.body("jobs.read")
    waiting = [job for job in page["data"] if job_status(job.get("status")) == "pending"]
    total = len(page["data"]) + bool(page.get("has_more"))
    job = f"{ctx.settings.openai_endpoint}/openai/fine_tuning/jobs/JOB-ID"
    fix = (
        "Delete old ones: az rest --method delete --resource https://cognitiveservices.azure.com "
        f'--url "{job}?api-version=2025-04-01-preview"'
    )
    in_all = ("jobs", total, facts.ACCOUNT.jobs)
    return [
        _capacity("jobs-left", fix, in_all, ("queued", len(waiting), facts.ACCOUNT.queued_jobs))
    ]


def _capacity(id: str, fix: str, *counts: tuple[str, int, int]) -> CheckResult:
    message = ", ".join(f"{used} of {limit} {what}" for what, used, limit in counts) + "."
    if any(used >= limit for _, used, limit in counts):
        return problem(id, message, fix)
    if any(used >= NEARLY * limit for _, used, limit in counts):
        return warning(id, message, fix)
    return ok(id, message)


async def base_deployments(ctx: Context) -> list[CheckResult]:
    """base-deployments | Each deployment that the settings name is there and ready."""
    both = {*ctx.settings.base_deployments, *ctx.settings.chat_fallback}
    named = sorted(name for name in both if name != "previous" and "@" not in name)
    found = (await ctx.body("deployments.read")).get("value", [])
    states = {str(d["name"]).lower(): d["properties"].get("provisioningState") for d in found}
    bad = {name: states.get(name.lower(), "missing") for name in named}
    bad = {name: state for name, state in bad.items() if state != "Succeeded"}
    if bad:
        message = ", ".join(f"{name}: {state}" for name, state in bad.items()) + "."
        fix = "Take it out of TUNEDROP_BASE_DEPLOYMENTS and TUNEDROP_CHAT_FALLBACK, or deploy it: "
        options = "--deployment-name NAME --model-format OpenAI --model-name MODEL"
        fix += ctx.account_command("deployment create", options)
        return [problem("base-deployments", message, fix)]
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


def _entry(ctx: Context, offered: list[dict[str, Any]]) -> dict[str, Any] | None:
    wanted = ctx.settings.base_model.lower()
    return next((entry for entry in offered if _name(entry).lower() == wanted), None)


def _tunable(entry: dict[str, Any]) -> bool:
    capabilities = {
        **(entry.get("capabilities") or {}),
        **(entry.get("finetuneCapabilities") or {}),
    }
    return (
        str(capabilities.get("fineTune")).lower() == "true"
        and entry["lifecycleStatus"] != "Deprecated"
    )


def _ends(entry: dict[str, Any]) -> date | None:
    try:
        return date.fromisoformat(str((entry.get("deprecation") or {}).get("fineTune"))[:10])
    except ValueError:
        return None


def _left(usage: dict[str, Any]) -> float:
    return float(usage.get("limit") or 0) - float(usage.get("currentValue") or 0)
