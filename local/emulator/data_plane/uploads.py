"""Uploads in parts, for files too large for one request. Knows nothing of what is in them.

Only in the dated family: on v1 and project addresses the service answers 404 (S-SKILL
large-file-uploads).
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..core.context import Component, Context
from ..core.errors import ServiceError, invalid
from ..core.protocol import json_body, limited, new_id
from ..core.store import Document, public
from .files import Files

UPLOAD_SECONDS = 2 * 3600  # S-AUTH
MAX_UPLOAD_BYTES = 9 * 10**9  # S-AUTH, S-DOC quotas; another page says 8 GB
MAX_PART_BYTES = 64 * 2**20  # S-SKILL


class Uploads(Component):
    def __init__(self, context: Context, files: Files, folder: Path) -> None:
        super().__init__(context)
        self._files, self._folder = files, folder
        folder.mkdir(parents=True, exist_ok=True)

    def routes(self) -> list[Route]:
        return [
            Route("/uploads", self.create, methods=["POST"]),
            Route("/uploads/{id}/parts", self.add, methods=["POST"]),
            Route("/uploads/{id}/complete", self.complete, methods=["POST"]),
            Route("/uploads/{id}/cancel", self.cancel, methods=["POST"]),
        ]

    def clear_files(self) -> None:
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)

    # ---- endpoints ---------------------------------------------------------------------------

    async def create(self, request: Request) -> JSONResponse:
        body = await json_body(request)
        for name in ("filename", "mime_type", "purpose"):
            if not isinstance(body.get(name), str):
                raise invalid(f"{name} must be a text.")
        size = body.get("bytes")
        if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= MAX_UPLOAD_BYTES:
            raise invalid(f"bytes must be a whole number from 1 to {MAX_UPLOAD_BYTES}.")
        now = self._clock.seconds()
        upload: Document = {
            "id": new_id("upload"),
            "object": "upload",
            "bytes": size,
            "created_at": now,
            "filename": body["filename"],
            "purpose": body["purpose"],
            "status": "pending",
            "expires_at": now + UPLOAD_SECONDS,
            "_parts": {},
        }
        self._store.put("upload", upload["id"], upload)
        self._journal.add_effect("upload", upload["id"], "created")
        return JSONResponse(public(upload))

    async def add(self, request: Request) -> JSONResponse:
        upload = self._pending(request)
        refusal = ServiceError(413, "invalidPayload", "A part must have at most 64 MB.")
        part_id = new_id("part")
        async with limited(request, MAX_PART_BYTES + 10**6, refusal).form(
            max_fields=5, max_files=1
        ) as form:
            data = form.get("data")
            if not isinstance(data, UploadFile):
                raise invalid("The form has no part 'data'.")
            await run_in_threadpool(self._save, part_id, data)

        size = (self._folder / part_id).stat().st_size
        self._store.change(
            "upload", upload["id"], lambda old: old["_parts"].update({part_id: size})
        )
        part = {"id": part_id, "object": "upload.part", "upload_id": upload["id"]}
        return JSONResponse({**part, "created_at": self._clock.seconds()})

    async def complete(self, request: Request) -> JSONResponse:
        """The parts in the order that is asked for become a file."""
        body = await json_body(request)
        upload = self._pending(request)
        ids = body.get("part_ids")
        if not isinstance(ids, list) or not ids:
            raise invalid("part_ids must be a list of ids of parts.")
        unknown = [
            part for part in ids if not isinstance(part, str) or part not in upload["_parts"]
        ]
        if unknown:
            raise invalid(f"The part {unknown[0]!r} does not belong to this upload.")
        size = sum(upload["_parts"][part] for part in ids)
        if size != upload["bytes"]:
            raise invalid(f"The parts have {size} bytes, not the {upload['bytes']} announced.")
        if isinstance(body.get("md5"), str):
            await run_in_threadpool(self._require_md5, ids, body["md5"])
        begun = self._files.begin(upload["filename"], upload["purpose"])
        file = await run_in_threadpool(self._files.write, begun, self._read(ids))
        self._files.add(file)
        self._end(upload, "completed")
        shown = self._files.shown(file)
        return JSONResponse({**public(upload), "status": "completed", "file": shown})

    async def cancel(self, request: Request) -> JSONResponse:
        upload = self._pending(request)
        self._end(upload, "cancelled")
        return JSONResponse({**public(upload), "status": "cancelled"})

    # ---- inside ------------------------------------------------------------------------------

    def _pending(self, request: Request) -> Document:
        upload_id = request.path_params["id"]
        upload = self._store.get("upload", upload_id)
        if upload is None:
            raise ServiceError(404, "notFound", f"The upload {upload_id!r} does not exist.")
        expired = self._clock.now() >= upload["expires_at"]
        if expired or upload["status"] != "pending":
            state = "expired" if expired else upload["status"]
            raise ServiceError(
                400, "unexpectedEntityState", f"The upload is {state}."
            )  # [inferred]
        return upload

    def _save(self, part_id: str, data: UploadFile) -> None:
        with (self._folder / part_id).open("wb") as target:
            shutil.copyfileobj(data.file, target)

    def _read(self, ids: list[str]) -> Iterator[bytes]:
        for part in ids:
            with (self._folder / part).open("rb") as source:
                while chunk := source.read(2**20):
                    yield chunk

    def _require_md5(self, ids: list[str], expected: str) -> None:
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in self._read(ids):
            digest.update(chunk)
        if digest.hexdigest() != expected.lower():
            raise invalid("The md5 of the parts is another one.")

    def _end(self, upload: Document, status: str) -> None:
        self._store.change("upload", upload["id"], lambda old: old.update(status=status))
        self._journal.add_effect("upload", upload["id"], status)
        for part in upload["_parts"]:
            (self._folder / part).unlink(missing_ok=True)
