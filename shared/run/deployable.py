"""May this account serve what a spec would train? Pure functions: questions with their answers."""

from collections.abc import Iterable
from dataclasses import replace
from math import inf

from shared.catalog import facts, lookup
from shared.cloud.offers import OfferedModel, OfferedSku, is_tuned
from shared.run.answers import Answer, Asked, Says, any_of, choose, not_known
from shared.run.spec import Spec

DEVELOPER = "DeveloperTier"
SLEEP = "Versions that are missed least are put to sleep to make room for it."
WHEN_OTHERS_END = "It waits for what they come to."
MORE_QUOTA = "https://aka.ms/oai/stuquotarequest"


def sku(asked: Asked) -> Answer | None:
    """Will there be a deployment of this SKU for the tuned model?"""
    entry = asked.entry
    if asked.offers.models.value is not None and entry is None:
        return None
    if entry and entry.tuned_skus:
        return _listed(asked, entry, entry.tuned_skus)
    if entry and entry.skus and asked.sku != DEVELOPER:
        # They are not told apart: what is not even there for the base is not there at all.
        listed = _listed(asked, entry, entry.skus)
        if listed.says is Says.NO or asked.known is None:
            return listed
    return _sku_by_table(asked)


def _listed(asked: Asked, entry: OfferedModel, skus: tuple[OfferedSku, ...]) -> Answer:
    names = _serverless(sku.name for sku in skus)
    if asked.sku in names:
        return Answer("sku", Says.YES, f"The account deploys tuned {entry.name} as {asked.sku}.")
    sentence = f"The account does not deploy tuned {entry.name} as {asked.sku}."
    return Answer("sku", Says.NO, sentence, choose("sku", names), names)


def _sku_by_table(asked: Asked) -> Answer:
    if asked.known is None:
        return not_known("sku", f"Whether it is deployed as {asked.sku}", asked.offers.models)
    skus = asked.known.skus
    if not skus:
        sentence = f"no deployment is paid by the token for a tuned {asked.known.name}."
        return asked.by_table("sku", False, sentence)
    here, where = asked.offers.location.value, lookup.deployment_regions(asked.base, asked.sku)
    if asked.sku in skus and here and where and here not in where:
        sentence = f"a tuned {asked.known.name} is deployed as {asked.sku} in {any_of(where)}, not "
        others = [name for name in skus if name != asked.sku]
        return asked.by_table("sku", False, f"{sentence}in {here}.", *others)
    sentence = f"a tuned {asked.known.name} is deployed as {any_of(skus)}."
    return asked.by_table("sku", asked.sku in skus, sentence, *skus)


def quota(asked: Asked) -> Answer | None:
    """Is there quota for the deployment's capacity?"""
    if asked.offers.models.value is None:
        return not_known("quota", "What quota there is for it", asked.offers.models)
    skus = _candidates(asked.entry) if asked.entry else ()
    skus = tuple(sku for sku in skus if _same(sku, asked.sku))
    if not skus:
        return None  # there is no such model or SKU, which has been said
    of_sku = min(skus, key=lambda sku: _left(sku, asked))  # the one that is used up first counts
    need, counter = (
        asked.spec.deployment.capacity,
        (asked.offers.quotas.value or {}).get(of_sku.usage),
    )
    if not of_sku.takes(need):
        return _misfit(of_sku, asked)
    if counter is None:
        return not_known("quota", f"What is left of the quota {of_sku.usage}", asked.offers.quotas)
    sentence = (
        f"{counter.left:,} of {counter.limit:,.0f} left of {of_sku.usage}; a deployment takes"
    )
    sentence += f" {need:,}."
    if need <= _left(of_sku, asked):
        return Answer("quota", Says.YES, sentence)
    spare = _taken(of_sku.usage, asked, asked.spare)
    if spare and need <= _left(of_sku, asked) + sum(spare):
        return Answer("quota", Says.YES, f"{sentence} {SLEEP}")
    if need <= counter.left:
        sentence += f" {_others(len(_taken(of_sku.usage, asked, asked.coming)))}."
        return Answer("quota", Says.NO, sentence, WHEN_OTHERS_END, passes=True)
    return _smaller(sentence, of_sku, asked)


