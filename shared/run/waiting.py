"""Why a folder that nobody touches any more is not taken yet: a file of it is empty, in the archive
tier, still being copied, or one that may grow. None of these raises an event when it is over, so
the sweep looks again.

Pure. Knows what storage tells of a blob, not what is in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.cloud.container import BlobInfo, BlobKind
from shared.errors import DropError
from shared.printable import shown
from shared.run.folder import DropRole, Folder
from shared.run.policy import Policy

FAILED_COPIES = {"failed", "aborted"}


@dataclass(frozen=True)
class Obstacle:
    """`error` is what stands beside the blob; None while it is not worth telling yet."""

    blob: BlobInfo
    error: DropError | None = None


def obstacles(
    folder: Folder, now: datetime, quiet: timedelta, policy: Policy
) -> Iterator[Obstacle]:
    """What keeps the folder from being taken, by storage's clock."""
    for role, blob in folder.newest.items():
        if blob.archived:
            yield Obstacle(blob, _archived(blob))
        elif blob.copy == "pending":
            yield _told_late(blob, _still_copied(blob), blob.modified, now, policy)
        elif blob.size == 0:
            patient = now - blob.modified < policy.empty_patience
            if role is not DropRole.SPEC or patient:  # it then says nothing, as one with comments
                yield _empty(blob, now, policy)
        elif may_grow(blob) and now - blob.modified < (rest := growth_quiet(blob, quiet, policy)):
            began = blob.created or blob.modified
            yield _told_late(blob, _growing(blob, rest), began, now, policy)


def may_grow(blob: BlobInfo) -> bool:
    """What is added to an append blob raises no event, and only its seal says that it is whole."""
    return blob.kind is BlobKind.APPEND and not blob.sealed


def growth_quiet(blob: BlobInfo, quiet: timedelta, policy: Policy) -> timedelta:
    """How long nothing must have been added: longer than any pause that its growth has shown."""
    grew = blob.modified - (blob.created or blob.modified)
    return min(max(policy.append_quiet * quiet, 2 * grew), policy.append_patience)


def _told_late(
    blob: BlobInfo, error: DropError, since: datetime, now: datetime, policy: Policy
) -> Obstacle:
    return Obstacle(blob, error if now - since >= policy.empty_patience else None)


def _empty(blob: BlobInfo, now: datetime, policy: Policy) -> Obstacle:
    if blob.copy in FAILED_COPIES:
        return Obstacle(blob, _failed_copy(blob))
    return _told_late(blob, _stays_empty(blob), blob.modified, now, policy)


def _archived(blob: BlobInfo) -> DropError:
    if blob.rehydrating:
        return DropError(
            f"{shown(blob.name)} is being rehydrated from the archive tier.",
            "Nothing is to be done: that takes up to 15 hours, and it is taken by itself then.",
        )
    return DropError(
        f"{shown(blob.name)} is in the archive tier, where nothing can be read.",
        "Rehydrate it: set its access tier to Hot (az storage blob set-tier --tier Hot). It is "
        "taken by itself then. To drop other content instead, delete it first.",
    )


def _still_copied(blob: BlobInfo) -> DropError:
    return DropError(
        f"{shown(blob.name)} is still being copied by storage.",
        "It is taken by itself when the copy is done; abort the copy to drop it otherwise.",
    )


def _failed_copy(blob: BlobInfo) -> DropError:
    return DropError(
        f"{shown(blob.name)} is empty: storage says that the copy to it has {_ended(blob.copy)}.",
        "Copy it again.",
    )


def _ended(status: str) -> str:
    return "been aborted" if status == "aborted" else "failed"


def _stays_empty(blob: BlobInfo) -> DropError:
    return DropError(
        f"{shown(blob.name)} is empty, so nothing of its folder is taken.",
        "Upload its content, or delete it; the rest is taken by itself then.",
    )


def _growing(blob: BlobInfo, rest: timedelta) -> DropError:
    return DropError(
        f"{shown(blob.name)} is an append blob that has grown until {blob.modified:%H:%M:%S} UTC "
        "and may grow on.",
        f"Seal it, and it is taken by the next sweep; or add nothing for {_minutes(rest)}.",
    )


def _minutes(time: timedelta) -> str:
    minutes = -(-time // timedelta(minutes=1))
    return "a minute" if minutes == 1 else f"{minutes:,} minutes"
