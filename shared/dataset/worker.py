"""The process in which the app reads strangers' files: `python -m shared.dataset.worker`.

Each frame on stdin is a command, each has one frame on stdout as its answer:

    begin   a budget and what is asked of the check; whatever was before is forgotten
    open    a file with its name and role; then `feed` with its bytes, then `close`
    report  the verdict on the files, as a page and as JSON
    split   a local file into two others, or none of them where nothing can be held out
    diff    what is another in one local file than in another, as JSON
    merge   local files into another one, and what was taken, as JSON

It holds one check at a time, and ends with the process that started it. On POSIX the kernel ends it
when its processor time is used up, wherever it is; Windows knows no such limit. Memory that cannot
be had is an exit code of its own. Knows nothing of runs or Azure, and prints nothing.
"""

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple

from shared.dataset import frames, together
from shared.dataset.frames import Frame
from shared.dataset.measure.cost import Price, TrainingPlan
from shared.dataset.merge import Conflicts
from shared.dataset.reading.examples import FileRole
from shared.dataset.report import document, page
from shared.dataset.scan import Scan, ScanResult
from shared.dataset.split import CannotSplit, split_file
from shared.dataset.together import Given
from shared.dataset.verdict import NEW, judge
from shared.errors import CallerError

IDLE_SECONDS = 300.0  # without a command, after which it ends by itself
POLITE = 5  # added to the niceness: a chat goes first

Answer = tuple[dict[str, Any], bytes]


class Reports(NamedTuple):
    """`errors`: what they are, in a few words; empty for a dataset that is good. `findings`: how
    many there are of each id. `predicted`: tokens of all epochs, USD or None, and whether at most.
    """

    html: bytes
    json: bytes
    summary: str
    errors: str
    findings: list[tuple[str, int]]
    predicted: dict[str, Any]


def reports(
    name: str,
    plan: TrainingPlan,
    scanned: Sequence[ScanResult],
    today: date,
    validation_age: timedelta = NEW,
    account: Mapping[str, Any] | None = None,
    nothing_held_out: bool = False,
    left_out: Sequence[str] = (),
) -> Reports:
    """The verdict on scanned files, under the name that the report bears. `account`: what the
    account says to the run, where it was asked. `left_out`: what it is told of other files."""
    verdict = judge(scanned, plan, today, validation_age, account, nothing_held_out, left_out)
    groups = [*verdict.groups, *(g for file in verdict.files for g in verdict.groups_of(file))]
    errors = [f"{g.id} ({g.count})" for g in groups if g.as_json()["severity"] == "error"]
    return Reports(
        html=page.as_html(name, verdict, account).encode(),
        json=json.dumps(
            document.as_json(name, verdict, account), indent=2, ensure_ascii=False
        ).encode(),
        summary=document.summary(verdict),
        errors=", ".join(errors),
        findings=[(group.id, group.count) for group in groups],
        predicted=_predicted(verdict.price),
    )


def _predicted(price: Price) -> dict[str, Any]:
    at_most = bool(price.image_tokens) and price.exact
    return {"tokens": price.tokens * price.epochs, "usd": price.training, "at_most": at_most}


@dataclass
class Check:
    """One check, command by command."""

    about: dict[str, Any] = field(default_factory=dict)
    scanned: list[ScanResult] = field(default_factory=list)
    scan: Scan | None = None

    def begin(self, head: dict[str, Any], body: bytes) -> Answer:
        _limit_all(head)
        return {}, b""

    def open(self, head: dict[str, Any], body: bytes) -> Answer:
        self.scan = Scan(head["name"], FileRole(head["role"]), self._plan())
        return {}, b""

    def feed(self, head: dict[str, Any], body: bytes) -> Answer:
        assert self.scan, "`open` comes first"
        self.scan.feed(body)
        return {}, b""

    def close(self, head: dict[str, Any], body: bytes) -> Answer:
        assert self.scan, "`open` comes first"
        found = self.scan.finish()
        self.scanned.append(found)
        self.scan = None
        return {"examples": found.examples, "sha256": found.sha256}, b""

    def report(self, head: dict[str, Any], body: bytes) -> Answer:
        today = date.fromisoformat(self.about["today"])
        age = timedelta(seconds=self.about["validation_age"])
        account, whole = self.about.get("account"), self.about.get("nothing_held_out", False)
        left, plan = self.about.get("left_out", ()), self._plan()
        made = reports(self.about["run"], plan, self.scanned, today, age, account, whole, left)
        told: dict[str, Any] = {"summary": made.summary, "errors": made.errors}
        told |= {"findings": made.findings, "predicted": made.predicted}
        return {**told, "html": len(made.html), "peak": _peak()}, made.html + made.json

    def split(self, head: dict[str, Any], body: bytes) -> Answer:
        source, training, validation = map(Path, head["paths"])
        with contextlib.suppress(CannotSplit):
            split_file(source, training, validation, head["share"], head["seed"])
        return {"peak": _peak()}, b""

    def diff(self, head: dict[str, Any], body: bytes) -> Answer:
        return _told(lambda: together.difference(*_sides(head)))

    def merge(self, head: dict[str, Any], body: bytes) -> Answer:
        base, additions, *held = _sides(head)
        out, conflicts = Path(head["out"]), Conflicts(head["conflicts"])
        return _told(lambda: together.merged(base, additions, held, conflicts, out))

    def _plan(self) -> TrainingPlan:
        return TrainingPlan(**self.about["plan"])


