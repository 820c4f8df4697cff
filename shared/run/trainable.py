"""May this account train what a spec asks for? Pure functions: questions with their answers."""

from datetime import date

from shared.catalog import facts, lookup
from shared.cloud.offers import EXISTING_ONLY, OPEN, RETIRED, OfferedModel, base_of
from shared.run.answers import Answer, Asked, Says, any_of, choose, not_known

METHODS = {
    facts.SUPERVISED,
    facts.DPO,
    "reinforcement",
}  # a list with other words is not understood


def model(asked: Asked) -> Answer:
    """Is the base model there?"""
    models = asked.offers.models
    if models.value is None:
        if asked.known is None:
            return not_known("model", f"Whether there is a base model {asked.base}", models)
        return asked.by_table("model", True, f"{asked.known.name} is a base model.")
    if asked.entry:
        return Answer("model", Says.YES, f"The account offers {asked.entry.name}.")
    options = _others(asked)
    none = "" if models.value else " It offers no model at all."
    sentence = f"The account does not offer {asked.base}.{none}"
    return Answer("model", Says.NO, sentence, choose("model", options), options)


def lifecycle(asked: Asked) -> Answer | None:
    """May this subscription still begin with it? Dates alone end nothing: they are "no earlier
    than"."""
    if asked.offers.models.value is None:
        return _lifecycle_by_table(asked)
    entry = asked.entry
    if entry is None:
        return None
    if entry.lifecycle in RETIRED:
        sentence = f"The account says that {entry.name} is retired (lifecycle {entry.lifecycle})."
        options = _others(asked)
        return Answer("lifecycle", Says.NO, sentence, choose("lifecycle", options), options)
    if entry.lifecycle == EXISTING_ONLY:
        return _existing_only(entry, asked)
    if ended := _past(asked.today, entry.training_ends, entry.ends):
        sentence = f"{entry.name} is said to end from {ended} on; whether it has is not known."
        return Answer("lifecycle", Says.UNKNOWN, sentence)
    if entry.lifecycle in OPEN:
        until = f"; its training goes on until {entry.training_ends} at least"
        sentence = f"{entry.name} is open to every subscription"
        return Answer("lifecycle", Says.YES, f"{sentence}{until if entry.training_ends else ''}.")
    told = entry.lifecycle or "none"
    return Answer("lifecycle", Says.UNKNOWN, f"The account names no known lifecycle: {told}.")


def _existing_only(entry: OfferedModel, asked: Asked) -> Answer:
    """Evaluated by subscription: whether it has ever deployed this version."""
    sentence = (
        f"{entry.name} is deprecated: only a subscription that has deployed it before goes on"
    )
    deployed = asked.offers.deployments.value or ()
    if any(base_of(deployment.model) == entry.name.lower() for deployment in deployed):
        return Answer("lifecycle", Says.YES, f"{sentence}, and this account has it deployed.")
    sentence += "; that this one has is not told by the account, which still offers it."
    return Answer("lifecycle", Says.UNKNOWN, sentence)


def _lifecycle_by_table(asked: Asked) -> Answer:
    ends = asked.known.training_ends if asked.known else None
    if asked.known is None or ends is None:
        return not_known("lifecycle", "Whether it is still open", asked.offers.models)
    if ends > asked.today and not asked.known.new_customers:
        sentence = f"By the table of {facts.READ_ON}, {asked.known.name} is open only to a "
        sentence += f"subscription that has deployed it before; it is trained until {ends}."
        return Answer("lifecycle", Says.UNKNOWN, sentence)
    if ends > asked.today:
        return asked.by_table("lifecycle", True, f"{asked.known.name} is trained until {ends}.")
    sentence = f"By the table of {facts.READ_ON}, its training may have ended on {ends}."
    return Answer("lifecycle", Says.UNKNOWN, sentence)


def method(asked: Asked) -> Answer | None:
    """Does it take this method of fine-tuning?"""
    entry, wanted = asked.entry, asked.spec.method
    if asked.offers.models.value is not None and entry is None:
        return None
    if entry and entry.tunable is False:
        options = _others(asked)
        sentence = f"The account says that {entry.name} cannot be fine-tuned."
        return Answer("method", Says.NO, sentence, choose("model", options), options)
    if entry and entry.tunable is None and any(m.tunable for m in asked.offers.models.value or ()):
        return _untold(entry, asked)
    if entry and (wanted in entry.methods or METHODS >= set(entry.methods) > set()):
        sentence = f"{entry.name} takes {any_of(entry.methods)}"
        if wanted in entry.methods:
            return Answer("method", Says.YES, f"{sentence}.")
        sentence += f", not {wanted}."
        return Answer("method", Says.NO, sentence, choose("method", entry.methods), entry.methods)
    if asked.known is None:
        return not_known("method", f"Whether it takes {wanted}", asked.offers.models)
    takes = asked.known.methods
    sentence = (
        f"{asked.known.name} takes {any_of(takes) if takes else 'neither supervised nor dpo'}."
    )
    return asked.by_table("method", wanted in takes, sentence, *takes)


