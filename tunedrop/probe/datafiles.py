"""Area `files`: the life of an uploaded file, lists of files, and what is refused. Free."""

from typing import Any

from tunedrop.probe import shapes
from tunedrop.probe.reading import (
    FILE_ENDS,
    FILE_RANKS,
    created,
    form_of,
    keys_of,
    newest_first,
    order,
    paged,
    when,
)
from tunedrop.probe.session import Session
from tunedrop.probe.things import lines, upload
from tunedrop.probe.wire import DATED, V1

FILE_SECONDS = 1800.0
MARK = b"\xef\xbb\xbf"  # of UTF-8, which the documentation wants at the beginning
NOT_THERE = f"file-{'0' * 32}"


def ask(session: Session) -> None:
    file = _life(session)
    _marked(session)
    _lists(session)
    _content(session, file)
    _refused(session)
    _uploads(session)
    _deleted(session, file)


def _life(session: Session) -> str:
    see, content, began = session.see, lines(), session.clock.now()
    reply = upload(session, "one", content)
    see("files.create-v1", reply.outcome)
    file = session.need(reply, "an upload")
    see("files.shape", shapes.of_openai("FileObject", file))
    see("files.id", form_of(file.get("id")))
    see("files.first-status", str(file.get("status")))
    see("files.created-at", when(file.get("created_at"), began))
    see("files.bytes", "as sent" if file.get("bytes") == len(content) else "otherwise")
    states, last = followed(session, str(file.get("id")))
    see("files.states", order(states, FILE_RANKS))
    see("files.end", str(last.get("status")))
    see("files.seconds", round(session.clock.now() - began, 1))
    return str(file.get("id"))


def followed(session: Session, file: str) -> tuple[list[str], Any]:
    """The statuses of a file until it is processed, and the file."""

    def read() -> dict[str, Any]:
        return session.need(session.wire.data("GET", f"/files/{file}"), "reading a file")

    return session.states(read, "status", FILE_ENDS, FILE_SECONDS)


def _marked(session: Session) -> None:
    """A file with a byte order mark, by a dated address."""
    reply = upload(session, "two", MARK + lines(), family=DATED)
    session.see("files.create-dated", created(reply))
    if reply.is_ok:
        _, last = followed(session, str(reply.object.get("id")))
        session.see("files.byte-order-mark", str(last.get("status")))


def _lists(session: Session) -> None:
    wire, see = session.wire, session.see
    listed = wire.data("GET", "/files")
    see("files.list-v1", keys_of(listed.body))
    see("files.list-dated", keys_of(wire.data("GET", "/files", family=DATED).body))
    first = wire.data("GET", "/files", query={"limit": 1})
    after = first.items[-1].get("id") if first.items else ""
    see("files.pages", paged(first, wire.data("GET", "/files", query={"after": after}), 1))
    newest = wire.data("GET", "/files", query={"order": "desc"})
    see("files.newest-first", newest_first([one.get("created_at") for one in newest.items]))


def _content(session: Session, file: str) -> None:
    reply = session.wire.data("GET", f"/files/{file}/content")
    session.see("files.content", "as sent" if reply.content == lines() else reply.outcome)
    session.see("files.content-type", reply.headers.get("content-type", "none").partition(";")[0])


def _refused(session: Session) -> None:
    see = session.see
    missing = session.wire.data("GET", f"/files/{NOT_THERE}")
    see("files.missing", missing.outcome)
    see("files.refusal-keys", keys_of(missing.error))
    day = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "86400"}
    see("files.short-life", upload(session, "three", lines(), **day).outcome)
    see("files.purpose", upload(session, "four", lines(), purpose="tunedrop-probe").outcome)
    body = {"purpose": "fine-tune", "filename": "x.jsonl", "content_url": "ftp://127.0.0.1/x"}
    see("files.import-ftp", session.wire.data("POST", "/files/import", body).outcome)


def _uploads(session: Session) -> None:
    """Uploads in parts; nothing is stored of one that is cancelled."""
    name = f"{session.memory.name}-parts.jsonl"
    body = {"filename": name, "bytes": 100, "mime_type": "text/plain", "purpose": "fine-tune"}
    session.see("files.upload-v1", session.wire.data("POST", "/uploads", body, family=V1).outcome)
    reply = session.wire.data("POST", "/uploads", body, family=DATED)
    session.see("files.upload-dated", reply.outcome)
    if reply.is_ok:
        session.see("files.upload-shape", shapes.of_openai("Upload", reply.object))
        path = f"/uploads/{reply.object.get('id')}/cancel"
        cancelled = session.wire.data("POST", path, family=DATED)
        session.see("files.upload-cancel", str(cancelled.object.get("status")))


def _deleted(session: Session, file: str) -> None:
    wire, see = session.wire, session.see
    reply = wire.data("DELETE", f"/files/{file}")
    see("files.delete", reply.outcome)
    see("files.delete-keys", keys_of(reply.body))
    see("files.after-delete", wire.data("GET", f"/files/{file}").outcome)
