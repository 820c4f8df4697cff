"""What is read of an answer: its keys, the form of an id, whether a moment is now, the order of
states. Pure; a value that it gives holds nothing of the answer's content.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tunedrop.probe.scrub import HEX
from tunedrop.probe.wire import Reply

CLOCK_SECONDS = 600.0  # by which two machines' clocks may differ
# In the order in which a job passes them; those of one rank follow each other in any order.
JOB_RANKS = {
    "created": 0, "validating_files": 0, "queued": 0, "notRunning": 0, "pending": 1,
    "running": 2, "pausing": 2, "paused": 2, "resuming": 2,
    "succeeded": 3, "failed": 3, "cancelled": 3, "canceled": 3,
}  # fmt: skip
JOB_ENDS = {name for name, rank in JOB_RANKS.items() if rank == 3}
FILE_RANKS = {"uploaded": 0, "pending": 1, "running": 2, "processed": 3, "error": 3}
FILE_ENDS = {"processed", "error", "deleted"}


def keys_of(body: Any) -> str:
    return ",".join(sorted(body)) if isinstance(body, dict) else "no object"


def form_of(identifier: Any) -> str:
    """The prefix of an id, and what follows it."""
    text = str(identifier)
    mark = next((one for one in "-_" if one in text), "-")
    prefix, _, rest = text.partition(mark)
    named = prefix.isascii() and prefix.isalpha() and prefix.islower()
    if not (named and rest.isascii() and rest.isalnum()):
        return "another form"
    kind = "hex" if HEX.issuperset(rest) else "letters"
    return f"{prefix}{mark} and {len(rest)} {kind}"


def when(moment: Any, now: float) -> str:
    """Whether a time in seconds is now."""
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        return "no number"
    if abs(moment - now) <= CLOCK_SECONDS:
        return "now"
    return "another time" if moment < 1e11 else "not in seconds"


def order(seen: Sequence[str], ranks: Mapping[str, int]) -> str:
    """`in order`, or all that was seen where a state is not known or came too early or too late."""
    found = [ranks.get(state, -1) for state in seen]
    good = -1 not in found and found == sorted(found)
    return "in order" if good else " ".join(seen)


def created(reply: Reply) -> str:
    """Status of an object that was made, and whether its address was told."""
    return f"{reply.outcome} Location" if "location" in reply.headers else reply.outcome


def waiting(reply: Reply) -> str:
    """Status of a long operation's begin, and the headers by which it is waited for."""
    names = {"azure-asyncoperation": "Azure-AsyncOperation", "location": "Location"}
    told = [shown for name, shown in names.items() if name in reply.headers]
    told += ["Retry-After"] if "retry-after" in reply.headers else []
    return " ".join([reply.outcome, *told])


def newest_first(moments: Sequence[Any]) -> str:
    """The order of times; `equal` where it cannot be told."""
    found = [moment for moment in moments if isinstance(moment, int | float)]
    if len(set(found)) < 2:
        return "equal"
    if found == sorted(found, reverse=True):
        return "newest first"
    return "oldest first" if found == sorted(found) else "mixed"


def paged(first: Reply, second: Reply, limit: int) -> str:
    """Whether a page of `limit` is one, says that there is more, and the next one goes on."""
    if not first.is_ok:
        return first.outcome
    if len(first.items) != limit:
        return f"{len(first.items)} items"
    if first.object.get("has_more") is not True:
        return "no has_more"
    known = {one.get("id") for one in first.items}
    goes_on = second.items and not known & {one.get("id") for one in second.items}
    return "goes on" if goes_on else "does not go on"
