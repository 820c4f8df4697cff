"""One probe from its begin to its end: its areas one after the other, what came of each, and the
removal of what it has made.

Knows the order of the areas and what keeps one from being asked; no question.
"""

from collections.abc import Callable, Mapping, Sequence

from tunedrop.probe import addresses, control, datafiles, deploying, jobs, training
from tunedrop.probe.cleaning import Removed, clean
from tunedrop.probe.price import AREAS, price
from tunedrop.probe.session import CannotGoOn, Session, StillWaits

Ask = Callable[[Session], None]
ASK: Mapping[str, Ask] = {
    "address": addresses.ask,
    "files": datafiles.ask,
    "jobs": jobs.ask,
    "control": control.ask,
    "deployments": deploying.ask,
    "training": training.ask,
}
assert tuple(ASK) == AREAS


def run(session: Session, areas: Sequence[str], tell: Callable[[str], None]) -> Removed | None:
    """What was removed at the end; None where something still waits, and the same call goes on.
    Raises NotReached; then, too, what is there is remembered and can be removed."""
    waits = False
    for area in (one for one in areas if one not in session.memory.done):
        tell(area)
        waits |= _waits(session, area)
        session.memory.save()
    return None if waits else clean(session, session.memory.name)


def _waits(session: Session, area: str) -> bool:
    """Ask it. What was left out for its price is not done: a later call may be allowed more."""
    memory = session.memory
    try:
        pay(session, area)
    except CannotGoOn as reason:
        memory.left_out[area] = str(reason)
        return False
    try:
        ASK[area](session)
    except StillWaits as reason:
        memory.left_out[area] = str(reason)
        return True
    except CannotGoOn as reason:
        memory.left_out[area] = str(reason)
    else:
        memory.left_out.pop(area, None)
    memory.done.append(area)
    return False


def pay(session: Session, area: str) -> None:
    """Once for each area, however often it is begun. Raises CannotGoOn at the ceiling, and where no
    price is known."""
    if area in session.memory.paid:
        return
    usd = price(area, session.wire.target.location)
    if usd is None and session.most_usd is not None:
        raise CannotGoOn("no list price is known for it")
    session.spend(usd or 0.0)
    session.memory.paid.append(area)
