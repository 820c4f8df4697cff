"""What must hold at every moment of every life: looked at when a call is sent, and when one has
happened. A rule that is broken ends the life.

Reads what lies in storage and at the service; trusts nothing that a host says.
"""

import json
import re
from math import inf
from typing import Any

from shared.cloud.remote import ENDED
from shared.errors import Throttled, Unavailable
from shared.run.stages import (
    ACTIVE,
    DEPLOYED,
    ENDS,
    FROM_ANY,
    REOPENS,
    RESTARTS,
    TRANSITIONS,
    Stage,
)
from tests.simulation.hosts import World
from tests.simulation.network import Caller, run_of_this_task
from tests.simulation.plan import Known

# What makes something at the service that costs or takes room; a host without the claim on the run
# makes none of it.
COSTS = ("jobs.create", "deployments.put", "files.create")
FAULT = "A fault in Tunedrop itself"
ROUNDING = 0.9  # of a pause: the calls around it take time as well


class Rules:
    def __init__(self, world: World, known: frozenset[Known]) -> None:
        self.world, self.known = world, known
        self.records: dict[str, dict[str, Any]] = {}  # of runs, as last written
        self.models: dict[str, dict[str, Any]] = {}
        self.dropped: dict[str, str] = {}  # when the dataset of each was, by storage's clock
        self.told_to_wait: dict[str, float] = {}  # by Retry-After, until when
        self.quiet_until: dict[str, float] = {}  # the same, once the record says so
        self.broken: list[str] = []  # what did not hold; not raised, for the app would catch it
        self.broken_at = inf

    def check(self, holds: object, message: str) -> None:
        if not holds:
            self.broken.append(message)
            self.broken_at = min(self.broken_at, self.world.loop.time())

    # ---- before a call is sent

    def sent(self, caller: Caller, operation: str) -> None:
        run_id = run_of_this_task()
        if operation not in COSTS:
            return
        if Known.STALE_COSTS not in self.known and not self._claimed(caller, run_id):
            raise Unavailable("This host has lost its claim on the run.")
        if operation == "jobs.create":
            self._job_is_intended(run_id)

    def _claimed(self, caller: Caller, run_id: str) -> bool:
        return self.world.runs.holder(f"active/{run_id}") in caller.leases

    def _job_is_intended(self, run_id: str) -> None:
        """Whoever finds the record after a crash has to know that there may be a job."""
        if Known.STALE_COSTS in self.known:
            return
        record = self.records[run_id]
        self.check(record["stage"] == Stage.SUBMITTING, f"{run_id}: a job before its intent")
        self.check(record["asked_at"], f"{run_id}: a job, and the record does not say since when")
        self.check(record["training"]["file_id"], f"{run_id}: a job before its files are known")
        early = self.world.loop.time() < self.quiet_until.get(run_id, 0.0)
        self.check(not early, f"{run_id}: a job is asked for before Retry-After allows it")

    def refused(self, caller: Caller, operation: str, seconds: float) -> None:
        if operation == "jobs.create" and Known.WRONG_CLOCKS not in self.known:
            until = self.world.loop.time() + seconds * ROUNDING
            self.told_to_wait[run_of_this_task()] = until

    # ---- when it has happened

    def happened(self, caller: Caller, operation: str, subject: str, error: Any) -> None:
        if operation in ("create", "replace", "put") and error is None:
            place, _, name = subject.partition("/")
            if place == "runs" and name.endswith("/run.json"):
                self._run_written(name.removesuffix("/run.json"), name)
            elif place == "models" and name.endswith(".json"):
                self._model_written(name)
        elif operation == "jobs.create" and error is None:
            self._job_made(subject)
        elif operation == "jobs.create" and isinstance(error, Throttled) and error.retry_after:
            self.refused(caller, operation, error.retry_after)

    def _job_made(self, run_id: str) -> None:
        """One paid job for each attempt, never two at once, and none after one that succeeded."""
        service = self.world.service
        jobs = service.jobs_of(run_id)
        alive = [job for job in jobs if service.job_status(job) not in ENDED]
        self.check(len(alive) <= 1, f"{run_id} has {len(alive)} jobs at once: {alive}")
        succeeded = [job for job in jobs if service.job_status(job) == "succeeded"]
        self.check(not succeeded, f"{run_id} has a second job after {succeeded}")
        attempt = self.records[run_id]["attempt"]
        self.check(len(jobs) <= attempt, f"{run_id} has {len(jobs)} jobs in {attempt} attempts")

    def _run_written(self, run_id: str, name: str) -> None:
        new = json.loads(self.world.runs.bytes_of(name) or b"null")
        old = self.records.get(run_id)
        self.records[run_id] = new
        self.check(FAULT not in (new["waiting_for"] or ""), f"{run_id}: {new['waiting_for']}")
        self.check(new["stage"] != Stage.HELD or new["held"], f"{run_id} is held without a reason")
        if new["stage"] in ENDS - DEPLOYED:
            self.check(new["failure"] and new["failure"]["fix"], f"{run_id} ends without a fix")
        self.check(new["job_id"] not in new["past_jobs"], f"{run_id} adopts a job of before")
        if "jobs.create" in (new["waiting_for"] or "") and run_id in self.told_to_wait:
            self.quiet_until[run_id] = self.told_to_wait.pop(run_id)
        if old is None:
            self._run_entered(run_id, new)
        elif old != new:
            self._run_changed(run_id, old, new)

    def _run_entered(self, run_id: str, new: dict[str, Any]) -> None:
        self.dropped[run_id] = new["training"]["modified"]
        self.check(new["stage"] == Stage.RECEIVED, f"{run_id} begins as {new['stage']}")
        listed = [n for n in self.world.runs.names("newest/") if n.endswith(f"-{run_id}")]
        self.check(listed, f"{run_id} is in no list")

    def _run_changed(self, run_id: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        if _stages(new) != _stages(old):  # a time that a wrong clock had told may be corrected
            self._stage_changed(run_id, old, new)
        self.check(new["attempt"] >= old["attempt"], f"{run_id}: its attempts are forgotten")
        if old["job_id"] and new["job_id"] != old["job_id"]:
            kept = old["job_id"] in new["past_jobs"]
            self.check(kept, f"{run_id} forgets its job {old['job_id']}")
        past = new["past_jobs"][: len(old["past_jobs"])]
        self.check(past == old["past_jobs"], f"{run_id} forgets jobs of before")
        if old["version"]:
            self.check(new["version"] == old["version"], f"{run_id} changes its version")
        self._command_changed(run_id, old, new)

    def _stage_changed(self, run_id: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        before, after = Stage(old["stage"]), Stage(new["stage"])
        last = next(Stage(m["stage"]) for m in reversed(old["timeline"]) if m["stage"] in ACTIVE)
        allowed = after in _after(before, last)
        self.check(allowed, f"{run_id} goes from {before} to {after}")
        grown = new["timeline"][:-1] == old["timeline"]
        self.check(grown, f"{run_id} goes from {before} to {after}: its timeline is not kept")
        self.check(new["timeline"][-1]["stage"] == after, f"{run_id}: its timeline lacks {after}")
        if after in ENDS - DEPLOYED:
            self._nothing_goes_on(run_id, after)

    def _nothing_goes_on(self, run_id: str, after: Stage) -> None:
        """What costs is stopped before the run is over, not after it."""
        service = self.world.service
        alive = [job for job in service.jobs_of(run_id) if service.job_status(job) not in ENDED]
        self.check(not alive, f"{run_id} is {after}, and its jobs {alive} go on")
        models = {service.jobs[job].model for job in service.jobs_of(run_id)}
        there = [d.name for d in service.list_deployments() if d.model in models and not d.gone_at]
        self.check(not there, f"{run_id} is {after}, and {there} are deployed")

    def _command_changed(self, run_id: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """A command stays until it is carried out; only the end of a run goes before it."""
        if not old["command"] or old["command"] == new["command"]:
            if new["command"]:
                self.quiet_until.pop(run_id, None)  # a person asks: that goes at once
            return
        was = old["command"]["action"]
        if new["command"]:
            instead = new["command"]["action"]
            self.check(instead == "abandon", f"{run_id}: {instead} in the place of {was}")
        elif was in ("cancel", "abandon"):
            self.check(new["stage"] in ENDS, f"{run_id}: {was} is dropped, and it goes on")
            self.check(new["stage"] not in DEPLOYED, f"{run_id}: {was}, and it serves")

    # ---- models

    def _model_written(self, name: str) -> None:
        new = json.loads(self.world.models.bytes_of(name) or b"null")
        old = self.models.get(name, {"versions": [], "champion": None, "previous": None})
        self.models[name] = new
        numbers = [version["version"] for version in new["versions"]]
        self.check(len(set(numbers)) == len(numbers), f"{name}: a number twice in {numbers}")
        runs = [version["run_id"] for version in new["versions"]]
        self.check(len(set(runs)) == len(runs), f"{name}: two versions of one run")
        for version in old["versions"]:
            same = next((v for v in new["versions"] if v["version"] == version["version"]), None)
            kept = same and same["run_id"] == version["run_id"]
            self.check(kept, f"{name}@{version['version']} is another run's now")
        if new["champion"] and new["champion"] != old["champion"]:
            self._champion_changed(name, old, new)

    def _champion_changed(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        by_number = {version["version"]: version for version in new["versions"]}
        champion, before = by_number[new["champion"]], by_number.get(old["champion"])
        self.check(not champion["withdrawn"], f"{name}: a withdrawn version is the champion")
        answered = champion["deployment"] in self.world.service.answered
        self.check(answered, f"{name}@{champion['version']} is the champion before it has answered")
        if before and not before["withdrawn"]:
            pair = champion["run_id"], before["run_id"]
            times = [map(time, pair) for time in (self.dropped.__getitem__, self.last_dropped)]
            newer = any(own >= other for own, other in times)
            self.check(newer, f"{name}@{champion['version']} is older than {before['version']}")

    def last_dropped(self, run_id: str) -> str:
        """When its content was last dropped, as ISO time."""
        return str(self.records[run_id]["training"]["modified"])


def _stages(run: dict[str, Any]) -> list[str]:
    return [run["stage"], *(moment["stage"] for moment in run["timeline"])]


def _after(before: Stage, last_active: Stage) -> set[Stage]:
    """The stages that may follow."""
    named = {to for (stage, _), to in TRANSITIONS.items() if stage is before}
    if before in ACTIVE:
        return named | set(FROM_ANY.values())
    if before is Stage.SERVING:
        return set()
    return {RESTARTS[last_active], *REOPENS.values(), *named}


ANSWER_THAT_PASSES = re.compile(r"answered (401|403|408|409|423|429|5\d\d)|could not be reached")
