"""Area `jobs`: which jobs are refused, and the life of one that cannot train. Free."""

from collections.abc import Mapping
from typing import Any

from tunedrop.probe import shapes
from tunedrop.probe.datafiles import followed
from tunedrop.probe.reading import (
    JOB_ENDS,
    JOB_RANKS,
    created,
    form_of,
    keys_of,
    newest_first,
    order,
    paged,
    when,
)
from tunedrop.probe.session import CannotGoOn, Session, StillWaits
from tunedrop.probe.things import (
    BROKEN,
    LONGEST_SUFFIX,
    create_job,
    job,
    refused_job,
    suffix,
    upload,
)
from tunedrop.probe.wire import DATED, Reply

JOB_SECONDS = 12 * 3600.0  # a job of the service may wait that long for its turn
APART = 2.0  # seconds, so that two jobs have two times
RETIRED = "gpt-35-turbo-0613"
NOT_THERE = f"ftjob-{'0' * 32}"
PREVIEW = "gpt-oss-120b"  # not trained in a data zone, which its refusal says of a known spelling
ZONES = ("datazoneStandard", "dataZone")  # spellings of training in the data zone


def ask(session: Session) -> None:
    file = _file(session)
    _refused(session, file)
    _types(session, file)
    _life(session, file)
    ended = _ended(session)
    _events(session, str(ended["id"]))
    _lists(session)
    _afterwards(session, str(ended["id"]))


def _file(session: Session) -> str:
    """One that cannot be trained on; a job is asked for before it is processed."""

    def make() -> dict[str, Any]:
        file = session.need(upload(session, "broken", BROKEN), "an upload")
        reply = refused_job(session, str(file["id"]))
        now = session.wire.data("GET", f"/files/{file['id']}").object.get("status")
        # A file that was processed meanwhile is no longer a question.
        if not (reply.is_ok and now == "processed"):
            session.see("jobs.pending-file", reply.outcome)
            session.hear("jobs.pending-file-says", reply)
        return file

    file = str(session.once("broken", make)["id"])
    states, _ = followed(session, file)
    session.see("jobs.broken-file", states[-1])
    if states[-1] != "processed":
        raise CannotGoOn("a dataset is judged when it is uploaded, so that no job fails for free")
    return file


def _refused(session: Session, file: str) -> None:
    see = session.see
    unknown = refused_job(session, file, model="tunedrop-probe")
    see("jobs.unknown-model", unknown.outcome)
    session.hear("jobs.unknown-model-says", unknown)
    see("jobs.refusal-keys", keys_of(unknown.error))
    see("jobs.retired-model", refused_job(session, file, model=RETIRED).outcome)
    see("jobs.no-file", refused_job(session, f"file-{'0' * 32}").outcome)
    see("jobs.long-suffix", refused_job(session, file, suffix="x" * 41).outcome)
    dotted = f"{suffix(session)}.1"
    see("jobs.dotted-suffix", refused_job(session, file, suffix=dotted).outcome)
    epochs = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": -5}}}
    see("jobs.epochs", refused_job(session, file, method=epochs).outcome)
    pairs = {f"key-{number}": "x" for number in range(17)}
    see("jobs.metadata-17", refused_job(session, file, metadata=pairs).outcome)
    see("jobs.missing", session.wire.data("GET", f"/fine_tuning/jobs/{NOT_THERE}").outcome)


def _types(session: Session, file: str) -> None:
    """Which spellings of a training type are known: another sentence than one that is none gets."""
    none = refused_job(session, file, trainingType="tunedrop-probe", model=PREVIEW)
    session.see("jobs.unknown-type", none.outcome)
    known = [
        spelling
        for spelling in ZONES
        if (reply := refused_job(session, file, trainingType=spelling, model=PREVIEW))
        and (reply.is_ok or reply.sentence != none.sentence)
    ]
    session.see("jobs.data-zone", " ".join(known) or "not told")
    standard = refused_job(session, file, trainingType="Standard", model="gpt-oss-20b")
    session.see("jobs.open-weights-standard", standard.outcome)


def _life(session: Session, file: str) -> None:
    """Two jobs that fail, one of each family of addresses; of one all is looked at."""

    def make() -> dict[str, Any]:
        longest = suffix(session).ljust(LONGEST_SUFFIX, "x")
        body = job(session, file, trainingType="DeveloperTier", metadata={"of": "tunedrop-probe"})
        reply = create_job(session, {**body, "suffix": longest})
        session.see("jobs.suffix-40", reply.outcome)
        if not reply.is_ok:
            reply = create_job(session, body)
        session.see("jobs.create-v1", reply.outcome)
        _at_first(session, session.need(reply, "a job"), reply)
        return reply.object

    def make_dated() -> dict[str, Any]:
        reply = create_job(session, job(session, file), family=DATED)
        session.see("jobs.create-dated", created(reply))
        return session.need(reply, "a job")

    session.once("failing", make)
    session.clock.pause(APART)
    session.once("failing-dated", make_dated)


