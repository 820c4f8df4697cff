"""Names of models and versions, as people type them: MODEL or MODEL@N. Asks no app."""

from tunedrop.errors import CommandError


def split(asked: str) -> tuple[str, int | None]:
    """MODEL or MODEL@N. Raises CommandError."""
    model, at, number = asked.partition("@")
    if not at:
        return model, None
    if not (number.isascii() and number.isdigit() and len(number) < 7 and int(number)):
        raise CommandError(f"{asked} names no version: write {model}@2, for example.")
    return model, int(number)
