"""A life as lines to read: what it was made of, then who did what, when, and what came of it."""

from collections.abc import Iterator

from tests.simulation.life import Ended
from tests.simulation.network import Step
from tests.simulation.plan import Plan, as_json

QUIET = ("read", "list", "info", "append", "acquire", "release", "renew", "files.get")


def story(ended: Ended, *, whole: bool = False) -> Iterator[str]:
    """Without `whole`, what only looks or only marks a claim is left out unless it went wrong."""
    yield from _made_of(ended.plan)
    for step in ended.story:
        if whole or _tells(step):
            yield f"{step.at:8.1f} s  {step.who:7} {step.what}  {_answer(step)}".rstrip()
    stages = ", ".join(ended.stages) or "none"
    yield f"{ended.seconds:8.1f} s  runs: {stages}"
    yield f"broken: {ended.broken}" if ended.broken else "every rule holds"
    if ended.broken:
        yield f"to be kept: {as_json(ended.plan)}"


def _made_of(plan: Plan) -> Iterator[str]:
    yield f"seed {plan.seed}: {len(plan.clocks)} hosts"
    for number, ahead in enumerate(plan.clocks):
        if abs(ahead) > 1:
            yield f"  the clock of host{number} is {ahead:+.0f} s wrong"
    if plan.deadline:
        yield f"  a stage may see nothing new for {plan.deadline:.0f} s"
    for drop in plan.drops:
        names = ", ".join(f"{name} ({voice})" for name, voice in drop.files)
        news = ", ".join(f"host{e.host} after {e.after:g} s" for e in drop.events) or "nobody"
        yield f"  at {drop.at:.0f} s Ada drops for {drop.model}: {names}; told: {news}"
    for order in plan.orders:
        yield f"  at {order.at:.0f} s Ada orders {order.action} of run {order.run}"
    for trouble in plan.troubles:
        yield f"  call {trouble.nth} of {trouble.operation}: {trouble.kind} ({trouble.seconds:g} s)"
    for outage in plan.outages:
        yield f"  {outage.since:.0f} to {outage.until:.0f} s: {outage.place} says {outage.kind}"
    for fate in plan.fates:
        yield f"  the service: {fate.name}"


def _tells(step: Step) -> bool:
    operation = step.what.partition(" ")[0]
    went_wrong = step.answer.startswith("!") or "Unavailable" in step.answer
    return went_wrong or (operation not in QUIET and "reconciler/" not in step.what)


def _answer(step: Step) -> str:
    return "" if step.answer in ("", "NoneType", "str", "list") else f"→ {step.answer}"
