"""What blob storage's answers mean: a blob's properties, and the errors that are about the blob as
it is rather than about the call.

Knows the SDK's objects, not how they were asked for.
"""

from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError

from shared.cloud.container import BlobInfo, BlobKind
from shared.errors import Unavailable
from shared.printable import shown

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties

PRECONDITION_FAILED = 412  # a condition that is not met, or a lease that another holds
# Somebody else was quicker. Any other 409 is about the blob as it is: archived, immutable, copied.
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
RACES = {"BlobAlreadyExists", "BlobOverwritten"}
UNREADABLE = {
    "BlobArchived": (
        "is in the archive tier, where nothing can be read.",
        "Rehydrate it: set its access tier to Hot. It is read by itself then.",
    ),
    "BlobBeingRehydrated": (
        "is being rehydrated from the archive tier.",
        "Nothing is to be done: that takes up to 15 hours, and it is read by itself then.",
    ),
    "BlobUsesCustomerSpecifiedEncryption": (
        "is encrypted with a key that its uploader sends with each request.",
        "Upload it without that key.",
    ),
}
FOLDER = "hdi_isfolder"  # metadata of the empty blob by which mounts and data lakes mean a folder


def code(error: HttpResponseError) -> str:
    """Storage's own name of what is wrong; empty where it gives none."""
    found = getattr(error, "error_code", None)
    return str(getattr(found, "value", found) or "")


def lost_race(error: HttpResponseError) -> bool:
    named = code(error)
    return error.status_code == PRECONDITION_FAILED or named in RACES or named.startswith("Lease")


def as_it_is(blob: str, error: HttpResponseError) -> Unavailable | None:
    """What to do about a blob that cannot be read as it is; None for any other error."""
    if (named := code(error)) not in UNREADABLE:
        return None
    message, fix = UNREADABLE[named]
    return Unavailable(f"{shown(blob)} {message}", fix, code=named)


def blob_info(name: str, found: "BlobProperties") -> BlobInfo:
    metadata = {key.lower(): value for key, value in (found.metadata or {}).items()}
    return BlobInfo(
        name,
        bare(found.etag),
        found.size,
        found.last_modified,
        created=found.creation_time,
        kind=BlobKind(found.blob_type or BlobKind.BLOCK),
        sealed=bool(found.is_append_blob_sealed),
        archived=str(found.blob_tier).lower() == "archive",
        rehydrating=bool(found.archive_status),
        tier_changed=found.blob_tier_change_time,
        copy=found.copy.status or "",
        is_folder=str(metadata.get(FOLDER)).lower() == "true",
    )


def bare(etag: str) -> str:
    """Listings give etags without the quotes that headers have; here they are all without."""
    return etag.strip('"')
