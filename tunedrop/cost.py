"""`tunedrop cost`: what models have cost in a month, as a table.

Knows how the app's answer is shown, not how costs are counted.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from shared.dataset.measure.cost import usd
from tunedrop import completion, runs
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import MISSHAPEN, NotReached, exit_on_error

cli = typer.Typer()

HEADER = ("model", "hours", "hosting", "training", "so far", "by its end")


@cli.command(epilog="Example: tunedrop cost captain --month 2026-11")
def cost(
    model: Annotated[
        str,
        typer.Argument(help="of this model only, with its parts", autocompletion=completion.models),
    ] = "",
    month: Annotated[str, typer.Option(help="YYYY-MM, by UTC (default: this month)")] = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Say what hosting and training have cost in a month at list price, and what it comes to by its
    end."""
    from tunedrop.app import App

    with exit_on_error():
        asked = {name: value for name, value in (("model", model), ("month", month)) if value}
        try:
            found = App.at(address, key).get(f"api/cost?{urlencode(asked)}")
            told = "" if as_json else "\n".join(table(found, parts=bool(model)))
        except MISSHAPEN:
            message = "the app does not tell costs in a way that this tool knows."
            raise NotReached(message, "Update the older of the two.") from None
        if as_json:
            say_json(found)
            return
        say(told)
        runs.tell_problems(found)


def table(found: dict[str, Any], *, parts: bool) -> Iterator[str]:
    """A line for each model and one for all; with `parts`, those of each model as well."""
    where = found["region"] or "the dearest region"
    until = found["until"][:16].replace("T", " ")
    yield f"{found['month']} until {until} UTC, at the list prices of {found['prices_of']}, {where}"
    if not found["models"]:
        yield "nothing was hosted or trained"
    else:
        yield ""
        yield from _aligned([HEADER, *_rows(found)])
    if parts:
        yield from _parts(found["models"])
    if found["total"]["usd_per_hour"]:
        yield ""
        yield f"{usd(found['total']['usd_per_hour'])} an hour for what is deployed now"
    for notice in found["notices"]:
        yield ""
        yield notice


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for model in found["models"]:
        yield _row(model["model"], model["hosting"]["hours"], model)
    if len(found["models"]) > 1:
        together = sum(model["hosting"]["hours"] for model in found["models"])
        yield _row("all", together, found["total"])


def _row(name: str, hours: float, of: dict[str, Any]) -> tuple[str, ...]:
    hosting, training = of["hosting"], of["training"]
    by_its_end = _amount(of["projected_usd"], of["unknown"])
    amounts = (_amount(part["usd"], part["unknown"]) for part in (hosting, training, of))
    return (name, _hours(hours), *amounts, by_its_end)


def _parts(models: Sequence[dict[str, Any]]) -> Iterator[str]:
    for model in models:
        for part in model["hosting"]["versions"]:
            yield ""
            rate = _known(part["usd_per_hour"], "{} an hour", "price unknown")
            state = "deployed" if part["deployed"] else "not deployed now"
            kind = f"{part['base_model']} as {part['sku']}"
            yield f"{model['model']}@{part['version']}  {kind}, {rate}"
            amount = _known(part["usd"], "{}", "unknown")
            yield f"  {_hours(part['hours'])} hours, {amount}; {state}"
        for part in model["training"]["runs"]:
            yield ""
            yield f"run {part['run']}  {part['base_model']} as {part['training_type']}"
            yield f"  {_trained(part)}"


def _trained(part: dict[str, Any]) -> str:
    predicted, billed = part["predicted"], part["billed"]
    most = "at most " if predicted and predicted["at_most"] else ""
    told = [
        f"{_tokens(billed)} billed" if billed else "",
        f"{most}{_tokens(predicted)} predicted" if predicted else "",
        "under way" if part["ended"] is None else "",
        "ended without a model" if part["without_model"] else "",
    ]
    return "; ".join(filter(None, told)) or "nothing is known of what it costs"


def _tokens(part: dict[str, Any]) -> str:
    return f"{part['tokens']:,} tokens ({_known(part['usd'], '{}', 'price unknown')})"


def _known(amount: float | None, text: str, unknown: str) -> str:
    return unknown if amount is None else text.format(usd(amount))


def _amount(known: float, unknown: int) -> str:
    """What has no price is never shown as nothing."""
    if not unknown:
        return usd(known)
    return f"{usd(known)} + unknown" if known else "unknown"


def _hours(hours: float) -> str:
    """To the minute."""
    minutes = round(hours * 60)
    return f"{minutes // 60:,}:{minutes % 60:02d}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *figures in rows:
        cells = (figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True))
        yield "  ".join((name.ljust(widths[0]), *cells))
