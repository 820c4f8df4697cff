"""The formats that are converted: how each is recognised, and what makes an example of a record.

Knows one file's records together, where that is needed; not how files are read or written.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from shared.dataset.findings.quoting import many, shorten
from tunedrop.data import conversations, pairs, preferences
from tunedrop.data.fields import Example, Fields
from tunedrop.data.records import JSONL, Source
from tunedrop.errors import CommandError

AUTO, CSV = "auto", "csv"
Convert = Callable[[Fields], Example]


class Format(NamedTuple):
    """`shows` says what in a record is of this format, `convert` makes an example of it."""

    shows: Callable[[dict[str, Any]], str]
    convert: Convert


class Chosen(NamedTuple):
    """A file's format: `evidence` says why, `done` what is done to all of its records."""

    name: str
    evidence: str
    convert: Convert
    done: tuple[str, ...] = ()


FORMATS = {
    "sharegpt": Format(conversations.is_sharegpt, conversations.sharegpt),
    "alpaca": Format(pairs.is_alpaca, pairs.alpaca),
    "prompt-completion": Format(pairs.is_prompt_completion, pairs.prompt_completion(pairs.Marks())),
    "trl-preference": Format(preferences.is_preference, preferences.preference),
    "openai-legacy": Format(conversations.is_legacy, conversations.legacy),
}
NAMES = (*FORMATS, CSV, AUTO)


def choose(source: Source, asked: str, columns: pairs.Columns | None) -> Chosen:
    """The format that was asked for, or the only one that any record is in. Raises CommandError."""
    if columns:
        return _by_columns(source, columns)
    if source.columns is not None and asked in (AUTO, CSV):
        return _table(source, source.columns)
    if asked == CSV:
        raise CommandError(
            f"{source.name} is {source.kind}, not CSV.", "Leave --from out: auto finds out."
        )
    found = [asked] if asked != AUTO else list(FORMATS)
    evidence = {name: _evidence(source, FORMATS[name].shows) for name in found}
    fitting = [name for name in found if evidence[name]]
    if len(fitting) > 1:
        both = "; ".join(f"{name}: {evidence[name]}" for name in fitting)
        raise CommandError(f"{source.name} fits {len(fitting)} formats. {both}.", "Say --from.")
    if fitting:
        return _chosen(source, fitting[0], evidence[fitting[0]])
    values = _values(source)
    if asked == AUTO and source.kind != JSONL and values and all(map(_is_ours, values)):
        told = "each example gets a line of its own"
        return Chosen("this app's format", told, Fields.take_all)
    raise _none_fits(source, asked)


def _evidence(source: Source, shows: Callable[[dict[str, Any]], str]) -> str:
    """How many records show it, what they show, and where first; empty for none."""
    seen = [(r.place, what) for r in source.records if r.value and (what := shows(r.value))]
    if not seen:
        return ""
    place, what = seen[0]
    total = many(len(source.records), "record")
    return f"{len(seen):,} of {total} have {what}, first {source.unit} {place:,}"


def _chosen(source: Source, name: str, evidence: str) -> Chosen:
    if name != "prompt-completion":
        return Chosen(name, evidence, FORMATS[name].convert)
    found = pairs.marks(_values(source))
    return Chosen(name, evidence, pairs.prompt_completion(found), tuple(found.sentences()))


def _values(source: Source) -> list[dict[str, Any]]:
    return [record.value for record in source.records if record.value]


def _by_columns(source: Source, columns: pairs.Columns) -> Chosen:
    """Raises CommandError for names that no record has."""
    known = set(source.columns or {key for value in _values(source) for key in value})
    for name in filter(None, columns):
        if name not in known:
            message = f"{source.name} has no {shorten(name)!r}; {_has(sorted(known))}."
            raise CommandError(message, "Name one of them with --user and --assistant.")
    told = f"as named: {columns.user!r} asks, {columns.assistant!r} answers"
    return Chosen(CSV if source.columns else "named keys", told, pairs.row(columns))


def _table(source: Source, names: tuple[str, ...]) -> Chosen:
    """By the names of its columns. Raises CommandError where they do not tell."""
    header = {name.lower(): "" for name in names}
    for name in ("trl-preference", "alpaca"):
        if what := FORMATS[name].shows(header):
            evidence = f"it has the columns {what}, as {name} has them"
            return Chosen(CSV, evidence, _in_small_letters(FORMATS[name].convert))
    columns = pairs.columns_of(names)
    if columns is None:
        raise CommandError(
            f"{source.name} is {source.kind}; {_has(names)}. Which is the question and which the "
            "answer?",
            "Say --user COLUMN --assistant COLUMN.",
        )
    system = f", {columns.system!r} is the system prompt" if columns.system else ""
    told = f"{columns.user!r} asks, {columns.assistant!r} answers{system}"
    chosen = Chosen(CSV, told, pairs.row(columns))
    if {columns.user, columns.assistant} != {"prompt", "completion"}:
        return chosen
    found = pairs.marks(_values(source))
    return chosen._replace(convert=pairs.prompt_completion(found), done=tuple(found.sentences()))


def _in_small_letters(convert: Convert) -> Convert:
    return lambda fields: convert(fields.in_small_letters())


def _has(names: Sequence[str]) -> str:
    return f"it has {', '.join(repr(shorten(name, 30)) for name in names[:20])}"


def _none_fits(source: Source, asked: str) -> CommandError:
    values = _values(source)
    if not values:
        first = source.records[0]
        problem = f"{source.unit} {first.place:,}: {first.problem or 'it is empty'}"
        message = f"{source.name} has no record that can be read ({problem})."
        return CommandError(message, "Correct it, or name another file.")
    if asked == AUTO and all(map(_is_ours, values)):
        return CommandError(
            f"{source.name} is in this app's format.", "`tunedrop check` says whether it is taken."
        )
    keys = _has(list(values[0]))
    if asked != AUTO:
        message = f"no record of {source.name} is {asked}; {keys} in the first one."
        return CommandError(message, "Leave --from out: auto finds out.")
    return CommandError(
        f"{source.name} is none of {', '.join(FORMATS)}; {keys} in the first record.",
        "Name the format with --from, or the keys of question and answer: "
        "--user KEY --assistant KEY.",
    )


def _is_ours(record: dict[str, Any]) -> bool:
    return isinstance(record.get("messages"), list) or "preferred_output" in record
