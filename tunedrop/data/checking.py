"""The commands `check` and `split`: whether the app would take a dataset, and two sets out of one.

Knows the options and what is said of what comes out.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.catalog import facts, lookup
from shared.cloud.offers import region_name
from shared.dataset.measure.cost import TrainingPlan
from shared.printable import shown
from tunedrop.as_json import AsJson, note
from tunedrop.data.given import Given, GivenFile, check_promptfoo, given, plan_of
from tunedrop.echo import say, say_json
from tunedrop.errors import CommandError, ExitCode, ended, exit_on_error
from tunedrop.files import STDIN, keep_apart, must_exist, places_for
from tunedrop.scanning import scan

if TYPE_CHECKING:
    from shared.dataset.verdict import Verdict

SHOWN_LINES = 10  # numbers of lines that a sentence names

Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="a folder as it is dropped, or training sets (JSONL; - is the input)"),
]

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop check examples/captain")
def check(
    paths: Paths = None,
    validation: Annotated[Path | None, typer.Option(help="validation set (JSONL)")] = None,
    base_model: Annotated[
        str | None, typer.Option(help=f"model to tune (default: {TrainingPlan().base_model})")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="supervised or dpo (default: supervised)")
    ] = None,
    training_type: Annotated[
        str | None, typer.Option(help=f"tier (default: {TrainingPlan().training_type})")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="epochs, for the price")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="USD, for the training")] = None,
    region: Annotated[str, typer.Option(help="of the account, for the price")] = "",
    sku: Annotated[
        str | None,
        typer.Option(help=f"of the deployment, for its price (default: {TrainingPlan().sku})"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="skip the checks of content")] = False,
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="write the report as a page")] = None,
    annotations: Annotated[bool, typer.Option("--github", help="annotate in GitHub")] = False,
    fix: Annotated[Path | None, typer.Option(help="write a corrected copy of one file")] = None,
    drop_unknown_keys: Annotated[
        bool, typer.Option("--drop-unknown-keys", help="with --fix: leave out unknown keys")
    ] = False,
) -> None:
    """Check datasets as the app would: a folder with its run.yaml, or files. Exits 0 if accepted,
    1 with errors, 2 if called wrongly."""
    if method not in (None, "supervised", "dpo"):
        raise typer.BadParameter(f"{method!r} is neither supervised nor dpo.")
    if as_json and annotations:
        raise typer.BadParameter("--json and --github exclude each other.")
    _must_be_priced(region, sku or TrainingPlan().sku)
    with exit_on_error():
        found = given(paths or [], validation, may_ask=not (as_json or annotations))
        _must_be_fixable(found.files, fix, drop_unknown_keys)
        keep_apart([html], found.read)
        keep_apart([html, fix], found.read[1:])
        plan = _plan(
            found,
            base_model=base_model,
            method=method,
            training_type=training_type,
            epochs=epochs,
            budget=budget,
            sku=sku,
            region=region or None,
        )
        verdict = _judge(found.files, plan, quick)
        if html:
            from shared.dataset.report import page

            with places_for(html) as (place,):
                place.write_text(page.as_html(found.title, verdict), encoding="utf-8")
        if fix:
            _fix(found.files[0], fix, plan, quick, drop_unknown_keys)
        print_verdict(found.title, verdict, as_json=as_json, annotations=annotations)
    raise typer.Exit(ExitCode.NO if verdict.rejected else ExitCode.DONE)


def _plan(found: Given, **chosen: Any) -> TrainingPlan:
    """Raises typer.Exit: a drop whose run.yaml or promptfoo file is wrong is rejected, whatever its
    datasets are."""
    try:
        check_promptfoo(found)
        return plan_of(found, **chosen)
    except CommandError as error:
        fix = f"{error.fix} The datasets were not checked.".strip()
        raise ended(error.message, fix, ExitCode.NO) from None


def _judge(files: Sequence[GivenFile], plan: TrainingPlan, quick: bool) -> "Verdict":
    from shared.dataset.verdict import judge

    scanned = [scan(file.path, file.role, plan, deep=not quick) for file in files]
    return judge(scanned, plan, datetime.now(UTC).date())


def _must_be_fixable(files: Sequence[GivenFile], fix: Path | None, drop_keys: bool) -> None:
    """Raises CommandError."""
    if fix and len(files) > 1:
        raise CommandError("--fix takes one file.", "Give it once for each.")
    if fix and files[0].path == STDIN:
        raise CommandError(
            "--fix reads a file twice, and standard input once only.", "Name a file."
        )
    if drop_keys and not fix:
        raise CommandError(
            "--drop-unknown-keys goes with --fix.", "Give --fix OUT, which takes the copy."
        )


def _fix(
    file: GivenFile, target: Path, plan: TrainingPlan, quick: bool, drop_unknown_keys: bool
) -> None:
    """Write the copy; say what was done, and what a check of the copy still finds."""
    from shared.dataset.mend import CannotMend, mend

    try:
        with places_for(target) as (place,):
            corrections = mend(file.path, place, drop_unknown_keys=drop_unknown_keys)
            left = _judge([GivenFile(place, file.role)], plan, quick)
    except CannotMend as error:  # the report that follows says what the file is
        note(f"tunedrop: {error} {target} was not written.")
        return
    note(corrections.sentence())
    counts = [f"{group.count:,}× {group.id}" for group in left.groups_of(left.files[0])]
    if not counts:
        note(f"left: nothing; {target} is clean")
        return
    more = ""
    if "unknown-key" in left.files[0].counts and not drop_unknown_keys:
        more = "; --drop-unknown-keys leaves out keys that the format does not know"
    verdict = "rejected" if left.rejected else "accepted"
    note(f"left: {', '.join(counts)}{more}. {target} would be {verdict}.")


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


@cli.command(
    epilog="Example: tunedrop split answers.jsonl --training most.jsonl --validation rest.jsonl"
)
def split(
    file: Annotated[Path, typer.Argument(help="a dataset (JSONL)")],
    training: Annotated[Path, typer.Option(help="where to write the training set")],
    validation: Annotated[Path, typer.Option(help="where to write the validation set")],
    share: Annotated[float, typer.Option(min=0.01, max=0.5, help="of the validation set")] = 0.1,
    seed: Annotated[int, typer.Option(help="another number, another split")] = 0,
    as_json: AsJson = False,
) -> None:
    """Split a dataset so that nothing in one part is the same, or almost, in the other."""
    from shared.dataset.findings.quoting import many
    from shared.dataset.split import split_file

    with exit_on_error():
        if file == STDIN:
            raise CommandError("a file that is split is read twice.", "Name one, not the input.")
        must_exist(file)
        keep_apart([training, validation], [file])
        with places_for(training, validation) as (ours, held):
            done = split_file(file, ours, held, share, seed)
        if as_json:
            say_json(
                {
                    "training": {"file": str(training), "lines": done.training},
                    "validation": {"file": str(validation), "lines": done.validation},
                    "unreadable": list(done.unreadable),
                }
            )
            return
        kept = done.training - len(done.unreadable)
        say(f"{many(kept, 'example')} in {training}, {done.validation:,} in {validation}")
        if done.unreadable:
            say(
                f"{many(len(done.unreadable), 'line')} of {file} could not be read and went into "
                f"{training} as they are: {listed(done.unreadable)}. `tunedrop check {file}` says "
                "what is wrong with each.",
                err=True,
            )


def listed(numbers: Sequence[int]) -> str:
    """`3, 8, 14` or the first of them and how many more there are."""
    told = ", ".join(f"{number:,}" for number in numbers[:SHOWN_LINES])
    more = len(numbers) - SHOWN_LINES
    return f"{told} and {more:,} more" if more > 0 else told
