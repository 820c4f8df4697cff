"""May this account serve what a spec would train? Pure functions: questions with their answers."""

from collections.abc import Iterable

from shared.catalog import facts, lookup
from shared.cloud.offers import OfferedModel, OfferedSku, Quota, is_tuned
from shared.run.answers import Answer, Asked, Says, any_of, choose, not_known

DEVELOPER = "DeveloperTier"
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
    counters = asked.offers.quotas.value or {}
    counted = [sku for sku in skus if sku.usage in counters]
    if not counted:
        what = f"What is left of the quota {skus[0].usage}"
        return not_known("quota", what, asked.offers.quotas)
    # Where there are several, the one that is used up first counts.
    of_sku = min(counted, key=lambda sku: counters[sku.usage].left)
    return _compared(of_sku, counters[of_sku.usage], asked)


def _compared(of_sku: OfferedSku, counter: Quota, asked: Asked) -> Answer:
    need = asked.spec.deployment.capacity
    left = f"{counter.left:,} of {counter.limit:,.0f} left of {of_sku.usage}; a deployment takes"
    sentence = f"{left} {need:,}."
    most = min(counter.left, of_sku.maximum or counter.left)
    if need <= most:
        return Answer("quota", Says.YES, sentence)
    return _smaller(sentence, most, of_sku, asked)


def _smaller(sentence: str, most: int, of_sku: OfferedSku, asked: Asked) -> Answer:
    """The largest capacity that fits, and the SKUs that have room for the one that is wanted."""
    fits = most - most % of_sku.step
    need, roomy = asked.spec.deployment.capacity, []
    assert asked.entry
    for other in _candidates(asked.entry):
        known = (asked.offers.quotas.value or {}).get(other.usage)
        if known and known.left >= need and other.name in facts.SKUS.values.values():
            roomy.append(other.name)
    ways = [f"the capacity {fits}"] if fits >= of_sku.minimum else []
    ways += [f"the SKU {name}, which has room for it" for name in dict.fromkeys(roomy)]
    chosen = f"Choose {' or '.join(ways)}; or delete" if ways else "Delete"
    instead = f"{chosen} a deployment that is not needed, or ask for more quota at {MORE_QUOTA}."
    options = (str(fits),) if fits >= of_sku.minimum else ()
    return Answer("quota", Says.NO, sentence, instead, options)


def slot(asked: Asked) -> Answer:
    """Is there room for one more deployment of a tuned model?"""
    found = asked.offers.deployments
    if found.value is None:
        return not_known("slot", "How many deployments there are", found)
    tuned = [deployment.name for deployment in found.value if is_tuned(deployment.model)]
    most, in_all = facts.ACCOUNT.tuned_deployments, facts.ACCOUNT.deployments
    sentence = f"{len(tuned)} of {most} deployments of tuned models, {len(found.value)} of {in_all}"
    sentence += " in all."
    if len(tuned) < most and len(found.value) < in_all:
        return Answer("slot", Says.YES, sentence)
    instead = f"Delete one that is not needed, of {any_of(sorted(tuned))}."
    return Answer("slot", Says.NO, sentence, instead, tuple(sorted(tuned)))


def _serverless(names: Iterable[str]) -> tuple[str, ...]:
    """Those that may be asked for, each once, in the project's spelling."""
    known = (facts.SKUS.values.get(name.lower()) for name in names)
    return tuple(dict.fromkeys(name for name in known if name))


def _candidates(entry: OfferedModel) -> tuple[OfferedSku, ...]:
    return entry.tuned_skus or entry.skus


def _same(sku: OfferedSku, name: str) -> bool:
    return facts.SKUS.values.get(sku.name.lower()) == name
