"""Checks of Azure OpenAI: identity, endpoint, rights, and what is left of limits."""

import asyncio
from email.utils import parsedate_to_datetime
from typing import Any

from shared.catalog import facts
from shared.cloud.offers import is_tuned
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


async def deployments_left(ctx: Context) -> list[CheckResult]:
    """deployments-left | The account may have one more deployment of a tuned model."""
    found = (await ctx.body("deployments.read")).get("value", [])
    models = [str(deployment["properties"]["model"]["name"]) for deployment in found]
    tuned = [name for name in models if is_tuned(name)]
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


def _host(url: str) -> str:
    return url.partition("//")[2].partition("/")[0].lower()
