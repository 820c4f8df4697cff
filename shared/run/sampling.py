"""The sample of a run's validation set that models are asked, and what a promptfoo file beside the
dataset asserts of the answers: both as the bytes that the run was made of, or not at all.

Knows where the bytes are, not which lines are drawn (`drawing`).
"""

import asyncio
import hashlib
from dataclasses import replace

from shared.errors import DropError, Refused, Replaced, TunedropError
from shared.model.assertions import NONE, Assertions, read
from shared.printable import shown
from shared.run import answer_limit, files
from shared.run.context import Context
from shared.run.copies import check_bytes
from shared.run.drawing import Drawing, Sample
from shared.run.record import File, Run

MOST_HELD = 16  # samples that one process remembers


async def sample(run: Run, validation: File, ctx: Context) -> Sample:
    """Drawn once in a process. Raises Replaced, and TunedropError for bytes not judged."""
    most, seed = ctx.settings.compare_examples, validation.content_sha256 or validation.sha256
    key = f"{run.id} {seed} {most}"
    if key not in ctx.samples:
        drawing = Drawing(seed, most, ctx.policy.compare_size)
        try:
            async for chunk in files.read_judged(validation, run, ctx):
                drawing.feed(chunk)
        except Replaced as error:  # other files were dropped since
            drawing = Drawing(seed, most, ctx.policy.compare_size)
            drawing.feed(await _at_the_service(validation, error, ctx))
        if len(ctx.samples) >= MOST_HELD:
            ctx.samples.clear()
        ctx.samples[key] = await asyncio.to_thread(_fitting, drawing.finish(), run.spec.base_model)
    return ctx.samples[key]


def _fitting(drawn: Sample, base_model: str) -> Sample:
    found, most = answer_limit.fitting(drawn.examples, base_model)
    too_long = len(drawn.examples) - len(found)
    return replace(drawn, examples=found, answer_tokens=most, too_long=too_long)


async def _at_the_service(validation: File, error: Replaced, ctx: Context) -> bytes:
    """Raises Replaced where it is not there either."""
    judged = validation.content_sha256
    if not validation.file_id or not judged:
        raise error
    try:
        content = (await ctx.clients.finetuning.text(validation.file_id)).encode()
    except Refused:
        raise error from None
    if hashlib.sha256(content).hexdigest() != judged:
        raise error
    return content


async def assertions(run: Run, ctx: Context) -> tuple[Assertions, str]:
    """What the promptfoo file of its drop asserts; or nothing, and why."""
    file = run.assertions
    if file is None:
        return NONE, ""
    try:
        chunks = [c async for c in ctx.clients.datasets.stream(file.name, file.etag)]
        content = b"".join(chunks)
        check_bytes(file.name, hashlib.sha256(content).hexdigest(), file.sha256)
        return read(content), ""
    except (Replaced, DropError) as error:
        return NONE, f"{shown(file.name)} does not count: {_said(error)}"


def _said(error: TunedropError) -> str:
    return error.message if isinstance(error, DropError) else "it was replaced or deleted."
