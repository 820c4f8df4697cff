"""Deviations that are planted in front of the emulator, and what a probe has to notice of each.

One table. Those of an area are planted together, but for those that hide others (`alone`). Knows
nothing of the probe but the names of its questions.
"""

from collections.abc import Mapping

from tests.probe import changes as to
from tests.probe.deviant import CODE, HEADER, LIMIT, ORDER, SHAPE, TIMING, Deviation

FILES, FILE = r" /openai(/v1)?/files$", r" /openai/v1/files/file-\w+$"
JOBS, JOB = r" /openai(/v1)?/fine_tuning/jobs$", r" /openai/v1/fine_tuning/jobs/ftjob-\w+$"
CHAT, DEPLOYMENT = r"POST .*/chat/completions$", r"/deployments/[\w-]+$"
OPERATION = r"GET .*/operationResults/"
USAGES, MODELS = r"GET .*/locations/\w+/usages$", r"GET .*/locations/\w+/models$"

DEVIATIONS: tuple[Deviation, ...] = (
    # ---- shapes
    Deviation(
        "file-without-its-time",
        SHAPE,
        f"POST{FILES}",
        ("files.shape", "files.created-at"),
        to.without("created_at"),
    ),
    Deviation("file-errors-of-two-keys", SHAPE, f"GET{FILE}", ("files.refusal-keys",), to.envelope),
    Deviation(
        "seed-as-text",
        SHAPE,
        f"POST{JOBS}",
        ("jobs.seed-repeated", "jobs.shape"),
        to.put("seed", str),
    ),
    Deviation(
        "job-list-without-has-more",
        SHAPE,
        rf"GET{JOBS}",
        ("jobs.list-keys", "jobs.list-pages"),
        to.without("has_more"),
        alone=True,
    ),
    Deviation(
        "capacity-as-text",
        SHAPE,
        f"PUT .*{DEPLOYMENT}",
        ("deployments.shape",),
        to.capacity_as_text,
    ),
    Deviation(
        "operation-without-id", SHAPE, OPERATION, ("deployments.operation-keys",), to.without("id")
    ),
    Deviation(
        "chunks-without-time", SHAPE, CHAT, ("chat.chunk-shape",), to.events_of(to.no_created)
    ),
    Deviation("quota-limits-as-texts", SHAPE, USAGES, ("control.usage-shape",), to.limits_as_texts),
    Deviation("other-metric-keys", SHAPE, r"/events$", ("training.metric-keys",), to.other_metrics),
    Deviation(
        "other-result-columns",
        SHAPE,
        r"GET .*/content$",
        ("training.results-columns",),
        to.other_columns,
    ),
    Deviation(
        "other-checkpoint-ids",
        SHAPE,
        r"/checkpoints$",
        ("training.checkpoint-id",),
        to.other_checkpoints,
    ),
    # ---- codes
    Deviation(
        "upload-on-v1-is-201",
        CODE,
        r"POST /openai/v1/files$",
        ("files.create-v1",),
        to.status(200, 201),
    ),
    Deviation(
        "missing-file-is-400",
        CODE,
        f"GET{FILE}",
        ("files.missing", "files.after-delete"),
        to.status(404, 400),
    ),
    Deviation(
        "job-on-v1-is-201",
        CODE,
        r"POST /openai/v1/fine_tuning/jobs$",
        ("jobs.create-v1", "jobs.suffix-40"),
        to.status(200, 201),
    ),
    Deviation(
        "bad-job-is-422",
        CODE,
        f"POST{JOBS}",
        (
            "jobs.unknown-model",
            "jobs.retired-model",
            "jobs.unknown-type",
            "jobs.open-weights-standard",
            "jobs.epochs",
            "jobs.dotted-suffix",
            "jobs.no-file",
            "jobs.pending-file",
            "jobs.long-suffix",
            "jobs.suffix-40",
            "jobs.metadata-17",
        ),
        to.status(400, 422),
        alone=True,
    ),
    Deviation(
        "deleted-job-is-200",
        CODE,
        r"DELETE /openai/fine_tuning/jobs/",
        ("jobs.delete-dated",),
        to.status(204, 200),
    ),
    Deviation(
        "other-code-without-deployment",
        CODE,
        CHAT,
        ("chat.no-deployment", "deployments.chat-too-early"),
        to.code("DeploymentNotFound", "NotFound"),
    ),
    Deviation(
        "other-code-of-a-conflict",
        CODE,
        f"PUT .*{DEPLOYMENT}",
        ("deployments.second-write",),
        to.code("RequestConflict", "Conflict"),
    ),
    Deviation(
        "other-code-of-an-unknown-model",
        CODE,
        f"PUT .*{DEPLOYMENT}",
        ("control.unknown-model",),
        to.code("DeploymentModelNotSupported", "ModelNotFound"),
    ),
    Deviation(
        "wrong-key-is-403",
        CODE,
        r"GET /openai/v1/models$",
        ("address.wrong-key", "address.no-key", "address.arm-token"),
        to.status(401, 403),
    ),
    Deviation(
        "other-developer-sku",
        CODE,
        MODELS,
        ("control.developer-sku", "control.usage-names"),
        to.other_sku,
    ),
    # ---- order
    Deviation(
        "events-oldest-first",
        ORDER,
        r"GET .*/events$",
        ("jobs.events-order", "jobs.events-pages"),
        to.reversed_list,
    ),
    Deviation("jobs-oldest-first", ORDER, f"GET{JOBS}", ("jobs.list-order",), to.reversed_list),
    Deviation(
        "file-runs-and-waits-again", ORDER, f"GET{FILE}", ("files.states",), to.back_and_forth()
    ),
    Deviation(
        "usage-before-the-text",
        ORDER,
        CHAT,
        ("chat.usage-chunk", "chat.finish-chunk"),
        to.events_of(to.usage_first),
    ),
    Deviation(
        "stream-without-end", ORDER, CHAT, ("chat.stream-end",), to.events_of(lambda it: it[:-1])
    ),
    # ---- timing
    Deviation(
        "file-stays-pending",
        TIMING,
        f"GET{FILE}",
        ("files.end", "files.byte-order-mark"),
        to.put("status", lambda _: "pending"),
        alone=True,
    ),
    Deviation(
        "ended-in-milliseconds",
        TIMING,
        f"GET{JOB}",
        ("jobs.finished-at",),
        to.put("finished_at", to.milliseconds),
    ),
    Deviation(
        "estimate-before-the-begin", TIMING, f"POST{JOBS}", ("jobs.estimate",), to.earlier_end
    ),
    Deviation(
        "made-at-once",
        TIMING,
        f"PUT .*{DEPLOYMENT}",
        ("deployments.first-state",),
        to.made_at_once,
        alone=True,
    ),
    Deviation(
        "another-answer-too-early",
        TIMING,
        CHAT,
        ("deployments.chat-too-early", "deployments.chat-too-early-says", "deployments.ready"),
        to.early_answer(),
        alone=True,
    ),
    # ---- headers
    Deviation(
        "no-location-of-a-file",
        HEADER,
        r"POST /openai/files$",
        ("files.create-dated",),
        to.no_header("location"),
    ),
    Deviation(
        "no-azure-async-operation",
        HEADER,
        f"PUT .*{DEPLOYMENT}",
        ("deployments.put", "deployments.put-again", "deployments.operation"),
        to.no_header("azure-asyncoperation"),
        alone=True,
    ),
    Deviation(
        "no-remaining-tokens",
        HEADER,
        CHAT,
        ("chat.headers", "chat.remaining"),
        to.no_header("x-ratelimit-remaining-tokens"),
    ),
    Deviation(
        "content-as-text",
        HEADER,
        r"GET .*/files/file-\w+/content$",
        ("files.content-type",),
        lambda it: it.headers.update({"content-type": "text/plain"}),
    ),
    # ---- limits
    Deviation("suffix-of-18", LIMIT, f"POST{JOBS}", ("jobs.suffix-40",), before=to.short_suffix),
    Deviation(
        "metadata-without-end",
        LIMIT,
        f"POST{JOBS}",
        ("jobs.metadata-17",),
        before=to.fewer_metadata,
    ),
    Deviation("page-without-limit", LIMIT, f"GET{FILES}", ("files.pages",), before=to.unlimited),
    Deviation("events-in-one-page", LIMIT, r"GET .*/events$", ("jobs.events-pages",), to.no_more),
    Deviation(
        "life-of-a-day",
        LIMIT,
        r"POST /openai/v1/files$",
        ("files.short-life",),
        before=to.no_expiry,
    ),
    Deviation(
        "more-tokens-than-asked", LIMIT, CHAT, ("chat.few-tokens", "chat.finish"), before=to.longer
    ),
    Deviation(
        "any-version-on-v1",
        LIMIT,
        r"GET /openai/v1/models$",
        ("address.v1-dated",),
        before=to.any_version,
    ),
)


def groups() -> Mapping[str, tuple[Deviation, ...]]:
    """Those that are planted together, by a name."""
    found: dict[str, tuple[Deviation, ...]] = {}
    for one in DEVIATIONS:
        name = one.name if one.alone else one.area
        found[name] = (*found.get(name, ()), one)
    return found
