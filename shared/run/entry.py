"""A drop is entered: as a new run, or as one that is known and whose content lies there again.

The same files are the same run whatever it may cost and however it is to be deployed: a drop that
asks for another deployment than the drop before changes that, one with other limits changes those
of a run without a job, and nothing is trained or paid for a second time. That is also found out of
runs of before, whose ids were made of more. Knows what was dropped, not how files become a drop
(`intake`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from shared.cloud.container import BlobInfo
from shared.errors import CallerError, DropError
from shared.model.standing import standing
from shared.printable import shown
from shared.run import admission, commands, ids, removal
from shared.run.context import Context
from shared.run.folder import DropRole, Folder
from shared.run.outcome import LogLine
from shared.run.record import Action, Command, Run
from shared.run.stages import DEPLOYED, Event, Stage

log = logging.getLogger(__name__)

DATASET = (DropRole.TRAINING, DropRole.VALIDATION)
MAX_NAMED = 10  # files left out of a drop that its run's log names
BY_DROP = "its drop"  # who asks, where a run.yaml does


class RefusedDrop(Exception):
    """A folder that makes no run as it is: why, by the names of the blobs that are to blame."""

    def __init__(self, errors: dict[str, DropError]) -> None:
        super().__init__(" ".join(map(str, errors.values())))
        self.errors = errors


@contextmanager
def about(blob: BlobInfo) -> Iterator[None]:
    """What is refused in this block is explained beside that blob."""
    try:
        yield
    except DropError as error:
        raise RefusedDrop({blob.name: error}) from None


async def enter(run: Run, folder: Folder, ctx: Context) -> str:
    """Enter a new run, or tell a known one that its content lies there again; the run's id.

    Raises RefusedDrop for one whose id a run of other content or settings has: that run, which
    people may have reviewed, stays as it is. And for a deployment that cannot be had now.
    """
    known = await known_run(run, ctx)
    with about(folder.newest[DropRole.TRAINING]):
        await admission.check_run_stays((known or run).id, ctx.clients.models)
    if known is None:
        left = await removal.of(run.id, ctx)
        run = run.replace(past_jobs=left.jobs, attempt=left.attempts + 1)
    if known is None and await ctx.ledger.create(run):
        log.info("run %s received", run.id)
        if folder.older:
            await ctx.ledger.log(run.id, LogLine("drop", _beside(folder)))
        return run.id
    known = known or await ctx.ledger.load(run.id)
    if known is None:
        return run.id
    with about(folder.newest[DropRole.TRAINING]):
        _check_same(known, run)
    # Otherwise it is the same event once more.
    asks = _asks_for_another(known, run) or _other_limits(known, run) or _other_release(known, run)
    if asks or _etags(known) != _etags(run):
        await _drop_again(known, run, folder, ctx)
    return known.id


async def in_no_run(folder: Folder, ctx: Context) -> list[BlobInfo]:
    """Older files beside those of the drop that no run was ever made of, by name. One of an earlier
    drop is not missing anywhere."""
    if not folder.older:
        return []
    known = await ctx.ledger.readable(await ctx.ledger.beginning_with(f"{folder.model}-"), [])
    taken = {(file.name, file.etag) for run in known for file in run.files}
    older = [blob for role, blob in folder.older if role in DATASET]
    return sorted((blob for blob in older if blob.version not in taken), key=lambda b: b.name)


# ---- which run it is


async def known_run(run: Run, ctx: Context) -> Run | None:
    """The run that is made of the same, under whatever id. All of the model are asked unless one
    that is paid for has the id of today or of before: those were made of limits as well, which
    nobody knows any more."""
    for likely in (run.id, *ids.earlier_ids(run)):
        known = await ctx.ledger.load(likely)
        if known and known.job_id and ids.made_of(known) == run.digest:
            return known
    return await _among_all(run, ctx)


async def _among_all(run: Run, ctx: Context) -> Run | None:
    """Of several, one that has a model already, or else a job; then the one of today's id."""
    others = await ctx.ledger.readable(await ctx.ledger.beginning_with(f"{run.model}-"), [])
    same = [other for other in others if ids.made_of(other) == run.digest]

    def worth(other: Run) -> tuple[bool, bool, bool, bool]:
        paid = other.fine_tuned_model is not None, other.job_id is not None
        return *paid, other.id == run.id, not other.ended

    return max(same, key=worth, default=None)


def _check_same(known: Run, run: Run) -> None:
    """Raises DropError."""
    kept = known.digest if known.id == run.id else ""
    if kept in ("", run.digest) and ids.made_of(known) == run.digest:
        return
    raise DropError(
        f"The run {known.id} has the same id and is made of other content or settings: its SHA-256 "
        f"is {known.digest or ids.made_of(known)}, that of this drop {run.digest}. It stays as it "
        "is.",
        "Change anything in the dataset (the order of two lines) and drop it again.",
    )


# ---- dropped again


def _asks_for_another(known: Run, run: Run) -> bool:
    """Than the drop before. What a person has asked for since stands until a drop says otherwise
    than before."""
    return known.dropped_deployment != run.spec.deployment


def _other_limits(known: Run, run: Run) -> bool:
    return known.may_take_limits and known.spec.limits != run.spec.limits


