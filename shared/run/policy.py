"""How long, how often and how many: the figures by which runs are looked after. Pure.

Tests give their own policy; nobody overwrites a constant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.run.record import Run
from shared.run.stages import DEADLINES, Stage


@dataclass(frozen=True, kw_only=True)
class Policy:
    concurrency: int = 8  # runs that one tick looks after side by side, and drops of one sweep
    tick_timeout: float = 45.0  # seconds that a tick waits for its runs; the rest goes on beside it
    share_runs: int = 6  # that a call looks after in the place of a timer that is dead
    share_seconds: float = 5.0  # after which it begins nothing further
    max_steps: int = 50  # of one run in a row, after which it is left to the next tick
    max_conflicts: int = 3  # lost races in a row, after which a run is left to the next tick
    job_in_flight: timedelta = timedelta(minutes=2)  # after which "create job" may be sent again
    intent_valid: timedelta = timedelta(seconds=30)  # after which its own worker does not send it
    create_timeout: float = 60.0  # seconds for the call, or what is left of job_in_flight
    empty_patience: timedelta = timedelta(minutes=10)  # then it is told beside what stays empty
    append_quiet: int = 12  # quiet periods in which an append blob that is not sealed has not grown
    append_patience: timedelta = timedelta(days=1)  # the longest that such a blob is waited for
    file_wait: float = 5.0  # seconds that a step waits for a file to be processed
    checks_at_once: int = 2  # worker processes that read datasets; the others wait in their order
    check_seconds: float = 60.0  # of processor time, at the most, that a check takes
    check_seconds_per_mb: float = 1.0  # more; a slow file takes a tenth of it
    check_patience: float = 240.0  # seconds by the clock beyond twice that: its process hangs
    check_memory: int = 512 << 20  # bytes that a worker process may hold
    check_tries: int = 3  # in a row, where the process ends without an answer
    optional_tries: int = 5  # looks in a row at what a run can do without; then it goes on without
    model_name_wait: timedelta = timedelta(hours=6)  # after a job has succeeded; it takes minutes
    first_pause: float = 15.0  # seconds, at most, before the second try of what has failed
    longest_pause: float = 15 * 60.0  # seconds; the end of an outage of hours is noticed soon
    longest_retry_after: float = 60 * 60.0  # seconds of a Retry-After that are believed
    redeploy_tries: int = 6  # that a champion's deployment is asked for within `redeploy_within`
    redeploy_within: timedelta = timedelta(days=1)
    longest_redeploy_pause: timedelta = timedelta(hours=6)
    room_pause: timedelta = timedelta(minutes=5)  # before a full account is asked again
    leave_after: timedelta = timedelta(days=1)  # an ended run whose files cannot be deleted
    forgotten_within: timedelta = timedelta(days=1)  # a sweep looks at the runs entered since
    orphans_every: timedelta = timedelta(minutes=15)  # three listings of the service
    orphan_age: timedelta = timedelta(hours=1)  # known for so long, it is ended, if that is wished
    orphan_told_again: timedelta = timedelta(days=1)  # after which a line is written once more
    delivery_time: float = 45.0  # seconds in which one delivery of notifications begins calls
    tell_for: timedelta = timedelta(days=3)  # then a notification is given up
    change_wait: timedelta = timedelta(minutes=10)  # for a change that is to be told of
    hosting_every: timedelta = timedelta(minutes=5)  # a listing of the account's deployments
    sleeps_at_once: int = 8  # versions that one look puts to sleep; others at the next
    compare_share: float = 20.0  # seconds of a tick in which models are asked to be compared
    compare_at_once: int = 16  # calls of one deployment, as far as its capacity allows
    compare_alone: float = 0.5  # seconds after which a first call is being answered
    compare_tries: int = 3  # of one call, and calls in a row, before it is the service's fault
    compare_size: int = 2_000_000  # bytes of examples that are asked; 500,000 tokens or so
    compare_within: timedelta = timedelta(hours=6)  # then what is missing counts as missing
    shortest_wait: float = 1.0  # seconds after a 429, whatever it says
    downtime_after: timedelta = timedelta(minutes=15)  # a gap between ticks: nobody was looking
    deadlines: Mapping[Stage, timedelta] = field(default_factory=lambda: DEADLINES)

    def check_time(self, size: int) -> float:
        """Seconds of processor time for the check of so many bytes."""
        return self.check_seconds + self.check_seconds_per_mb * size / 1e6

    def call_seconds(self, age: float) -> float:
        """How long "create job" may take, `age` seconds after its intent: it is over before others
        may send another."""
        others_wait = max(self.job_in_flight, self.intent_valid).total_seconds()
        return min(self.create_timeout, others_wait - age)

    def pause(self, tries: int, asked: float | None, chance: float) -> timedelta:
        """The time before the next try after `tries` failures in a row.

        Twice as long each time and spread by `chance` (0 to 1), so that runs which were throttled
        together do not come back together; never shorter than the service has `asked` for.
        """
        longest = min(self.first_pause * 2 ** min(tries - 1, 20), self.longest_pause)
        spread = longest * (0.5 + chance / 2)
        minimum = min(asked or 0.0, self.longest_retry_after) * (1 + chance / 10)
        return timedelta(seconds=max(spread, minimum))

    def redeploy_pause(self, misses: int) -> timedelta:
        """Before a champion's deployment is looked at again that was refused or has failed so many
        times in a row: a minute, then four times as long each time."""
        seconds = self.first_pause * 4 ** min(misses, 10)
        return min(timedelta(seconds=seconds), self.longest_redeploy_pause)

    def overdue(self, run: Run, awake_since: datetime | None, now: datetime) -> bool:
        """Whether its stage has seen nothing new for too long, not counting when nobody looked.

        Never without `awake_since`, the beginning of the unbroken row of ticks, nor for a run whose
        end is commanded already.
        """
        limit = self.deadlines.get(run.stage)
        if limit is None or awake_since is None or run.ending:
            return False
        return now - max(run.since, awake_since) > limit

    def nameless_for_too_long(self, run: Run, awake_since: datetime | None, now: datetime) -> bool:
        """Whether its job's model has not been named for too long, as `overdue` counts."""
        if run.nameless_since is None or awake_since is None:
            return False
        return now - max(run.nameless_since, awake_since) > self.model_name_wait