def _at_first(session: Session, made: Mapping[str, Any], reply: Reply) -> None:
    see = session.see
    see("jobs.shape", shapes.of_openai("FineTuningJob", made))
    see("jobs.id", form_of(made.get("id")))
    see("jobs.first-status", str(made.get("status")))
    see("jobs.created-at", when(made.get("created_at"), session.clock.now()))
    see("jobs.type-repeated", str(made.get("trainingType")))
    see("jobs.seed-repeated", "as sent" if made.get("seed") == 7 else "otherwise")
    kept = made.get("metadata") == {"of": "tunedrop-probe"}
    see("jobs.metadata-repeated", "as sent" if kept else "otherwise")
    found = made.get("hyperparameters")
    see("jobs.auto", str(found.get("n_epochs")) if isinstance(found, dict) else "none")
    estimated, began = made.get("estimated_finish"), made.get("created_at")
    if isinstance(estimated, int) and isinstance(began, int):
        see("jobs.estimate", "later" if estimated > began else "not later")


def _ended(session: Session) -> Mapping[str, Any]:
    """The job once it is over. Raises StillWaits."""
    made = session.once("failing", dict)
    states, last = follow(session, str(made["id"]))
    session.see("jobs.states", order([str(made.get("status")), *states], JOB_RANKS))
    if states[-1] not in JOB_ENDS:
        raise StillWaits("the job that cannot train still waits for its turn")
    session.see("jobs.end", states[-1])
    session.see("jobs.error-keys", keys_of(last.get("error")))
    error = last.get("error")
    session.see("jobs.error-code", str(error.get("code")) if isinstance(error, dict) else "none")
    session.see("jobs.ended-shape", shapes.of_openai("FineTuningJob", dict(last)))
    session.see("jobs.finished-at", when(last.get("finished_at"), session.clock.now()))
    return last


def follow(session: Session, identifier: str) -> tuple[list[str], Mapping[str, Any]]:
    def read() -> dict[str, Any]:
        path = f"/fine_tuning/jobs/{identifier}"
        return session.need(session.wire.data("GET", path), "reading a job")

    return session.states(read, "status", JOB_ENDS, JOB_SECONDS)


def _events(session: Session, identifier: str) -> None:
    wire, see = session.wire, session.see
    path = f"/fine_tuning/jobs/{identifier}/events"
    listed = wire.data("GET", path)
    see("jobs.events-keys", keys_of(listed.body))
    found = {one for event in listed.items for one in shapes.of_openai("FineTuningJobEvent", event)}
    see("jobs.event-shape", sorted(found))
    see("jobs.events-order", events_order(listed))
    first = wire.data("GET", path, query={"limit": 1})
    after = first.items[-1].get("id") if first.items else ""
    see("jobs.events-pages", paged(first, wire.data("GET", path, query={"after": after}), 1))


def events_order(listed: Reply) -> str:
    """By their times; where these are equal, by the event with which every job begins."""
    told = newest_first([one.get("created_at") for one in listed.items])
    if told != "equal" or len(listed.items) < 2:
        return told
    begins = [str(one.get("message")).startswith("Job enqueued") for one in listed.items]
    if begins[-1] == begins[0]:
        return told
    return "newest first" if begins[-1] else "oldest first"


def _lists(session: Session) -> None:
    wire, see = session.wire, session.see
    listed = wire.data("GET", "/fine_tuning/jobs")
    see("jobs.list-keys", keys_of(listed.body))
    see("jobs.list-order", _order(session, listed))
    first = wire.data("GET", "/fine_tuning/jobs", query={"limit": 1})
    after = first.items[-1].get("id") if first.items else ""
    rest = wire.data("GET", "/fine_tuning/jobs", query={"after": after})
    see("jobs.list-pages", paged(first, rest, 1))


def _order(session: Session, listed: Reply) -> str:
    """By their times; where these are equal, by the two jobs of which it is known."""
    told = newest_first([one.get("created_at") for one in listed.items])
    made = [str(session.memory.notes[name]["id"]) for name in ("failing", "failing-dated")]
    seen = [str(one.get("id")) for one in listed.items if str(one.get("id")) in made]
    if told != "equal" or len(seen) < 2:
        return told
    return "newest first" if seen == made[::-1] else "oldest first"


def _afterwards(session: Session, identifier: str) -> None:
    """What is still taken of a job that has ended."""
    wire, see, path = session.wire, session.see, f"/fine_tuning/jobs/{identifier}"
    see("jobs.cancel-ended", wire.data("POST", f"{path}/cancel").outcome)
    see("jobs.pause-ended", wire.data("POST", f"{path}/pause").outcome)
    see("jobs.delete-v1", wire.data("DELETE", path).outcome)
    if wire.data("GET", path).is_ok:
        see("jobs.delete-dated", wire.data("DELETE", path, family=DATED).outcome)
        see("jobs.after-delete", wire.data("GET", path).outcome)