def _untold(entry: OfferedModel, asked: Asked) -> Answer:
    """The account says of others that they can be fine-tuned, and nothing of this one."""
    sentence = f"The account does not say that {entry.name} can be fine-tuned"
    if asked.known and asked.known.methods:
        sentence += f"; by the table of {facts.READ_ON} it can."
        return Answer("method", Says.UNKNOWN, sentence)
    options = _others(asked)
    return Answer("method", Says.NO, f"{sentence}.", choose("model", options), options)


def training_type(asked: Asked) -> Answer:
    """Is it trained with this training type?"""
    if told := _told_tiers(asked):
        return _told_types(told, asked)
    tiers = asked.known.tiers if asked.known else ()
    if not tiers:
        sentence = f"Which training types {asked.base} takes is not known."
        return Answer("training-type", Says.UNKNOWN, sentence)
    sentence = f"{asked.base} is trained as {any_of(tiers)}."
    return asked.by_table("training-type", asked.tier in tiers, sentence, *tiers)


def _told_tiers(asked: Asked) -> tuple[str, ...]:
    """Training types by the account; none where a word of it is not understood."""
    told = [tier.lower() for tier in asked.entry.tiers] if asked.entry else []
    understood = all(tier in facts.TIERS for tier in told)
    return tuple(dict.fromkeys(facts.TIERS[tier] for tier in told)) if understood else ()


def _told_types(tiers: tuple[str, ...], asked: Asked) -> Answer:
    sentence = f"The account trains {asked.base} as {any_of(tiers)}"
    if asked.tier in tiers:
        return Answer("training-type", Says.YES, f"{sentence}.")
    sentence += f", not as {asked.tier}."
    return Answer("training-type", Says.NO, sentence, choose("training-type", tiers), tiers)


def region(asked: Asked) -> Answer | None:
    """Does the account's region train with this training type?"""
    here = asked.offers.location
    if told := _told_tiers(asked):  # what the account says of itself, it says of its region
        if asked.tier not in told:
            return None
        place = here.value or "its region"
        sentence = f"The account, in {place}, trains {asked.base} as {asked.tier}."
        return Answer("region", Says.YES, sentence)
    if here.value is None:
        return not_known("region", "The account's region", here)
    if asked.tier != "standard":
        sentence = f"{asked.tier} is not bound to the account's region, {here.value}."
        return Answer("region", Says.YES, sentence)
    where = lookup.standard_regions(asked.base)
    sentence = f"standard training of {asked.base} is in {any_of(where)}; the account is in "
    sentence += f"{here.value}."
    answer = asked.by_table("region", here.value in where, sentence, *where)
    if answer.says is not Says.NO:
        return answer
    instead = "Choose training_type globalStandard, or an account in one of these regions."
    return Answer("region", Says.NO, answer.sentence, instead, tuple(where))


def jobs(asked: Asked) -> Answer:
    """Is there room for one more job? How many run at once only makes it wait."""
    found = asked.offers.jobs
    if found.value is None:
        return not_known("jobs", "How many jobs there are", found)
    limits, there = facts.ACCOUNT, found.value
    sentence = (
        f"{there.total} of {limits.jobs} jobs, {there.queued} of {limits.queued_jobs} queued."
    )
    if there.total >= limits.jobs:
        instead = "Delete jobs that have ended: `tunedrop doctor` has the command."
        return Answer("jobs", Says.NO, sentence, instead)
    if there.queued >= limits.queued_jobs:
        return Answer("jobs", Says.NO, sentence, "It waits for the queue.", passes=True)
    return Answer("jobs", Says.YES, sentence)


def files(asked: Asked) -> Answer:
    """Is there room for the run's files? Those of other runs go when these have ended."""
    found, sent = asked.offers.files, asked.upload
    if found.value is None:
        return not_known("files", "How many files there are", found)
    limits, there = facts.FILE_STORE, found.value
    sentence = f"{there.count} of {limits.files} files, {there.size / 1e6:,.1f} of "
    sentence += (
        f"{limits.size / 1e6:,.0f} MB; the run sends {sent.files}, {sent.size / 1e6:,.1f} MB."
    )
    if sent.files > limits.files or sent.size > limits.size:
        instead = "No account has room for them: drop fewer or smaller files."
        return Answer("files", Says.NO, sentence, instead)
    if there.count + sent.files <= limits.files and there.size + sent.size <= limits.size:
        return Answer("files", Says.YES, sentence)
    instead = "It goes on when other runs have ended, or when files are deleted there."
    return Answer("files", Says.NO, sentence, instead, passes=True)


def _others(asked: Asked) -> tuple[str, ...]:
    """Base models that this account could train in its place."""
    wanted, base = asked.spec.method, asked.entry.name if asked.entry else asked.base
    named = (
        offered.name
        for offered in asked.offers.models.value or ()
        if offered.tunable
        and offered.lifecycle in {*OPEN, ""}
        and wanted in (offered.methods or [wanted])
        and offered.name != base
    )
    return tuple(dict.fromkeys(named))


def _past(today: date, *ends: date | None) -> date | None:
    return min((end for end in ends if end and end <= today), default=None)