COMMANDS: dict[str, Callable[[Check, dict[str, Any], bytes], Answer]] = {
    "begin": Check.begin,
    "open": Check.open,
    "feed": Check.feed,
    "close": Check.close,
    "report": Check.report,
    "split": Check.split,
    "diff": Check.diff,
    "merge": Check.merge,
}


def _sides(head: dict[str, Any]) -> list[Given]:
    return [Given(Path(path), name) for path, name in head["files"]]


def _told(work: Callable[[], dict[str, Any]]) -> Answer:
    """What the work tells, as the body; what it refuses, with the cure, as the head."""
    try:
        body = json.dumps(work(), ensure_ascii=False).encode("utf-8", "replace")
    except CallerError as error:
        return {"refused": [error.message, error.fix], "peak": _peak()}, b""
    return {"refused": None, "peak": _peak()}, body


# ---- the process


def main() -> None:
    if hasattr(os, "nice"):
        os.nice(POLITE)
    reading, writing = _pipes()
    inbox: queue.Queue[Frame] = queue.Queue()
    threading.Thread(target=_receive, args=(reading, inbox), daemon=True).start()
    try:
        _work(inbox, writing)
    except MemoryError:  # also where an answer is written, or the next command waited for
        os._exit(frames.OUT_OF_MEMORY)


def _work(inbox: "queue.Queue[Frame]", writing: IO[bytes]) -> None:
    """Command by command, until none has come for a while."""
    check = Check()
    while True:
        try:
            head, body = inbox.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            os._exit(0)
        if head["do"] == "begin":
            check = Check(head)
        _answer(writing, check, head, body)
        del body


def _receive(reading: IO[bytes], inbox: "queue.Queue[Frame]") -> None:
    """Whoever asks waits for the answer before asking again, so the end of the pipe is met here
    also while a command is under way: the app is gone."""
    try:
        while True:
            inbox.put(frames.read(reading))
    except MemoryError:
        os._exit(frames.OUT_OF_MEMORY)
    except (EOFError, OSError):
        os._exit(0)


def _answer(writing: IO[bytes], check: Check, head: dict[str, Any], body: bytes) -> None:
    """Do what the command says and tell what came of it; the process ends with what went wrong."""
    try:
        told, data = COMMANDS[head["do"]](check, head, body)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the app is told and goes on
        frames.write(writing, {"fault": _fault(error)})
        os._exit(1)
    frames.write(writing, told, data)


def _fault(error: Exception) -> str:
    """Its kind and place without its message, which may quote a dataset."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"


def _limit_all(head: dict[str, Any]) -> None:
    """Processor time in seconds from now on, memory in bytes."""
    if sys.platform == "win32":
        return
    import resource

    # SIGPROF ends a process that does not handle it. (RLIMIT_CPU counts whole seconds only.)
    signal.setitimer(signal.ITIMER_PROF, head["seconds"])
    _limit(resource.RLIMIT_DATA, head["memory"])
    _limit(resource.RLIMIT_CORE, 0)  # a picture of its memory would be a copy of the dataset


def _limit(kind: int, value: int) -> None:
    import resource

    _, most = resource.getrlimit(kind)
    capped = value if most == resource.RLIM_INFINITY else min(value, most)
    with contextlib.suppress(OSError, ValueError):  # macOS refuses some of them
        resource.setrlimit(kind, (capped, most))


def _peak() -> int:
    """The most memory in bytes that it has had; 0 where that is not known.

    Linux alone tells it: getrusage begins with what the app had when it started this process.
    """
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return 0


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """stdin and stdout, out of the way of whatever might print."""
    pipes: list[IO[bytes]] = []
    for number, mode in ((0, "rb"), (1, "wb")):
        pipes.append(os.fdopen(os.dup(number), mode))
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, number)
        os.close(nothing)
    return pipes[0], pipes[1]


if __name__ == "__main__":
    main()
