"""trained: what a run has made is entered as a version, and its deployment is asked for.

Knows which model of a training it is to be (`checkpoints`), not what comes after its deployment
(`steps`).
"""

from shared.errors import Refused
from shared.model.registry import Version
from shared.run import ceilings, checkpoints, room
from shared.run.context import Context
from shared.run.outcome import LogLine, Outcome
from shared.run.record import Run
from shared.run.stages import Event


async def deploy(run: Run, ctx: Context) -> Outcome:
    """trained: enter the new version; it is written down before its deployment is asked for."""
    if over := await ceilings.reserve_hosting(run, ctx):
        return over
    chosen = checkpoints.choice(run)
    version = await ctx.registry.add_version(
        run.model,
        Version(
            run_id=run.id,
            base_model=run.spec.base_model,
            method=run.spec.method,
            fine_tuned_model=chosen.model,
            checkpoint=chosen.step,
            sku=run.spec.deployment.sku,
            capacity=run.spec.deployment.capacity,
            created_at=ctx.now(),
            dropped_at=run.dropped_at,
            training_sha256=run.training.content_sha256,
            keep=run.spec.release.keep,
            idle_after=run.spec.release.idle_after,
        ),
    )
    entered = run.replace(version=version.version, deployment=version.deployment)
    lines = (LogLine("checkpoint", chosen.said),) if chosen.said and not run.version else ()
    return Outcome(entered, log=lines, then=request_deployment)


async def request_deployment(run: Run, ctx: Context) -> Outcome:
    """Still trained: ask for the deployment of the version that the run has."""
    version = await version_of(run, ctx)
    try:
        await room.deploy(run.model, version, ctx)
    except Refused as error:
        if version.checkpoint is None or error.code != checkpoints.NOT_DEPLOYABLE:
            raise
        return await _without_checkpoint(run, version, error, ctx)
    return Outcome(run, Event.DEPLOYMENT_REQUESTED)


async def _without_checkpoint(run: Run, version: Version, error: Refused, ctx: Context) -> Outcome:
    """How long a checkpoint can be deployed depends on the model: the finished one always can."""
    assert run.fine_tuned_model, "a run becomes trained by having one"
    await ctx.registry.use_finished(run.model, version.version, run.fine_tuned_model)
    said = f"the finished model is deployed: the checkpoint is refused. {error.message}"
    return Outcome(run, log=(LogLine("checkpoint", said),), then=request_deployment)


async def version_of(run: Run, ctx: Context) -> Version:
    assert run.version, "a run becomes deploying by having one"
    model = await ctx.registry.load(run.model)
    if model is None:
        models = ctx.clients.models.name
        raise Refused(f"The record of model {run.model} is gone from {models}.")
    return model.version(run.version)
