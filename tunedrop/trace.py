"""`tunedrop trace`: from the id of a chat to the version that answered, its run and its dataset."""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from tunedrop import runs
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import MISSHAPEN, CommandError, NotReached, exit_on_error

cli = typer.Typer()

Json = dict[str, Any]


@cli.command(epilog="Example: tunedrop trace chatcmpl-1a2b3c")
def trace(
    id: Annotated[
        str, typer.Argument(metavar="ID", help="the x-request-id of an answer, or the id within it")
    ],
    at: Annotated[str, typer.Option(help="look in this hour alone, e.g. 2026-11-28T03")] = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Say which version answered a chat, and what it is made of: verdict, run, dataset."""
    from tunedrop.app import App

    with exit_on_error():
        if id.strip("/. ") == "":
            raise CommandError("which chat?", "Give the x-request-id or the id of its answer.")
        # An encoded slash would reach the app as it is.
        path = f"api/trace/{quote(id, safe='/')}"
        query = f"?{urlencode({'at': at})}" if at else ""
        found = App.at(address, key).get(path + query)
        if as_json:
            say_json(found)
        else:
            say(_shown(found))


def _shown(found: Json) -> str:
    """Raises NotReached."""
    try:
        told = ["\n".join(lines(chat)) for chat in found["chats"]]
        return "\n\n".join(filter(None, [*told, found.get("notice", "")]))
    except MISSHAPEN:
        raise NotReached(
            "the app's answer is none that this tool knows.", "--json prints it as it is."
        ) from None


def lines(chat: Json) -> Iterator[str]:
    """What is known of one chat."""
    yield f"chat      {chat['request']} at {chat['at']}, status {chat['status']}"
    if chat["answer"]:
        yield f"answer    {chat['answer']}"
    instead = f", instead of {chat['instead_of']}" if chat["instead_of"] else ""
    yield f"answered  {chat['backend']} (deployment {chat['deployment']}){instead}"
    if known := chat["lineage"]:
        yield from _lineage(known)
    elif chat["model"] is None:
        yield "version   none: a deployment that is no version of a model"
    for problem in chat["problems"]:
        yield f"unknown   {problem['message']} {problem['fix']}"


def _lineage(known: Json) -> Iterator[str]:
    champions = f"champion then: {_number(known['champion_then'])}, now: "
    yield f"state     {known['state']} ({champions}{_number(known['champion'])})"
    step = "" if known["checkpoint"] is None else f", checkpoint at step {known['checkpoint']}"
    yield f"model     {known['fine_tuned_model']} of {known['base_model']}{step}"
    if verdict := known["verdict"]:
        yield f"verdict   {verdict['overall']}: {verdict['sentence']} (digest {verdict['digest']})"
    else:
        yield "verdict   none is kept beside its run"
    yield f"run       {known['run']} ({known['stage'] or 'its record is gone'})"
    for file in known["dataset"]:
        there = "" if file["there"] else "; the blob has other bytes now, or is gone"
        yield f"{file['role']:<10}{file['blob']}, {file['size']:,} bytes{there}"
        yield f"          sha256 {file['sha256']}"


def _number(version: int | None) -> str:
    return "not known" if version is None else f"@{version}"