def _left(of_sku: OfferedSku, asked: Asked) -> float:
    """Of its quota, without what runs take that come first; endless where nobody counts it."""
    counter = (asked.offers.quotas.value or {}).get(of_sku.usage)
    coming = sum(_taken(of_sku.usage, asked, asked.coming))
    return counter.left - coming if counter else inf


def _taken(usage: str, asked: Asked, specs: Iterable[Spec]) -> list[int]:
    """What deployments like these take of a quota."""
    found = []
    for spec in specs:
        other = replace(asked, spec=spec)
        skus = _candidates(other.entry) if other.entry else ()
        if any(sku.usage == usage and _same(sku, other.sku) for sku in skus):
            found.append(spec.deployment.capacity)
    return found


def _misfit(of_sku: OfferedSku, asked: Asked) -> Answer:
    """The SKU takes no deployment of this capacity, however much quota there is."""
    need = asked.spec.deployment.capacity
    sentence = f"{of_sku.name} takes a capacity of {of_sku.capacities}, not {need:,}."
    fits, ways = _ways(of_sku, asked)
    instead = f"Choose {' or '.join(ways)}." if ways else ""
    return Answer("quota", Says.NO, sentence, instead, fits)


def _smaller(sentence: str, of_sku: OfferedSku, asked: Asked) -> Answer:
    fits, ways = _ways(of_sku, asked)
    chosen = f"Choose {' or '.join(ways)}; or delete" if ways else "Delete"
    instead = f"{chosen} a deployment that is not needed, or ask for more quota at {MORE_QUOTA}."
    return Answer("quota", Says.NO, sentence, instead, fits)


def _ways(of_sku: OfferedSku, asked: Asked) -> tuple[tuple[str, ...], list[str]]:
    """The nearest capacity that fits, and the SKUs that have room for the one that is wanted."""
    assert asked.entry
    need = asked.spec.deployment.capacity
    fits = of_sku.nearest(need, _left(of_sku, asked))
    roomy = [
        facts.SKUS.values[other.name.lower()]
        for other in _candidates(asked.entry)
        if need <= _left(other, asked) < inf
        and other.takes(need)
        and other.name.lower() in facts.SKUS.values
    ]
    ways = [f"the capacity {fits}"] if fits else []
    ways += [f"the SKU {name}, which has room for it" for name in dict.fromkeys(roomy)]
    return (str(fits),) if fits else (), ways


def slot(asked: Asked) -> Answer:
    """Is there room for one more deployment of a tuned model?"""
    found = asked.offers.deployments
    if found.value is None:
        return not_known("slot", "How many deployments there are", found)
    tuned = [deployment.name for deployment in found.value if is_tuned(deployment.model)]
    most, in_all = facts.ACCOUNT.tuned_deployments, facts.ACCOUNT.deployments
    sentence = f"{len(tuned)} of {most} deployments of tuned models, {len(found.value)} of {in_all}"
    sentence += " in all."
    free, coming = min(most - len(tuned), in_all - len(found.value)), len(asked.coming)
    if free > coming:
        return Answer("slot", Says.YES, sentence)
    if free + len(asked.spare) > coming:
        return Answer("slot", Says.YES, f"{sentence} {SLEEP}")
    if free > 0:
        sentence += f" {_others(coming)}."
        return Answer("slot", Says.NO, sentence, WHEN_OTHERS_END, passes=True)
    full = tuned if len(tuned) >= most else [deployment.name for deployment in found.value]
    instead = f"Delete one that is not needed, of {any_of(sorted(full))}."
    return Answer("slot", Says.NO, sentence, instead, tuple(sorted(full)))


def _others(count: int) -> str:
    """Runs of this app, which the account does not know yet."""
    if count == 1:
        return "1 other run comes first and has no deployment yet"
    return f"{count} other runs come first and have no deployment yet"


def _serverless(names: Iterable[str]) -> tuple[str, ...]:
    """Those that may be asked for, each once, in the project's spelling."""
    known = (facts.SKUS.values.get(name.lower()) for name in names)
    return tuple(dict.fromkeys(name for name in known if name))


def _candidates(entry: OfferedModel) -> tuple[OfferedSku, ...]:
    return entry.tuned_skus or entry.skus


def _same(sku: OfferedSku, name: str) -> bool:
    return facts.SKUS.values.get(sku.name.lower()) == name
