"""What the app reports about itself, through OpenTelemetry: spans, metrics and its own log.

Off, and next to free, until `connect` is given outputs. The providers are the app's own and not the
process's global ones: libraries look for those, and FastAPI would put the query of each request
into a span, where function keys may stand.

Knows names, ids and numbers. No text of a dataset, prompt, answer or exception is ever given to it,
except the lines that shared/ logs, which hold none of them by its own rule.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context

T = TypeVar("T")
StepResult = TypeVar("StepResult", bound="Observed")
P = ParamSpec("P")
Record = Callable[[float, Mapping[str, Any]], None]

FLUSH_INTERVAL_SECONDS = 5.0  # at the end of an event everything is sent, but not more often
FLUSH_TIMEOUT_MS = 5_000  # that an event waits for each kind of signal to be sent


class Observed(Protocol):
    """What a step comes to: it names what was observed, if anything."""

    @property
    def event(self) -> str | None: ...


class HasStatus(Protocol):
    status_code: int


R = TypeVar("R", bound=HasStatus)


class Metric(NamedTuple):
    """`by`: its attributes, in one string. With `bounds` of buckets it is a histogram."""

    name: str
    unit: str
    by: str
    doc: str
    bounds: tuple[float, ...] | None = None
    gauge: bool = False

    @property
    def kind(self) -> str:
        return "gauge" if self.gauge else "histogram" if self.bounds else "counter"


_BY_VERSION = "model version"
_STAGES = (1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 259_200, 604_800)
_WAITS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 100)
_ADDED = (0.5, 1, 2, 5, 10, 20, 50, 100, 500)

_ALL = (
    Metric("tunedrop.ticks", "{tick}", "", "ticks that finished"),
    Metric("tunedrop.shares", "{share}", "", "shares of a tick that calls did for a dead timer"),
    Metric("tunedrop.runs", "{run}", "stage", "active runs that a tick processed", gauge=True),
    Metric("tunedrop.runs.ended", "{run}", "stage", "runs that reached a final stage"),
    Metric("tunedrop.stage.seconds", "s", "stage", "time in a stage, when it is left", _STAGES),
    Metric("tunedrop.findings", "{finding}", "id", "findings of dataset checks"),
    Metric("tunedrop.tokens.trained", "{token}", "model", "tokens that jobs are billed for"),
    Metric("tunedrop.cost.usd", "USD", "model", "their list price; 0 where none is known"),
    Metric("tunedrop.drops.recovered", "{drop}", "", "drops that only the sweep found"),
    Metric("tunedrop.notifications", "{notification}", "result", "delivered, or given up"),
    Metric("tunedrop.orphans", "{orphan}", "kind", "at the service, in no record", gauge=True),
    Metric("tunedrop.chat.answers", "{answer}", "status", "responses; 499: the caller left"),
    Metric("tunedrop.chat.refusals", "{refusal}", "code caller", "refused, by the error's code"),
    Metric("tunedrop.chat.seconds", "s", _BY_VERSION, "until an answer begins", _WAITS),
    Metric("tunedrop.chat.added_ms", "ms", _BY_VERSION, "the app's own part of it", _ADDED),
    Metric("tunedrop.chat.fallbacks", "{answer}", "model", "answers by a fallback for the model"),
    Metric("tunedrop.chat.wakes", "{wake}", "model", "requests to redeploy a missing deployment"),
    Metric("tunedrop.trace.dropped", "{answer}", "", "in no trace: storage was away for too long"),
    Metric("tunedrop.feedback.left_out", "{conversation}", "model why", "not to be learned from"),
)  # fmt: skip
METRICS = {metric.name: metric for metric in _ALL}

run: ContextVar[str] = ContextVar("run", default="")  # that lines of the log belong to
# The ids that the next span gets, instead of random ones: the root of a run's trace.
root: ContextVar[trace.SpanContext | None] = ContextVar("root", default=None)


@dataclass(slots=True)
class Outputs:
    """Where spans and measurements go; by default nowhere. `record` has METRICS' names, `flushers`
    send what has gathered and take FLUSH_TIMEOUT_MS."""

    tracer: trace.Tracer = field(default_factory=trace.NoOpTracer)
    record: Mapping[str, Record] = field(default_factory=dict)
    flushers: tuple[Callable[[int], bool], ...] = ()
    flushed_at: float = 0.0

    async def flush(self) -> None:
        if not self.flushers or time.monotonic() - self.flushed_at <= FLUSH_INTERVAL_SECONDS:
            return
        self.flushed_at = time.monotonic()
        flushes = (asyncio.to_thread(flush, FLUSH_TIMEOUT_MS) for flush in self.flushers)
        await asyncio.gather(*flushes)


_outputs = Outputs()


def connect(outputs: Outputs) -> Outputs:
    """Send there from now on. Returns the outputs of before, so that they can be restored."""
    global _outputs
    previous, _outputs = _outputs, outputs
    return previous


def measure(name: str, value: float = 1, **attributes: str | int) -> None:
    """Add to a counter, record in a histogram, set a gauge, as METRICS describes it."""
    assert set(attributes) == set(METRICS[name].by.split()), f"{name}: {METRICS[name].by}"
    if _outputs.record:
        _outputs.record[name](value, attributes)


# ---- spans: each run has one trace, wherever and however often it is processed


def root_of(run_id: str) -> trace.SpanContext:
    """The first span of a run's trace. It is computed from the id and need not be stored."""
    digest = hashlib.sha256(run_id.encode()).digest()
    ids = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
    return trace.SpanContext(*ids, is_remote=True, trace_flags=trace.TraceFlags(1))


