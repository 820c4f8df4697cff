"""Files of the resource: uploaded datasets and results of jobs.

The record is a document; the content lies beside the database under the file's id. A file is
`pending` until the service has processed it; when that is follows from the clock. The content is
checked only when bad datasets are to be found at import (`validation`).
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from ..core.context import Component, Context
from ..core.errors import ServiceError, invalid
from ..core.protocol import created, is_v1, limited, new_id, page, whole_number
from ..language.dataset import DatasetError, check_dataset
from .file import File

UPLOAD_PURPOSES = {"fine-tune", "assistants", "batch", "evals"}
LONGEST_PAGE = 10_000  # S-V1: the longest, and as long as it is if nothing else is asked for
# S-DOC quotas-limits; the codes of the refusals are S-AUTH's, which limit has which is [inferred].
MAX_FILE_BYTES, MAX_TOTAL_BYTES = 512 * 10**6, 10**9
EXPIRY_SECONDS = range(1_209_600, 2_592_001)
MAX_NAME_LENGTH = 255


class Files(Component):
    def __init__(self, context: Context, folder: Path) -> None:
        super().__init__(context)
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def routes(self) -> list[Route]:
        return [
            Route("/files", self.upload, methods=["POST"]),
            Route("/files", self.index, methods=["GET"]),
            Route("/files/{id}", self.show, methods=["GET"]),
            Route("/files/{id}", self.delete, methods=["DELETE"]),
            Route("/files/{id}/content", self.content, methods=["GET"]),
        ]

    # ---- for the other modules ---------------------------------------------------------------

    def find(self, file_id: str) -> File | None:
        """The file; one that has expired is deleted now."""
        document = self._store.get("file", file_id)
        if document is None:
            return None
        file = File.from_document(document)
        if file.is_expired(self._clock.now()):
            self.remove(file_id)
            return None
        return file

    def is_processed(self, file: File) -> bool:
        return file.status(self._clock.now()) == "processed"

    def shown(self, file: File) -> dict[str, Any]:
        return file.shown(self._clock.now())

    def path(self, file_id: str) -> Path:
        return self._folder / file_id

    def begin(self, name: str, purpose: str, expires_after: object = None) -> File:
        """A file whose content is still to come; no client sees it before `add`."""
        if purpose not in UPLOAD_PURPOSES:
            raise invalid(f"The purpose {purpose!r} is not one of {sorted(UPLOAD_PURPOSES)}.")
        self._check_limits(purpose)
        now = self._clock.seconds()
        lifetime = expiry_of(expires_after)
        fault = self._faults.trigger("file-stuck", "file-error")
        return File(
            id=new_id("file"),
            created_at=now,
            filename=name[:MAX_NAME_LENGTH],
            purpose=purpose,
            expires_at=now + lifetime if lifetime else None,
            fault=fault.fault if fault else None,
            fault_detail=fault.options.get("detail", "") if fault else "",
        )

    def add(self, file: File) -> None:
        self._store.put("file", file.id, file.as_document())
        self._journal.add_effect("file", file.id, "created")

    def update(self, file: File) -> bool:
        """False if it has been deleted meanwhile."""
        new = file.as_document()
        return self._store.change("file", file.id, lambda old: old.update(new)) is not None

    def write(self, file: File, chunks: Iterable[bytes]) -> File:
        """Content first, record last: a record always has its content."""
        size = 0
        path = self.path(file.id)
        with path.open("wb") as target:
            for chunk in chunks:
                size += len(chunk)
                if size > MAX_FILE_BYTES:
                    target.close()
                    path.unlink()
                    raise too_large()
                target.write(chunk)
        done_at = self._clock.now() + self._settings.current.file_seconds
        return self._checked(replace(file, bytes=size, processed_at=done_at))

    def add_results(self, content: bytes) -> str:
        """results.csv of a job: processed at once; returns its id."""
        now = self._clock.now()
        file = File(
            id=new_id("file"),
            created_at=int(now),
            filename="results.csv",
            purpose="fine-tune-results",
            bytes=len(content),
            processed_at=now,
        )
        self.path(file.id).write_bytes(content)
        self.add(file)
        return file.id

    def remove(self, file_id: str) -> None:
        self._store.delete("file", file_id)
        self.path(file_id).unlink(missing_ok=True)
        self._journal.add_effect("file", file_id, "deleted")

    def clear_files(self) -> None:
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)

    def stored(self) -> list[File]:
        """All of them, those that have expired too."""
        return [File.from_document(document) for document in self._store.family("file")]

    def all(self) -> list[File]:
        return [found for file in self.stored() if (found := self.find(file.id))]

    # ---- endpoints ---------------------------------------------------------------------------

    async def upload(self, request: Request) -> JSONResponse:
        bounded = limited(request, MAX_FILE_BYTES + 10**6, too_large())
        async with bounded.form(max_fields=20, max_files=2) as form:
            upload, purpose = form.get("file"), form.get("purpose")
            if not isinstance(upload, UploadFile):
                raise invalid("The form has no part 'file'.")
            if not isinstance(purpose, str):
                raise invalid("The form has no field 'purpose'.")
            begun = self.begin(upload.filename or "file", purpose, _form_expiry(form))
            file = await run_in_threadpool(self.write, begun, _chunks(upload.file))
        self.add(file)
        return created(request, self.shown(file))

    async def index(self, request: Request) -> JSONResponse:
        purpose = request.query_params.get("purpose")
        shown = [self.shown(file) for file in self.all() if purpose in (None, file.purpose)]
        if request.query_params.get("order") == "desc":
            shown.reverse()
        most = min(LONGEST_PAGE, self._settings.current.page_limit)
        return page(request, shown, LONGEST_PAGE, most, ends=is_v1(request))  # S-V1

    async def show(self, request: Request) -> JSONResponse:
        return JSONResponse(self.shown(self._require(request)))

    async def delete(self, request: Request) -> JSONResponse:
        file_id = self._require(request).id
        self.remove(file_id)
        return JSONResponse({"object": "file", "id": file_id, "deleted": True})

    async def content(self, request: Request) -> FileResponse:
        path = self.path(self._require(request).id)
        if not path.exists():  # an import that is under way or has failed
            raise not_found(path.name)
        return FileResponse(path, media_type="application/octet-stream")

    # ---- inside ------------------------------------------------------------------------------

    def _require(self, request: Request) -> File:
        file_id: str = request.path_params["id"]
        file = self.find(file_id)
        if file is None:
            raise not_found(file_id)
        return file

    def _check_limits(self, purpose: str) -> None:
        if purpose != "fine-tune":
            return
        files = [file for file in self.stored() if file.purpose == purpose]
        limit = self._settings.current.file_limit
        if len(files) >= limit:
            raise ServiceError(
                400, "quotaExceeded", f"The resource has {limit} fine-tuning files already."
            )
        if sum(file.bytes or 0 for file in files) > MAX_TOTAL_BYTES:
            raise ServiceError(
                400, "quotaExceeded", "The resource has 1 GB of fine-tuning files already."
            )

    def _checked(self, file: File) -> File:
        """With the outcome of its processing; the dataset itself is checked only if the settings
        say so."""
        if file.fault == "file-stuck":
            return replace(file, processed_at=None)
        if file.fault == "file-error":
            return replace(file, problem=file.fault_detail)
        if file.purpose == "fine-tune" and self._settings.current.validation == "import":
            try:
                with self.path(file.id).open("rb") as lines:
                    check_dataset(lines)
            except DatasetError as error:
                return replace(file, problem=str(error))
        return file


def not_found(file_id: str) -> ServiceError:
    return ServiceError(404, "notFound", f"The file {file_id!r} does not exist.")  # [inferred]


def too_large() -> ServiceError:
    # The limit is S-DOC's, the status [inferred].
    return ServiceError(413, "invalidPayload", "The file is larger than 512 MB.")


def expiry_of(value: object) -> int | None:
    """{"anchor": "created_at", "seconds": 14 to 30 days} (S-AUTH)."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("anchor") != "created_at":
        raise invalid("expires_after must have the anchor 'created_at'.")
    seconds = value.get("seconds")
    number = whole_number(str(seconds))
    if number is None or number not in EXPIRY_SECONDS:
        raise invalid("expires_after.seconds must be from 1209600 to 2592000.")
    return number


def _form_expiry(form: FormData) -> object:
    """In a form the two names are joined: by a dot (S-AUTH) or in brackets (S-OAI)."""
    found = {
        name: form[key]
        for name in ("anchor", "seconds")
        for key in (f"expires_after.{name}", f"expires_after[{name}]")
        if key in form
    }
    return found or None


def _chunks(file: BinaryIO) -> Iterable[bytes]:
    while chunk := file.read(2**20):
        yield chunk
