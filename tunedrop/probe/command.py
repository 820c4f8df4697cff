"""`tunedrop probe`: how an Azure OpenAI resource answers, held against the emulator's table of it.

Knows its options, what it says before it begins, and how it ends.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunedrop.as_json import AsJson, note
from tunedrop.asking import confirm, may_ask
from tunedrop.echo import say, say_json
from tunedrop.errors import CommandError, ExitCode, exit_on_error
from tunedrop.files import written_whole

if TYPE_CHECKING:
    from tunedrop.probe.cleaning import Removed
    from tunedrop.probe.session import Session
    from tunedrop.probe.target import Target

cli = typer.Typer()

REPORT, STATE = "tunedrop-probe", ".tunedrop-probe.json"


@cli.command(epilog="Example: tunedrop probe --live --max-usd 1")
def probe(
    live: Annotated[
        bool, typer.Option("--live", help="ask the real account of the app's settings")
    ] = False,
    max_usd: Annotated[
        float,
        typer.Option(min=0, help="with --live: what it may cost, in USD; 0 asks what is free"),
    ] = 0.0,
    emulator: Annotated[
        str, typer.Option(help="address of an emulator (default: that of the stack here)")
    ] = "",
    only: Annotated[
        list[str] | None, typer.Option(help="an area; may be repeated (default: all)")
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="only remove what probes have left there")
    ] = False,
    out: Annotated[Path, typer.Option(help="folder for the report")] = Path(),
    state: Annotated[
        Path, typer.Option(help="where it remembers how far it is, and goes on from")
    ] = Path(STATE),
    settings: Annotated[Path, typer.Option(help="with --live: file of settings")] = Path(
        "local.settings.json"
    ),
    yes: Annotated[bool, typer.Option("--yes", help="with --live: do not ask first")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold a real Azure OpenAI account, or the emulator, against what the emulator's table says of
    the service, and write a report that can be sent to others. Tells the price first, removes all
    that it makes. Exits 0 if nothing differs, 1 if something does."""
    from tunedrop.probe import target
    from tunedrop.probe.wire import Wire

    with exit_on_error():
        if live and emulator:
            raise CommandError("--live and --emulator exclude each other.", "Give one of them.")
        found = target.real(os.environ, settings) if live else target.emulated(emulator)
        if not live:
            found = _with_key(found)
        if clean:
            removed = _clean(Wire(found), state)
            if as_json:
                say_json({"removed": removed.counts, "left": removed.left})
            else:
                _say(removed)
            raise typer.Exit(ExitCode.NO if removed.left else ExitCode.DONE)
        areas = _areas(only)
        session = _session(Wire(found), state, max_usd)
        if live:
            _tell_price(session, areas, max_usd, yes=yes)
        raise typer.Exit(_probe(session, areas, out, as_json=as_json))


def _with_key(found: "Target") -> "Target":
    """The emulator's key is no secret: the control plane tells it."""
    from dataclasses import replace

    from tunedrop.probe.wire import Wire

    keys = Wire(found).arm("POST", "/listKeys").object
    return replace(found, key=str(keys.get("key1") or ""))


def _areas(only: Sequence[str] | None) -> tuple[str, ...]:
    from tunedrop.probe.price import AREAS

    for area in only or ():
        if area not in AREAS:
            raise CommandError(f"{area!r} is no area.", f"Give one of {', '.join(AREAS)}.")
    return tuple(area for area in AREAS if not only or area in only)


def _session(wire: Any, state: Path, max_usd: float) -> "Session":
    from tunedrop.probe.memory import Memory
    from tunedrop.probe.session import Session

    memory = Memory.at(state, wire.target.endpoint)
    if not memory.is_new:
        note(f"going on with the probe that {state} remembers")
    return Session(wire, memory, max_usd if wire.target.is_live else None)


def _tell_price(session: "Session", areas: Sequence[str], max_usd: float, *, yes: bool) -> None:
    from tunedrop.probe.price import price, total

    region = session.wire.target.location
    for area in areas:
        usd = price(area, region)
        cost = "no list price known: left out" if usd is None else f"at most ${usd:.2f}"
        note(f"  {area:<12} {cost if usd != 0 else 'free'}")
    whole = total(areas, region)
    note(f"  in all at most ${whole:.2f}; --max-usd allows ${max_usd:.2f}")
    note("It makes files, jobs and deployments named tunedrop-probe-…, and removes them.")
    if not yes:
        may_ask("--yes")
        confirm("Go on?", "--yes")


def _probe(session: "Session", areas: Sequence[str], out: Path, *, as_json: bool) -> ExitCode:
    from tunedrop.probe.report import differing, document, markdown
    from tunedrop.probe.running import run

    session.memory.save()  # before anything is made by its name
    removed = run(session, areas, lambda area: note(f"asking: {area}"))
    live = session.is_live
    told = document(session.memory, live=live, now=session.clock.now(), areas=areas)
    _write(out, told, markdown(told))
    if as_json:
        say_json(told)
    else:
        for one in differing(session.memory):
            say(f"  differs  {one}: {session.memory.answers[one]['value']}")
        for area, reason in told["left_out"].items():
            say(f"  not asked to its end: {area}, since {reason}")
        say(", ".join(f"{number} {name}" for name, number in told["counts"].items()))
        say(f"the report is {out / REPORT}.md, and .json for programs; it names nobody")
    if removed is None:
        note("Something still waits: it is not removed, and the same command goes on with it.")
        return ExitCode.NOT_REACHED
    for left in removed.left:
        note(f"still there: {left}. `tunedrop probe --clean` tries again.")
    if not removed.left:
        session.memory.forget()
    return ExitCode.NO if told["counts"]["differs"] or removed.left else ExitCode.DONE


def _write(out: Path, told: dict[str, Any], text: str) -> None:
    import json

    with written_whole(out / f"{REPORT}.md") as file:
        file.write(text.encode())
    with written_whole(out / f"{REPORT}.json") as file:
        file.write(f"{json.dumps(told, indent=2)}\n".encode())


def _clean(wire: Any, state: Path) -> "Removed":
    """Of every probe; and what the last one remembers is forgotten with it."""
    from tunedrop.probe.cleaning import clean
    from tunedrop.probe.memory import Memory
    from tunedrop.probe.session import Session

    session = Session(wire, Memory(state, wire.target.endpoint))
    removed = clean(session)
    if not removed.left:
        session.memory.forget()
    return removed


def _say(removed: "Removed") -> None:
    counts = ", ".join(f"{number} × {kind}" for kind, number in removed.counts.items())
    say(f"removed: {counts or 'nothing was there'}")
    for left in removed.left:
        note(f"still there: {left}. `tunedrop probe --clean` tries again.")