@asynccontextmanager
async def event(name: str) -> AsyncIterator[None]:
    """One call of a function by the host; at its end what has gathered is sent."""
    try:
        with _span(name):
            yield
    finally:
        await _outputs.flush()


async def drop(work: Awaitable[str | None]) -> str | None:
    """Make a run of a drop; that work is the first span of the run's trace."""
    began = time.time_ns()
    run_id = await work
    if run_id:
        token, kind = root.set(root_of(run_id)), trace.SpanKind.CONSUMER
        span = _outputs.tracer.start_span(
            "run.drop", Context(), kind, {"run": run_id}, _links(), began
        )
        span.end()
        root.reset(token)
    return run_id


async def step(run_id: str, model: str, stage: str, work: Awaitable[StepResult]) -> StepResult:
    """Do a step of a run: a span of the run's trace, linked with the call that led to it."""
    parent = trace.set_span_in_context(trace.NonRecordingSpan(root_of(run_id)), Context())
    with _span(f"run.{stage}", parent, run=run_id, model=model, stage=stage) as span:
        result = await work
        span.set_attribute("event", str(result.event or "nothing new"))
        return result


@contextmanager
def _span(name: str, parent: Context | None = None, **attributes: str) -> Iterator[trace.Span]:
    """A span with an exception's type only: its message may hold content."""
    with _outputs.tracer.start_as_current_span(
        name,
        parent,
        attributes=attributes,
        links=_links() if parent else None,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def _links() -> list[trace.Link]:
    current = trace.get_current_span().get_span_context()
    return [trace.Link(current)] if current.is_valid else []


# ---- decorators


def about_run(
    work: Callable[Concatenate[str, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[str, P], Coroutine[Any, Any, T]]:
    """Lines of the log that are written within carry the run's id, the first argument."""

    @wraps(work)
    async def within(run_id: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        before = run.set(run_id)
        try:
            return await work(run_id, *args, **kwargs)
        finally:
            run.reset(before)

    return within


def count_answers(
    work: Callable[P, Coroutine[Any, Any, R]],
) -> Callable[P, Coroutine[Any, Any, R]]:
    """Count the responses of a chat by their status."""

    @wraps(work)
    async def within(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            response = await work(*args, **kwargs)
        except Exception:
            measure("tunedrop.chat.answers", status=500)
            raise
        measure("tunedrop.chat.answers", status=response.status_code)
        return response

    return within
