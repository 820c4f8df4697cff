"""Removes from a resource whatever a probe has made, found by its name: after each probe what that
one made, and with `--clean` what any has left, also one that was killed.

Knows in which order things can be removed: what serves before what is served, and a job before the
files that it reads. Touches nothing with another name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tunedrop.probe.deploying import gone
from tunedrop.probe.jobs import follow
from tunedrop.probe.memory import PREFIX
from tunedrop.probe.reading import JOB_ENDS
from tunedrop.probe.session import Session
from tunedrop.probe.things import SUFFIX, write
from tunedrop.probe.wire import DATED, Reply

MOST_PAGES = 200
CONTROL_ENDS = (200, 202, 204, 404)


@dataclass
class Removed:
    """How many of each kind; `left`: what is still there, in words without a name."""

    counts: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def note(self, kind: str, reply: Reply) -> None:
        if reply.status in CONTROL_ENDS:
            self.counts[kind] = self.counts.get(kind, 0) + 1
        else:
            self.left.append(f"a {kind}, answered with {reply.outcome}")


def clean(session: Session, name: str = PREFIX) -> Removed:
    """Of the probe with this name; of every probe without one."""
    removed = Removed()
    _deployments(session, name, removed)
    files = {str(one["id"]) for one in _files(session) if _begins(one.get("filename"), name)}
    jobs = [one for one in _jobs(session) if _is_job(one, name, files)]
    for job in jobs:
        _end(session, str(job["id"]))
    for model in {model for job in jobs if (model := _model(session, str(job["id"])))}:
        reply = session.wire.data("DELETE", f"/models/{model}")
        if reply.status != 404:
            removed.note("model", reply)
    for job in jobs:
        files.update(_results(session, str(job["id"])))
        path = f"/fine_tuning/jobs/{job['id']}"
        removed.note("job", session.wire.data("DELETE", path, family=DATED))
    for file in sorted(files):
        removed.note("file", session.wire.data("DELETE", f"/files/{file}"))
    return removed


def _begins(name: object, with_: str) -> bool:
    return isinstance(name, str) and name.startswith(with_)


def _is_job(job: dict[str, Any], name: str, files: set[str]) -> bool:
    """By its suffix, or by its file where the service tells none."""
    ours = SUFFIX + name.removeprefix(PREFIX)
    return _begins(job.get("suffix"), ours) or job.get("training_file") in files


def _deployments(session: Session, name: str, removed: Removed) -> None:
    _, listed = session.wire.every("/deployments")
    found = [str(one["name"]) for one in listed if _begins(one.get("name"), name)]
    for one in found:
        removed.note("deployment", write(session, "DELETE", one))
    for one in found:
        gone(session, one)


def _end(session: Session, job: str) -> None:
    """A job that still goes on is cancelled, and waited for: none can be deleted before."""
    path = f"/fine_tuning/jobs/{job}"
    if str(session.wire.data("GET", path).object.get("status")) not in JOB_ENDS:
        session.wire.data("POST", f"{path}/cancel")
        follow(session, job)


def _model(session: Session, job: str) -> str:
    reply = session.wire.data("GET", f"/fine_tuning/jobs/{job}")
    return str(reply.object.get("fine_tuned_model") or "")


def _results(session: Session, job: str) -> list[str]:
    found = session.wire.data("GET", f"/fine_tuning/jobs/{job}").object.get("result_files")
    return [str(one) for one in found] if isinstance(found, list) else []


def _files(session: Session) -> Iterator[dict[str, Any]]:
    yield from _pages(session, "/files")


def _jobs(session: Session) -> Iterator[dict[str, Any]]:
    yield from _pages(session, "/fine_tuning/jobs")


def _pages(session: Session, path: str) -> Iterator[dict[str, Any]]:
    """Each item once; the end where a page brings nothing new."""
    known: set[str] = set()
    after = ""
    for _ in range(MOST_PAGES):
        listed = session.wire.data("GET", path, query={"after": after, "limit": 100})
        new = [one for one in listed.items if str(one.get("id")) not in known]
        yield from new
        known.update(str(one.get("id")) for one in new)
        if not new or listed.object.get("has_more") is not True:
            return
        after = str(new[-1].get("id"))
