"""What the app tells of itself, through OpenTelemetry: spans, metrics and its own log.

Off, and next to free, until `start` finds a place to send it to. The providers are the app's own
and not the process's global ones: libraries that look for those would begin to tell of themselves,
and FastAPI would put the query of each request into a span, where function keys may stand.

Knows names, ids and numbers. No text of a dataset, prompt, answer or exception is ever given to it,
but for the lines that shared/ logs, which are free of them by its own rule.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from opentelemetry import trace
from opentelemetry.context import Context

T = TypeVar("T")
P = ParamSpec("P")
Record = Callable[[float, Mapping[str, Any]], None]

SEND_EVERY = 5.0  # seconds between two ends of events at which all that has gathered is sent
SEND_LIMIT = 5_000  # milliseconds that an event waits for each kind of signal to be sent


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


_WHO = "model version"
_STAYS = (1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 259_200, 604_800)
_WAITS, _OURS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 100), (0.5, 1, 2, 5, 10, 20, 50, 100, 500)

_ALL = (
    Metric("tunedrop.ticks", "{tick}", "", "ticks that came to their end"),
    Metric("tunedrop.runs", "{run}", "stage", "active runs that a tick looked after", gauge=True),
    Metric("tunedrop.runs.ended", "{run}", "stage", "runs that came to an end"),
    Metric("tunedrop.stage.seconds", "s", "stage", "time in the stage that a run leaves", _STAYS),
    Metric("tunedrop.findings", "{finding}", "id", "what dataset checks have found"),
    Metric("tunedrop.tokens.trained", "{token}", "model", "tokens that jobs are billed for"),
    Metric("tunedrop.cost.usd", "USD", "model", "those at list price; 0 where none is known"),
    Metric("tunedrop.drops.recovered", "{drop}", "", "drops that only the sweep found"),
    Metric("tunedrop.chat.answers", "{answer}", "status", "499: the caller hung up"),
    Metric("tunedrop.chat.seconds", "s", _WHO, "until the answer, or a stream's beginning", _WAITS),
    Metric("tunedrop.chat.added_ms", "ms", _WHO, "the part of that which was the app's own", _OURS),
    Metric("tunedrop.chat.fallbacks", "{answer}", "model", "given by another in its place"),
    Metric("tunedrop.chat.wakes", "{wake}", "model", "missed deployments, asked for again"),
)  # fmt: skip
METRICS = {metric.name: metric for metric in _ALL}

run: ContextVar[str] = ContextVar("run", default="")  # whom the log speaks of
root: ContextVar[trace.SpanContext | None] = ContextVar("root", default=None)  # to be made now

_tracer: trace.Tracer = trace.NoOpTracer()
_record: Mapping[str, Record] = {}
_senders: list[Callable[[int], bool]] = []
_sent = 0.0


def connect(
    tracer: trace.Tracer, record: Mapping[str, Record], senders: list[Callable[[int], bool]]
) -> None:
    """Switch on. `record` has METRICS' names; `senders` are called with SEND_LIMIT."""
    global _tracer, _record, _senders
    _tracer, _record, _senders = tracer, record, senders


def measure(name: str, value: float = 1, **attributes: str | int) -> None:
    """Add to a counter, record in a histogram, set a gauge, as METRICS describes it."""
    assert set(attributes) == set(METRICS[name].by.split()), f"{name}: {METRICS[name].by}"
    if _record:
        _record[name](value, attributes)


# ---- spans: each run has a trace of its own, wherever and however often it is looked after


def root_of(run_id: str) -> trace.SpanContext:
    """The first span of a run's trace. It follows from the id, so that nobody has to keep it."""
    digest = hashlib.sha256(run_id.encode()).digest()
    ids = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
    return trace.SpanContext(*ids, is_remote=True, trace_flags=trace.TraceFlags(1))


@asynccontextmanager
async def event(name: str) -> AsyncIterator[None]:
    """One call of a function by the host; at its end all that has gathered is sent."""
    global _sent
    try:
        with _span(name):
            yield
    finally:
        if _senders and time.monotonic() - _sent > SEND_EVERY:
            _sent = time.monotonic()
            await asyncio.gather(*(asyncio.to_thread(send, SEND_LIMIT) for send in _senders))


async def drop(work: Awaitable[str | None]) -> str | None:
    """Make a run of a drop: what began with the event is the first span of the run's trace."""
    began = time.time_ns()
    run_id = await work
    if run_id:
        about, kind, told = root.set(root_of(run_id)), trace.SpanKind.CONSUMER, {"run": run_id}
        _tracer.start_span("run.drop", Context(), kind, told, _links(), began).end()
        root.reset(about)
    return run_id


async def step(run_id: str, model: str, stage: str, work: Awaitable[T]) -> T:
    """Do a step of a run: a span of the run's trace, linked with the event that led to it."""
    below = trace.set_span_in_context(trace.NonRecordingSpan(root_of(run_id)), Context())
    with _span(f"run.{stage}", below, run=run_id, model=model, stage=stage) as span:
        seen = await work
        span.set_attribute("seen", f"{seen or 'nothing new'}")
        return seen


@contextmanager
def _span(name: str, below: Context | None = None, **told: str) -> Iterator[trace.Span]:
    """A span that tells an exception's type only: its message may hold what it failed on."""
    with _tracer.start_as_current_span(
        name,
        below,
        attributes=told,
        links=_links() if below else None,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def _links() -> list[trace.Link]:
    here = trace.get_current_span().get_span_context()
    return [trace.Link(here)] if here.is_valid else []


# ---- what functions of the app are wrapped in


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


def answers(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Count and time the answers of a chat, by what their headers tell the caller as well."""

    @wraps(work)
    async def within(*args: P.args, **kwargs: P.kwargs) -> T:
        began = time.perf_counter()
        try:
            answer: Any = await work(*args, **kwargs)
        except Exception:
            measure("tunedrop.chat.answers", status=500)
            raise
        measure("tunedrop.chat.answers", status=answer.status_code)
        _told_by(answer.headers, time.perf_counter() - began)
        return cast(T, answer)

    return within


def _told_by(headers: Mapping[str, str], seconds: float) -> None:
    if missed := headers.get("x-tunedrop-fallback-for"):
        measure("tunedrop.chat.fallbacks", model=missed.partition("@")[0])
    if who := headers.get("x-tunedrop-model"):
        (model, _, version), ours = who.partition("@"), float(headers["x-tunedrop-added-ms"])
        measure("tunedrop.chat.seconds", seconds, model=model, version=version)
        measure("tunedrop.chat.added_ms", ours, model=model, version=version)
