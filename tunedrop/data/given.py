"""What `tunedrop check` is given: files, standard input, or a folder as it would be dropped.

Knows which file is what, not what is in one.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import typer

from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole
from shared.run.folder import NAMES, DropRole
from tunedrop.as_json import note
from tunedrop.errors import CommandError
from tunedrop.files import STDIN, must_exist, name_of

ROLES = {DropRole.TRAINING: FileRole.TRAINING, DropRole.VALIDATION: FileRole.VALIDATION}


class GivenFile(NamedTuple):
    path: Path
    role: FileRole


class Given(NamedTuple):
    """`run_yaml` is the folder that has one, or None; `promptfoo` the file of that kind."""

    files: tuple[GivenFile, ...]
    run_yaml: Path | None = None
    promptfoo: Path | None = None

    @property
    def read(self) -> list[Path]:
        """All files, the first dataset first."""
        specs = self.run_yaml.iterdir() if self.run_yaml else ()
        return [file.path for file in self.files] + [
            path for path in specs if NAMES[DropRole.SPEC].fullmatch(path.name)
        ]

    @property
    def title(self) -> str:
        return ", ".join(Path(name_of(file.path)).name for file in self.files)


def given(paths: list[Path], validation: Path | None, *, may_ask: bool) -> Given:
    """Raises CommandError for what does not exist or does not fit together."""
    for path in [*paths, *([validation] if validation else [])]:
        must_exist(path)
    if any(path.is_dir() for path in paths):
        if len(paths) > 1 or validation:
            raise CommandError(
                "a folder is checked by itself, as it would be dropped.", "Name it alone."
            )
        return _folder(paths[0])
    if not paths and not validation:
        raise CommandError(
            "there is nothing to check.", "Name a folder, files, or - for the input."
        )
    if validation and validation.resolve() in [path.resolve() for path in paths]:
        message = f"{validation} is named as a training set and as the validation set."
        raise CommandError(message, "Name it once.")
    if [*paths, validation].count(STDIN) > 1:
        raise CommandError("standard input can be read once only.", "Name a file for the other.")
    ask = _ask if may_ask and _is_a_terminal() else _tell
    return Given(_roles(paths, validation, ask))


def _folder(folder: Path) -> Given:
    """Its training set, its validation set and whether it has a run.yaml."""
    from tunedrop.push import files_in

    found: dict[DropRole, list[Path]] = {role: [] for role in DropRole}
    for file in files_in(folder):
        role = next(role for role, name in NAMES.items() if name.fullmatch(file.name))
        found[role].append(file)
    for role in ROLES:
        names = ", ".join(file.name for file in found[role])
        if len(found[role]) > 1 or (role is DropRole.TRAINING and not names):
            listed = names or f"none of {', '.join(file.name for file in files_in(folder))}"
            message = f"a drop has one {role} file; in {folder} it is {listed}."
            raise CommandError(message, "Keep one, or name files instead of the folder.")
    files = tuple(GivenFile(file, ROLES[role]) for role in ROLES for file in found[role])
    promptfoo = next(iter(found[DropRole.ASSERTIONS]), None)
    return Given(files, folder if found[DropRole.SPEC] else None, promptfoo)


def _roles(
    paths: list[Path], validation: Path | None, ask: Callable[[Path], bool]
) -> tuple[GivenFile, ...]:
    """Each is a training set, unless it is named like a validation set and that is what is meant;
    there is one validation set at most."""
    files = []
    for path in paths:
        role = FileRole.TRAINING
        if _is_named_validation(path) and validation is None and ask(path):
            role, validation = FileRole.VALIDATION, path
        files.append(GivenFile(path, role))
    if validation and validation not in paths:
        files.append(GivenFile(validation, FileRole.VALIDATION))
    return tuple(sorted(files, key=lambda file: file.role is FileRole.VALIDATION))


def _is_named_validation(path: Path) -> bool:
    return NAMES[DropRole.VALIDATION].fullmatch(path.name) is not None


def _is_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(path: Path) -> bool:
    question = f"{path} is named like a validation set: check it as one?"
    return typer.confirm(question, default=True, err=True)


def _tell(path: Path) -> bool:
    note(
        f"{path} is checked as a training set, for nothing says that it is a validation set but "
        f"its name. If it is one: tunedrop check TRAINING_SET --validation {path}"
    )
    return False


def check_promptfoo(found: Given) -> None:
    """Raises CommandError for a promptfoo file that no app takes."""
    if found.promptfoo is None:
        return
    from shared.errors import DropError
    from shared.model import assertions

    try:
        assertions.check_size(found.promptfoo.stat().st_size)
        assertions.read(found.promptfoo.read_bytes())
    except DropError as error:
        raise CommandError(error.message, error.fix) from None


def plan_of(found: Given, **chosen: Any) -> TrainingPlan:
    """The plan of the folder's run.yaml, with what was chosen in the call (None where it was not)
    above it. Raises CommandError for a run.yaml that no app takes."""
    below = TrainingPlan()
    if found.run_yaml:
        from shared.run import checking
        from tunedrop.plan import run_yaml, spec_of

        below = checking.plan_of(spec_of(run_yaml(found.run_yaml)))
    values = {key: getattr(below, key) for key in TrainingPlan.__dataclass_fields__}
    return TrainingPlan(**values | {key: v for key, v in chosen.items() if v is not None})
