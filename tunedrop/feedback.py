"""`tunedrop feedback`: what of a model's answers was rated, and a rating of one of them.

Counts what the app exports; knows nothing of how conversations are remembered.
"""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tunedrop import completion, questions, runs
from tunedrop.app import App
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import MISSHAPEN, CommandError, NotReached, exit_on_error
from tunedrop.names import in_path

Page = dict[str, Any]
STDIN = "-"
RATINGS = ("good", "bad")

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop feedback captain")
def feedback(
    model: Annotated[str, typer.Argument(help="the model", autocompletion=completion.models)],
    answer: Annotated[
        str, typer.Argument(metavar="[ID]", help="the id of an answer, to rate it")
    ] = "",
    rating: Annotated[str, typer.Argument(metavar="[good|bad]", help="what it is rated")] = "",
    correction: Annotated[
        str, typer.Option(help="what it should have said; - reads it from standard input")
    ] = "",
    comment: Annotated[str, typer.Option(help="why")] = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Say what of a model's answers was rated and can be learned from. With the id of an answer
    (`tunedrop chat --json` prints it): rate it."""
    with exit_on_error():
        app = App.at(address, key)
        if answer:
            done = questions.rate(app, _rating(answer, rating, correction, comment))
            say_json(done) if as_json else say(f"{answer} of {done.get('model')} is rated.")
            return
        if correction or comment:
            raise CommandError("which answer?", f"tunedrop feedback {model} ID bad --correction …")
        page = summary(app, model)
        say_json(page) if as_json else say("\n".join(lines(page)))


def _rating(answer: str, rating: str, correction: str, comment: str) -> dict[str, str]:
    """Raises CommandError. A correction says that the answer was bad."""
    said = rating or ("bad" if correction else "")
    if said not in RATINGS:
        raise CommandError(
            f"{rating!r} is no rating." if rating else "good or bad?",
            f"tunedrop feedback MODEL {answer} good",
        )
    text = sys.stdin.read().strip() if correction == STDIN else correction
    if correction and not text:
        raise CommandError("the correction has no words.", "Give what it should have said.")
    given = {"id": answer, "rating": said, "correction": text, "comment": comment}
    return {name: value for name, value in given.items() if value}


def summary(app: App, model: str) -> Page:
    """What can be learned from: examples and preferences, by the version that has answered. Raises
    CommandError."""
    examples, left_out = _sources(app, model, "supervised")
    preferences, _ = _sources(app, model, "dpo")
    by_version: Counter[tuple[str, str]] = Counter()
    for source in examples:
        what = "corrected" if source["corrected"] else str(source["rating"])
        by_version[str(source["answered_by"]), what] += 1
    return {
        "model": model,
        "examples": len(examples),
        "preferences": len(preferences),
        "by_version": [
            {"version": version, "rated": what, "count": count}
            for (version, what), count in sorted(by_version.items())
        ],
        "left_out": left_out,
    }


def _sources(app: App, model: str, method: str) -> tuple[list[Page], str]:
    """Where each example would come from, and what is left out, in words."""
    from tunedrop.export import left_out_of

    path = f"api/models/{in_path(model)}/examples?method={method}&provenance=1"
    with tempfile.TemporaryFile() as file:
        headers = app.download(path, file)
        file.seek(0)
        try:
            found = [_source(json.loads(entry)) for entry in file]
            return found, left_out_of(headers.get("x-tunedrop-left-out", ""))
        except MISSHAPEN:
            message = "the app's list of rated answers is none that this tool knows."
            raise NotReached(message, "Update the older of the two.") from None


def _source(entry: Page) -> Page:
    """Raises one of MISSHAPEN."""
    told = {key: entry[key] for key in ("rating", "answered_by")}
    return told | {"corrected": entry.get("corrected", False)}


def lines(page: Page) -> Iterator[str]:
    from shared.dataset.findings.quoting import many

    model = page["model"]
    if not page["examples"] and not page["left_out"]:
        yield f"No answer of {model} was rated yet: /good, /bad and /fix in `tunedrop chat {model}`"
        yield "do it, where the app remembers conversations (TUNEDROP_REMEMBER)."
        return
    yield f"{many(page['examples'], 'example')} to learn from, {page['preferences']} as preferences"
    for entry in page["by_version"]:
        yield f"  {entry['version']}  {entry['count']} {entry['rated']}"
    if page["left_out"]:
        yield f"  left out: {page['left_out']}"
    if page["examples"]:
        yield f"tunedrop export {model} --out rated.jsonl   writes them, for `tunedrop merge`"
