"""Where telemetry goes: the OpenTelemetry SDK and its exporters, imported only where needed.

    APPLICATIONINSIGHTS_CONNECTION_STRING   Application Insights
    OTEL_EXPORTER_OTLP_ENDPOINT             any collector, with a package that does not ship
    TUNEDROP_TELEMETRY_FOLDER               spans.jsonl, metrics.jsonl, logs.jsonl: for a laptop

The first two names are the platform's own. Knows where, not what: that is `telemetry`.
"""

import logging
import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared import telemetry
from shared.errors import SettingError
from shared.printable import printable

if TYPE_CHECKING:
    from opentelemetry._logs import Logger
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.trace.id_generator import IdGenerator

log = logging.getLogger(__name__)

WITHHELD = "(a text that this app did not write)"

Exporters = tuple[Any, Any, Any]  # of spans, of metrics, of logs


def start(environ: Mapping[str, str]) -> None:
    """Send to every destination that `environ` names; without one, nothing is sent. The log of the
    process is made safe to show in every case."""
    logging.setLogRecordFactory(SafeRecord)
    destinations = list(_destinations(environ))
    if not destinations:
        return
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    resource = Resource.create({SERVICE_NAME: environ.get("WEBSITE_SITE_NAME", "tunedrop")})
    readers = [PeriodicExportingMetricReader(metrics) for _, metrics, _ in destinations]
    tracing = TracerProvider(ALWAYS_ON, resource, id_generator=_ids())
    metering, logging_ = MeterProvider(readers, resource), LoggerProvider(resource)
    for spans, _, logs in destinations:
        tracing.add_span_processor(BatchSpanProcessor(spans))
        logging_.add_log_record_processor(BatchLogRecordProcessor(logs))
    telemetry.connect(
        telemetry.Outputs(
            tracing.get_tracer("tunedrop"),
            _instruments(metering.get_meter("tunedrop")),
            (tracing.force_flush, metering.force_flush, logging_.force_flush),
        )
    )
    logging.getLogger().addHandler(Handler(logging_.get_logger("tunedrop")))


# ---- destinations


def _destinations(environ: Mapping[str, str]) -> Iterable[Exporters]:
    """An app must work without telemetry as well: what is wrong with it is logged."""
    for setting, exporters in (
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", _application_insights),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", _collector),
        ("TUNEDROP_TELEMETRY_FOLDER", _files),
    ):
        if value := environ.get(setting):
            try:
                yield exporters(value)
            except SettingError as error:
                log.error("%s", error)
            except Exception as error:  # noqa: BLE001 - its message may hold the value
                log.error("Nothing is sent to the address in %s: %s", setting, type(error).__name__)


def _application_insights(connection: str) -> Exporters:
    for report in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED"):  # on itself: not unasked
        os.environ.setdefault(f"APPLICATIONINSIGHTS_{report}", "true")
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    return (
        AzureMonitorTraceExporter(connection_string=connection),
        AzureMonitorMetricExporter(connection_string=connection),
        AzureMonitorLogExporter(connection_string=connection),
    )


def _collector(_: str) -> Exporters:
    """Its exporters read the address from the environment, by OpenTelemetry's own names."""
    exporters = [
        point.load()()
        for kind in ("traces", "metrics", "logs")
        for point in entry_points(group=f"opentelemetry_{kind}_exporter", name="otlp_proto_http")
    ]
    if not exporters:
        raise SettingError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but nothing can be sent there.",
            "Add opentelemetry-exporter-otlp-proto-http to the packages of the app.",
        )
    spans, metrics, logs = exporters
    return spans, metrics, logs


def _files(name: str) -> Exporters:
    from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
    from opentelemetry.sdk.metrics import Counter, Histogram
    from opentelemetry.sdk.metrics.export import AggregationTemporality, ConsoleMetricExporter
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    spans, metrics, logs = (
        (folder / f"{kind}.jsonl").open("w", encoding="utf-8")
        for kind in ("spans", "metrics", "logs")
    )
    line: Callable[[Any], str] = lambda item: item.to_json(indent=None) + "\n"  # noqa: E731
    delta: dict[type, Any] = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    return (
        ConsoleSpanExporter(out=spans, formatter=line),
        ConsoleMetricExporter(out=metrics, formatter=line, preferred_temporality=delta),
        ConsoleLogRecordExporter(out=logs, formatter=line),
    )


# ---- what the SDK needs


def _ids() -> "IdGenerator":
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        """Random, except for the first span of a run's trace, whose ids are made from the run's."""

        def generate_trace_id(self) -> int:
            root = telemetry.root.get()
            return root.trace_id if root else super().generate_trace_id()

        def generate_span_id(self) -> int:
            root = telemetry.root.get()
            return root.span_id if root else super().generate_span_id()

    return Ids()


def _instruments(meter: "Meter") -> dict[str, telemetry.Record]:
    record: dict[str, telemetry.Record] = {}
    for name, metric in telemetry.METRICS.items():
        description = (name, metric.unit, metric.doc)
        if metric.kind == "counter":
            record[name] = meter.create_counter(*description).add
        elif metric.kind == "gauge":
            record[name] = meter.create_gauge(*description).set
        else:
            bounds = metric.bounds
            histogram = meter.create_histogram(
                *description, explicit_bucket_boundaries_advisory=bounds
            )
            record[name] = histogram.record
    return record


class SafeRecord(logging.LogRecord):
    """A line of the log that stays one line and moves no cursor, whoever named what it speaks of,
    and whatever handler writes it: the app's, the Functions worker's or a library's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0]:  # formatters take a text that is there already
            lines = "".join(traceback.format_exception(*self.exc_info)).split("\n")
            self.exc_text = "\n".join(f"  {printable(line)}" for line in lines if line)

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        return printable(super().getMessage())


class Handler(logging.Handler):
    """The log, each line with its run, and nothing in it that may be content: the lines of shared/
    as they are; a library's warnings without their values; an exception's type and frames."""

    def __init__(self, out: "Logger") -> None:
        super().__init__()
        self.out = out

    def emit(self, record: logging.LogRecord) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber
        from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY as SENDING
        from opentelemetry.context import get_value

        own = record.name.partition(".")[0] == "shared"
        if get_value(SENDING) or (record.levelno < logging.WARNING and not own):
            return  # a problem with sending must not make more to send
        attributes = {"logger": record.name}
        text = record.getMessage() if own else f"{record.msg}" if record.args else WITHHELD
        text = printable(text)
        if run := telemetry.run.get():
            attributes["run"] = run
        if record.exc_info and record.exc_info[0]:
            attributes["exception.type"] = record.exc_info[0].__name__
            attributes["exception.stacktrace"] = "".join(traceback.format_tb(record.exc_info[2]))
        self.out.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                severity_number=SeverityNumber(record.levelno // 10 * 4 + 1),  # info 9, error 17
                severity_text=record.levelname,
                body=text,
                attributes=attributes,
            )
        )