def _with_limits(newest: Run, run: Run, ctx: Context) -> Run:
    """As the drop says what it may cost and who starts it; it is started if nobody has to."""
    if not _other_limits(newest, run):
        return newest
    changed = newest.replace(spec=newest.spec.with_limits(run.spec.limits))
    if newest.stage is not Stage.READY or run.spec.start == "manual" or newest.command:
        return changed
    why = "the drop says `start: auto`"
    return changed.replace(command=Command(action=Action.START, who=BY_DROP, why=why, at=ctx.now()))


def _with_release(newest: Run, run: Run) -> Run:
    """As the drop says what becomes of its model: of one that was compared already, how long it
    stays deployed and nothing else."""
    asked, known = run.spec.release, newest.spec.release
    if newest.stage in DEPLOYED:
        asked = known.model_copy(update={"keep": asked.keep, "idle_after": asked.idle_after})
    return newest.replace(spec=newest.spec.with_release(asked)) if asked != known else newest


def _other_release(known: Run, run: Run) -> bool:
    return _with_release(known, run) != known


async def _keep_as(known: Run, run: Run, ctx: Context) -> None:
    """How long its version stays deployed, where there is one: before the run says so, or a crash
    in between would leave it as it was."""
    model, asked = await ctx.registry.load(known.model), run.spec.release
    if version := model.of_run(known.id) if model else None:
        await ctx.registry.keep_as(known.model, version.version, asked.keep, asked.idle_after)


async def _drop_again(known: Run, run: Run, folder: Folder, ctx: Context) -> None:
    other = _asks_for_another(known, run)
    wanted = run.spec.deployment

    def as_dropped(newest: Run) -> Run:
        pointed = _with_release(_with_limits(_pointed_to(run, newest), run, ctx), run)
        return pointed.to_deploy(wanted, by_drop=True) if other else pointed

    message = f"same content dropped again; {await known_as(known, ctx)}"
    if other:
        message += f"; it is to be deployed as {wanted.sku}, capacity {wanted.capacity}"
    if _other_limits(known, run):
        message += f"; {_told(run)}"
    if _other_release(known, run):
        message += f"; {_told_of_release(_with_release(known, run))}"
        await _keep_as(known, run, ctx)
    await ctx.ledger.log(known.id, LogLine("drop", message))
    if other and known.fine_tuned_model:
        await ctx.ledger.amend(known.id, lambda new: _with_release(_pointed_to(run, new), run))
        await _deploy(known, run, folder, ctx)
        return
    if known.may_start_over:
        await ctx.ledger.reopen(known.id, Event.DROPPED_AGAIN, change=as_dropped)
    await ctx.ledger.amend(known.id, as_dropped)
    if other and known.without_model:
        raise RefusedDrop({_to_blame(folder).name: _nothing_to_deploy(known)})


async def known_as(known: Run, ctx: Context) -> str:
    """What has become of that content: which version it is and who serves, or the run's stage."""
    found = standing(await ctx.registry.load(known.model), known.id) if known.ended else None
    return f"the run is {known.stage}" if found is None else f"it is known: {found.told}"


def _pointed_to(run: Run, newest: Run) -> Run:
    """With the files of the drop in their places; of a lone dataset none may be held out."""
    pairs = zip(newest.files, run.files, strict=False)
    pointed = newest.with_files(
        *(
            file.replace(name=dropped.name, etag=dropped.etag, modified=dropped.modified)
            for file, dropped in pairs
        )
    )
    more = {"left_out": run.left_out, "left_out_more": run.left_out_more}
    return pointed.replace(assertions=run.assertions, **more)


async def _deploy(known: Run, run: Run, folder: Folder, ctx: Context) -> None:
    """As if a person had asked for it. Raises RefusedDrop."""
    why = "the drop asks for another deployment than the one before"
    command = Command(action=Action.DEPLOY, who=BY_DROP, why=why, at=ctx.now())
    try:
        await commands.deploy(known, run.spec.deployment, command, ctx, by_drop=True)
    except CallerError as error:
        raise RefusedDrop({_to_blame(folder).name: DropError(error.message, error.fix)}) from None


def _to_blame(folder: Folder) -> BlobInfo:
    return folder.newest.get(DropRole.SPEC) or folder.newest[DropRole.TRAINING]


def _nothing_to_deploy(known: Run) -> DropError:
    return DropError(
        f"The run {known.id} of these files has {known.stage} without a trained model, so there is "
        "none to deploy; what it had asked for may have been paid for, so a drop trains it no "
        "second time.",
        f"`tunedrop retry {known.id}` goes on from its last good stage, with this deployment.",
    )


def _told(run: Run) -> str:
    limits = run.spec.limits
    known = ", ".join(f"{key} {value}" for key, value in limits.items() if value is not None)
    return f"its limits are now: {known}"


def _told_of_release(run: Run) -> str:
    known = run.spec.release.model_dump()
    return "now it has " + ", ".join(f"{key}: {value}" for key, value in known.items())


def _beside(folder: Folder) -> str:
    names = [shown(name) for name in sorted(blob.name for _, blob in folder.older)]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"left out, for newer ones lie there: {', '.join(names[:MAX_NAMED])}{more}"


def _etags(run: Run) -> list[str]:
    """Of its blobs, each once."""
    more = [run.assertions] if run.assertions else []
    return list(dict.fromkeys(file.etag for file in [*run.files, *more]))
