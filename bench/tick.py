"""A tick of the timer with 20 active runs, whatever has finished: `dev.py bench tick`.

Real storage (Azurite) and the emulated service; three ledgers that hold the same 20 active runs and
none, 1,000 and 10,000 finished ones take turns within one run, so only their ratios mean anything.
Each is also asked by an app whose clock is two hours ahead: old runs must not cost more.
Beside them the obvious way: list all runs, read each, and look after those that are active.
"""

import asyncio
import io
import json
import platform
import statistics
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import options
from local.emulator import DEFAULT_KEY
from local.known import Stack
from local.processes import free_port
from local.stack import ACCOUNT, GROUP, SUBSCRIPTION, running
from shared.cloud import AzureClients
from shared.cloud.azure_container import AzureContainer
from shared.cloud.documents import as_json
from shared.cloud.remote import JobRequest
from shared.run import heartbeat, reconciler
from shared.run.context import Context, utc_now
from shared.run.drops import Drops
from shared.run.folder import look
from shared.run.newest import FAR_FUTURE
from shared.run.outcome import LogLine
from shared.run.record import File, Run, Transition
from shared.run.spec import effective
from shared.run.stages import Stage
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
ACTIVE = 20
FINISHED = (0, 1_000, 10_000)
ROUNDS = 15
OLD = timedelta(hours=2)
AT_ONCE = 32  # writes, while a ledger is filled
EXAMPLES = b"".join(
    json.dumps(
        {
            "messages": [
                {"role": "user", "content": f"Action is {number}?"},
                {"role": "assistant", "content": f"It is {number}, of course."},
            ]
        }
    ).encode()
    + b"\n"
    for number in range(10)
)


def context_of(storage: str, service: str, name: str, **more: str) -> Context:
    """An app beside a stack's own, with containers of its own; `more`: its other settings."""
    environ = {
        "TunedropStorage": storage,
        "AZURE_OPENAI_ENDPOINT": service,
        "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": service,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_RESOURCE_GROUP": GROUP,
        "AZURE_OPENAI_ACCOUNT": ACCOUNT,
        **more,
    }
    for kind in ("datasets", "runs", "models"):
        environ[f"TUNEDROP_{kind.upper()}_CONTAINER"] = f"{kind}-{name}"
    return Context.of(AzureClients(Settings.load(environ)))


# ---- filling a ledger


async def fill(ctx: Context, finished: int, jobs: list[str]) -> None:
    for container in (ctx.clients.datasets, ctx.clients.runs, ctx.clients.models):
        assert isinstance(container, AzureContainer)
        await container.client.create_container()
    room = asyncio.Semaphore(AT_ONCE)

    async def enter(number: int, stage: Stage, job: str) -> None:
        async with room:
            await _enter(ctx, number, stage, job)

    active = [enter(-1 - n, Stage.TRAINING, job) for n, job in enumerate(jobs)]
    done = [enter(number, Stage.SERVING, "ftjob-long-done") for number in range(finished)]
    await asyncio.gather(*active, *done)


async def _enter(ctx: Context, number: int, stage: Stage, job: str) -> None:
    """A run with everything that a real one has in storage: dataset, record, log, markers."""
    model = f"m{number}".replace("-", "a")
    await ctx.clients.datasets.put(f"{model}/training.jsonl", EXAMPLES, "application/json")
    folder = await look(model, ctx.clients.datasets)
    run = Run(
        id=f"{model}-{'0123456789abcdef' * 2}",
        model=model,
        stage=stage,
        spec=effective(None, ctx.settings),
        training=File(
            name=f"{model}/training.jsonl",
            etag=folder.newest[next(iter(folder.newest))].etag,
            size=len(EXAMPLES),
            sha256="0" * 64,
            examples=10,
        ),
        timeline=tuple(Transition(stage=one, at=utc_now()) for one in (Stage.RECEIVED, stage)),
        job_id=job,
    )
    await ctx.ledger.log(run.id, LogLine("stage", stage))
    await ctx.clients.runs.create(f"{run.id}/run.json", as_json(run))
    await ctx.clients.runs.put(f"newest/{FAR_FUTURE - number}-{run.id}", b"", "text/plain")
    await Drops(ctx.clients.runs).take(folder, run.id)
    if stage is Stage.TRAINING:
        await ctx.clients.runs.put(f"active/{run.id}", b"", "text/plain")


# ---- what is measured


async def tick(ctx: Context, sweep: bool) -> float:
    """Seconds of one tick, with or without the sweep for lost events."""
    at = ctx.now()
    swept = at - timedelta(days=1) if sweep else at
    heart = heartbeat.Heartbeat(last=at, awake_since=at, swept=swept)
    await heartbeat.write(ctx.clients.runs, heart)
    began = time.perf_counter()
    await reconciler.tick(ctx)
    return time.perf_counter() - began


