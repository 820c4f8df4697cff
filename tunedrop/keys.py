"""`tunedrop keys`: who may use the app: list, create, limit and revoke keys.

Shows what the app's routes say of keys; a key itself is printed once, and kept nowhere.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from shared.printable import shown
from tunedrop import asking, completion, runs
from tunedrop.as_json import AsJson, note
from tunedrop.echo import say, say_json
from tunedrop.errors import CommandError, exit_on_error
from tunedrop.names import in_path, person

Key = dict[str, Any]
NONE = "none"
MOST = 10**9  # a minute, as the app takes it
HEADER = ("name", "role", "models", "a minute", "last used", "requests", "tokens")

Name = Annotated[str, typer.Argument(metavar="NAME", help="the key's name")]
Requests = Annotated[
    str, typer.Option("--requests", metavar="N", help="at most so many a minute; none for no limit")
]
Tokens = Annotated[
    str, typer.Option("--tokens", metavar="N", help="at most so many a minute; none for no limit")
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="for this model only (repeatable)",
        autocompletion=completion.models,
    ),
]
Days = Annotated[int, typer.Option(min=1, max=92, help="of usage")]
OPTIONS = {"days": "--days", "as_json": "--json", "address": "--app", "key": "--key"}
Why = Annotated[str, typer.Option(help="the reason, which is kept")]

cli = typer.Typer()
group = typer.Typer()
cli.add_typer(group, name="keys")


@group.callback(invoke_without_command=True, epilog="Example: tunedrop keys")
def keys(
    context: typer.Context,
    days: Days = 30,
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """List, create, limit and revoke the keys of an app; alone it lists them."""
    if context.invoked_subcommand is None:
        _list(days, address, key, as_json=as_json)
    elif early := [name for name in ("days", "as_json", "address", "key") if _typed(context, name)]:
        with exit_on_error():
            option = OPTIONS[early[0]]
            sub = context.invoked_subcommand
            raise CommandError(
                f"{option} is an option of {sub}.", f"Put it behind: tunedrop keys {sub} … {option}"
            )


@group.command("list", epilog="Example: tunedrop keys list --days 7")
def list_keys(
    days: Days = 30, as_json: AsJson = False, address: runs.Address = "", key: runs.Key = ""
) -> None:
    """List them with their limits and what each has used."""
    _list(days, address, key, as_json=as_json)


def _typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _list(days: int, address: str, key: str, *, as_json: bool) -> None:
    from tunedrop.app import App

    with exit_on_error():
        page = App.at(address, key).get(f"api/keys?days={days}")
        if as_json:
            say_json(page)
            return
        runs.tell_problems(page)
        say("\n".join(lines(page["keys"])) or "no key yet; `tunedrop keys create NAME` makes one")


@group.command(epilog="Example: tunedrop keys create web --model captain --requests 60")
def create(
    name: Name,
    role: Annotated[str, typer.Option(help="chat, reader or operator")] = "chat",
    model: Models = None,
    requests: Requests = "",
    tokens: Tokens = "",
    why: Why = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Make a key and print it, this once: the app keeps its digest only."""
    from tunedrop.app import App

    with exit_on_error():
        body = {"name": name, "role": role, **_terms(requests, tokens, model), **_by(why)}
        made = App.at(address, key).post("api/keys", body)
        if as_json:
            say_json(made)
            return
        say(made["key"])
        _tell_absent(made)
        note(
            f"This is the key of {made['name']}, role {made['role']}; nobody can show it again. It "
            "counts within 5 seconds."
        )


@group.command(epilog="Example: tunedrop keys limit web --tokens none")
def limit(
    name: Name,
    model: Models = None,
    all_models: Annotated[bool, typer.Option("--all-models", help="for every model")] = False,
    requests: Requests = "",
    tokens: Tokens = "",
    why: Why = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Give a key other limits, or other models."""
    from tunedrop.app import App

    with exit_on_error():
        if model and all_models:
            raise CommandError("--model and --all-models exclude each other.", "Give one of them.")
        body = _terms(requests, tokens, model) | ({"models": None} if all_models else {})
        if not body:
            raise CommandError(
                "which limit?", f"tunedrop keys limit {name} --requests 60 --tokens none"
            )
        path = f"api/keys/{in_path(name)}/limit"
        changed = App.at(address, key).post(path, body | _by(why))
        say_json(changed) if as_json else say("\n".join(lines([changed])))
        _tell_absent(changed)


@group.command(epilog="Example: tunedrop keys revoke web")
def revoke(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    why: Why = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Revoke a key: whoever uses it is refused within 5 seconds, and for good."""
    from tunedrop.app import App

    with exit_on_error():
        app = App.at(address, key)
        if not yes:
            asking.may_ask("--yes")
            asking.confirm(f"Revoke the key {shown(name)}? It never works again", "--yes")
        gone = app.post(f"api/keys/{in_path(name)}/revoke", _by(why))
        say_json(gone) if as_json else say(f"{gone['name']} is revoked: refused within 5 seconds.")


def _tell_absent(key: Key) -> None:
    for name in key.get("absent") or ():
        note(
            f"Nothing answers as {shown(str(name))} now: is that the name? `tunedrop models` lists."
        )


def _by(why: str) -> dict[str, str]:
    return {"who": person(""), "why": why}


def _terms(requests: str, tokens: str, models: Sequence[str] | None) -> dict[str, Any]:
    """Those that are named. Raises CommandError."""
    limits = {"requests_per_minute": requests, "tokens_per_minute": tokens}
    terms: dict[str, Any] = {name: _number(text) for name, text in limits.items() if text}
    return terms | ({"models": list(models)} if models else {})


def _number(text: str) -> int | None:
    if text == NONE:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 11 and 0 < int(text) <= MOST):
        raise CommandError(
            f"'{shown(text)}' is no number a minute.",
            f"Give a whole number from 1 to {MOST:,}, or none.",
        )
    return int(text)


def lines(keys: Sequence[Key]) -> Iterator[str]:
    """A line for each, and a heading."""
    rows = [HEADER, *map(_row, keys)]
    if not keys:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def _row(key: Key) -> tuple[str, ...]:
    models = "all" if key["models"] is None else ", ".join(key["models"]) or NONE
    limits = (("requests_per_minute", "requests"), ("tokens_per_minute", "tokens"))
    told = [f"{key[name]:,} {word}" for name, word in limits if key.get(name)]
    state = f" (revoked by {key['revoked']['by']})" if key.get("revoked") else ""
    where = " (TUNEDROP_APP_KEYS)" if key.get("source") == "setting" else ""
    return (
        f"{key['name']}{where}{state}",
        str(key["role"]),
        models,
        ", ".join(told) or "no limit",
        str(key.get("last_used") or "never")[:16].replace("T", " "),
        f"{key.get('requests') or 0:,}",
        f"{key.get('tokens') or 0:,}",
    )
