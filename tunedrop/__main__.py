"""`tunedrop`: what people and build pipelines do with datasets, runs and apps.

`check` and `split` work without Azure, the others ask a running app. A command imports what it
needs when it is called: a terminal should not wait for the others.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.catalog import facts, lookup
from shared.cloud.offers import region_name
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole
from shared.printable import shown
from tunedrop import __version__, models, runs
from tunedrop.echo import say, say_json
from tunedrop.errors import CommandError, exit_on_error
from tunedrop.scanning import scan

if TYPE_CHECKING:
    from shared.dataset.verdict import Verdict

Files = Annotated[list[Path], typer.Argument(help="training sets (JSONL)")]

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
cli.add_typer(runs.cli)
cli.add_typer(models.cli)


def show_version(wanted: bool) -> None:
    if wanted:
        say(f"tunedrop {__version__}")
        raise typer.Exit


@cli.callback()
def about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="show the version"),
    ] = False,
) -> None:
    """Drop a dataset, get a tuned model."""


@cli.command()
def check(
    files: Files,
    validation: Annotated[Path | None, typer.Option(help="validation set (JSONL)")] = None,
    base_model: Annotated[str, typer.Option(help="model to tune")] = TrainingPlan().base_model,
    method: Annotated[str, typer.Option(help="supervised or dpo")] = "supervised",
    training_type: Annotated[str, typer.Option(help="tier")] = TrainingPlan().training_type,
    epochs: Annotated[int | None, typer.Option(min=1, help="epochs, for the price")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="USD, for the training")] = None,
    region: Annotated[str, typer.Option(help="of the account, for the price")] = "",
    sku: Annotated[str, typer.Option(help="of the deployment, for its price")] = TrainingPlan().sku,
    quick: Annotated[bool, typer.Option("--quick", help="skip the checks of content")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
    html: Annotated[Path | None, typer.Option(help="write the report as a page")] = None,
    annotations: Annotated[bool, typer.Option("--github", help="annotate in GitHub")] = False,
    fix: Annotated[Path | None, typer.Option(help="write a corrected copy of one file")] = None,
) -> None:
    """Check datasets as the app would. Exits 0 if accepted, 1 with errors, 2 if called wrongly."""
    from shared.dataset.verdict import judge

    if method not in ("supervised", "dpo"):
        raise typer.BadParameter(f"{method!r} is neither supervised nor dpo.")
    _must_be_priced(region, sku)
    if fix and len(files) > 1:
        raise typer.BadParameter("--fix takes one file.")
    plan = TrainingPlan(base_model, method, training_type, epochs, budget, sku, region)
    title = ", ".join(path.name for path in files)
    with exit_on_error():
        scanned = [scan(path, FileRole.TRAINING, plan, deep=not quick) for path in files]
        if validation:
            scanned.append(scan(validation, FileRole.VALIDATION, plan, deep=not quick))
        verdict = judge(scanned, plan, datetime.now(UTC).date())
        if html:
            from shared.dataset.report import page

            html.write_text(page.as_html(title, verdict), encoding="utf-8")
        if fix:
            from shared.dataset.mend import mend

            say(mend(files[0], fix).sentence(), err=True)
    print_verdict(title, verdict, as_json=as_json, annotations=annotations)
    raise typer.Exit(1 if verdict.rejected else 0)


def _must_be_priced(region: str, sku: str) -> None:
    """Raises BadParameter: what is misspelt would be told the dearest price, or none."""
    regions = lookup.priced_regions()
    if region and not lookup.is_government(region) and region_name(region) not in regions:
        raise typer.BadParameter(
            f"No price names the region {shown(region)}. The nearest name is "
            f"{_nearest(region, regions)}; without --region the dearest price is told."
        )
    if sku.lower() not in facts.SKUS.values:
        near = _nearest(sku, dict.fromkeys(facts.SKUS.values.values()))
        raise typer.BadParameter(
            f"The app has no deployments of the SKU {shown(sku)}. The nearest name is {near}."
        )


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import SequenceMatcher

    wanted = name[:100].lower()
    return max(known, key=lambda one: SequenceMatcher(None, one.lower(), wanted).ratio())


@cli.command()
def split(
    file: Annotated[Path, typer.Argument(help="a dataset (JSONL)")],
    training: Annotated[Path, typer.Option(help="where to write the training set")],
    validation: Annotated[Path, typer.Option(help="where to write the validation set")],
    share: Annotated[float, typer.Option(min=0.01, max=0.5, help="of the validation set")] = 0.1,
    seed: Annotated[int, typer.Option(help="another number, another split")] = 0,
) -> None:
    """Split a dataset so that nothing in one part is the same, or almost, in the other."""
    from shared.dataset.findings.quoting import many
    from shared.dataset.split import CannotSplit, split_file

    with exit_on_error():
        try:
            made = split_file(file, training, validation, share, seed)
        except CannotSplit as error:
            raise CommandError(str(error)) from None
    say(f"{many(made.training, 'example')} in {training}, {made.validation:,} in {validation}")


@cli.command()
def export(
    model: Annotated[str, typer.Argument(help="the model whose rated answers are wanted")],
    app: runs.Address = "",
    key: runs.Key = "",
    method: Annotated[str, typer.Option(help="supervised or dpo")] = "supervised",
    out: Annotated[Path, typer.Option(help="where to write")] = Path("training_set.jsonl"),
    provenance: Annotated[Path | None, typer.Option(help="where each line is from")] = None,
) -> None:
    """Turn a model's rated answers into the next training set: those that were good or corrected,
    or for dpo pairs of a bad answer and its correction."""
    from shared.chat.examples import Method
    from shared.dataset.findings.quoting import many
    from tunedrop import export as exports
    from tunedrop.app import App

    if method not in list(Method):
        raise typer.BadParameter(f"{method!r} is neither supervised nor dpo.")
    with exit_on_error():
        done = exports.export(App.at(app, key), model, Method(method), out, provenance)
    name = exports.drop_name(model, out)
    spec = " beside a run.yaml with `method: dpo`" if method == "dpo" else ""
    say(f"{many(done.examples, 'example')} in {out}; check it, then drop it as {name}{spec}")
    if done.left_out:
        say(f"left out: {done.left_out}", err=True)


@cli.command()
def doctor(
    local: Annotated[bool, typer.Option("--local", help="ask the stack of dev.py up")] = False,
    app: Annotated[str, typer.Option(envvar="TUNEDROP_APP", help="address of an app")] = "",
    key: runs.Key = "",
    settings: Annotated[Path, typer.Option(help="file of settings")] = Path("local.settings.json"),
    wait: Annotated[float, typer.Option(min=0, help="seconds for a canary to be taken")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="print the results as JSON")] = False,
) -> None:
    """Say what is wrong with an app and how to fix it. Exits 0 if nothing is, 1 with problems."""
    from shared.doctor import healthy
    from tunedrop import doctor as doctor_cli
    from tunedrop.app import App

    if local and app:
        raise typer.BadParameter("--local and --app exclude each other.")
    with exit_on_error():
        if local or app:
            results = doctor_cli.ask_app(App.at(app, key))
        else:
            results = doctor_cli.check_here(settings, wait)
    (doctor_cli.print_json if as_json else doctor_cli.print_table)(results)
    raise typer.Exit(0 if healthy(results) else 1)


def print_verdict(title: str, verdict: "Verdict", *, as_json: bool, annotations: bool) -> None:
    if as_json:
        from shared.dataset.report import document

        say_json(document.as_json(title, verdict))
    elif annotations:
        from tunedrop import github

        github.annotate(verdict)
    else:
        from tunedrop import show

        show.print_verdict(verdict)


if __name__ == "__main__":
    cli(prog_name="tunedrop")
