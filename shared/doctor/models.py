"""Checks of what the account offers for the settings' base model: the questions that are asked
before a run is paid for, with the settings' names in the fixes."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.catalog import facts
from shared.cloud.offers import Known, Offers, offered_models, offered_quotas, region_name
from shared.doctor.context import Context
from shared.doctor.result import CheckResult, blocked, ok, problem, unknown, warning
from shared.run import deployable, trainable
from shared.run.answers import Answer, Asked, Says, Upload
from shared.run.spec import effective

# What each right to read tells: a part of the offers, out of the body that it gives access to.
PARTS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {
    "account.read": ("location", lambda body: region_name(str(body.get("location", "")))),
    "catalog.read": ("models", lambda body: offered_models(body.get("value", []))),
    "usages.read": ("quotas", lambda body: offered_quotas(body.get("value", []))),
}


async def region(ctx: Context) -> list[CheckResult]:
    """region | The account's region trains the base model with the chosen training type."""
    answer = trainable.region(await _asked(ctx, "account.read"))
    if answer is None:
        return [unknown("region", blocked("base-model"))]
    where = _either(answer.options)
    fix = f"Set TUNEDROP_TRAINING_TYPE to globalStandard, or use an account in {where}."
    return [_result("region", answer, fix)]


async def base_model(ctx: Context) -> list[CheckResult]:
    """base-model | The account offers the base model, it can be tuned, and does not end soon."""
    asked = await _asked(ctx, "catalog.read")
    questions = (trainable.model, trainable.lifecycle, trainable.method)
    answers = [answer for question in questions if (answer := question(asked))]
    for answer in answers:
        if answer.says is Says.NO:
            fix = f"Set TUNEDROP_BASE_MODEL to {_either(answer.options)}."
            return [problem("base-model", answer.sentence, fix)]
    if soon := _ends_soon(asked):
        return [soon]
    doubtful = [answer for answer in answers if answer.says is Says.UNKNOWN]
    if doubtful:
        return [warning("base-model", doubtful[0].sentence, doubtful[0].instead)]
    return [ok("base-model", " ".join(answer.sentence for answer in answers))]


def _ends_soon(asked: Asked) -> CheckResult | None:
    entry, known = asked.entry, asked.known
    ends = (entry and entry.training_ends) or (known and known.training_ends)
    if not ends or ends - asked.today > facts.RETIRES_SOON:
        return None
    later = [
        offered.name
        for offered in asked.offers.models.value or ()
        if offered.tunable and (offered.training_ends is None or offered.training_ends > ends)
    ]
    fix = "Nothing that this account offers is trained for longer: look for its successor."
    if later:
        fix = f"Set TUNEDROP_BASE_MODEL to one that is trained for longer: {_either(later)}."
    # "No earlier than": it may go on being trained for a while after that day.
    message = f"Training of {asked.base} may end from {ends} on."
    return warning("base-model", message, fix)


async def sku(ctx: Context) -> list[CheckResult]:
    """sku | The SKU that deployments are given is offered for the base model."""
    answer = deployable.sku(await _asked(ctx, "catalog.read"))
    if answer is None:
        return [unknown("sku", blocked("base-model"))]
    fix = f"Set TUNEDROP_DEPLOYMENT_SKU to {_either(answer.options)}."
    return [_result("sku", answer, fix)]


async def quota(ctx: Context) -> list[CheckResult]:
    """quota | The region's quota has room for one more deployment of the set capacity."""
    answer = deployable.quota(await _asked(ctx, "catalog.read", "usages.read"))
    if answer is None:
        return [unknown("quota", blocked("sku"))]
    fits = f" to {answer.options[0]}" if answer.options else ""
    delete = ctx.account_command("deployment delete", "--deployment-name NAME")
    fix = f"Lower TUNEDROP_DEPLOYMENT_CAPACITY{fits}, delete a deployment ({delete}) or ask for "
    return [_result("quota", answer, f"{fix}more: {deployable.MORE_QUOTA}")]


async def _asked(ctx: Context, *rights: str) -> Asked:
    """What the settings ask of an account by these of its answers. Raises NotFound where one of
    them is missing."""
    parts = {}
    for right in rights:
        part, read = PARTS[right]
        parts[part] = Known(read(await ctx.body(right)), "")
    spec = effective(None, ctx.settings)
    return Asked(spec, Offers(**parts), ctx.now().date(), Upload())


def _result(id: str, answer: Answer, fix: str) -> CheckResult:
    if answer.says is Says.NO:
        return problem(id, answer.sentence, fix)
    if answer.says is Says.UNKNOWN:
        return unknown(id, answer.sentence, answer.instead)
    return ok(id, answer.sentence)


def _either(names: Any) -> str:
    return " or ".join(sorted(names)) or "another"