def later(ctx: Context) -> Context:
    """The same app with a clock that is ahead: its runs have been active for longer."""
    return Context.of(ctx.clients, ctx.policy, lambda: utc_now() + OLD)


async def obvious_tick(ctx: Context) -> float:
    """The same care for the same runs, found by reading every record."""
    began = time.perf_counter()
    room = asyncio.Semaphore(ctx.policy.concurrency)

    async def look_after(name: str) -> None:
        async with room:
            run = await ctx.ledger.load(name.removesuffix("/run.json"))
            if run and not run.ended:
                await reconciler.advance(run.id, ctx)

    names = [b.name async for b in ctx.clients.runs.list() if b.name.endswith("/run.json")]
    await asyncio.gather(*map(look_after, names))
    return time.perf_counter() - began


async def measure(stack: Stack, sizes: tuple[int, ...]) -> dict[str, Any]:
    contexts = {
        finished: context_of(stack.storage, stack.openai_url, f"tick{finished}")
        for finished in sizes
    }
    jobs = await training_jobs(next(iter(contexts.values())))
    for finished, ctx in contexts.items():
        print(f"· a ledger with {ACTIVE} active and {finished:,} finished runs", file=sys.stderr)
        await fill(ctx, finished, jobs)
    ticks: dict[int, list[float]] = {finished: [] for finished in sizes}
    old: dict[int, list[float]] = {finished: [] for finished in sizes}
    sweeps: dict[int, list[float]] = {finished: [] for finished in sizes}
    obvious: dict[int, list[float]] = {finished: [] for finished in sizes}
    for turn in range(ROUNDS):
        for finished, ctx in contexts.items():
            ticks[finished].append(await tick(ctx, sweep=False))
            old[finished].append(await tick(later(ctx), sweep=False))
            if turn % 5 == 0:
                sweeps[finished].append(await tick(ctx, sweep=True))
            if turn == 0:  # minutes, with 10,000
                obvious[finished].append(await obvious_tick(ctx))
    for ctx in contexts.values():
        await ctx.clients.close()
    base = statistics.median(ticks[0])
    return {
        str(finished): {
            "tick_seconds": _spread(ticks[finished]),
            "against_none_finished": round(statistics.median(ticks[finished]) / base, 2),
            "against_new_runs_when_two_hours_old": round(
                statistics.median(old[finished]) / statistics.median(ticks[finished]), 2
            ),
            "tick_with_sweep_seconds": _spread(sweeps[finished]),
            "obvious_way_seconds": round(obvious[finished][0], 3),
        }
        for finished in sizes
    }


async def training_jobs(ctx: Context) -> list[str]:
    """One real job for every active run to look at; they have ended and say so no differently."""
    file = await ctx.clients.finetuning.upload("bench.jsonl", io.BytesIO(EXAMPLES))
    await ctx.clients.finetuning.client.files.wait_for_processing(file.id, poll_interval=0.1)
    request = JobRequest(
        base_model=ctx.settings.base_model,
        method="supervised",
        training_file=file.id,
        validation_file=None,
        training_type=ctx.settings.training_type,
        suffix="bench",
        seed=1,
        hyperparameters={"n_epochs": 1},
        metadata={},
    )
    return [(await ctx.clients.finetuning.submit(request)).id for _ in range(ACTIVE)]


def arm_stuck_jobs(stack: Stack) -> None:
    """The jobs stay in the queue: runs that are looked after and see nothing new."""
    fault = {"fault": "job-stuck", "count": ACTIVE}
    urllib.request.urlopen(
        urllib.request.Request(
            f"{stack.openai_url}/_emulator/faults",
            json.dumps(fault).encode(),
            {"content-type": "application/json"},
        )
    ).close()


def _spread(seconds: list[float]) -> dict[str, float]:
    return {
        "min": round(min(seconds), 3),
        "median": round(statistics.median(seconds), 3),
        "max": round(max(seconds), 3),
    }


def main() -> None:
    wanted = options.parser("tick").parse_args()
    sizes = FINISHED[:2] if wanted.short else FINISHED
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), model="tiny", port=free_port()) as stack,
    ):
        arm_stuck_jobs(stack)
        found = asyncio.run(measure(stack, sizes))
    result = {
        "command": "python3 dev.py bench tick",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "active_runs": ACTIVE,
        "rounds": ROUNDS,
        "by_finished_runs": found,
    }
    options.tell("tick", result, wanted.save)


if __name__ == "__main__":
    main()
