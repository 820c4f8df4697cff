"""Output with colours and progress, by rich: as `echo` prints a text, and never as markup."""

from typing import Any

from rich.console import Console
from rich.text import Text

from shared.printable import HEED
from tunedrop.echo import safe


class Screen(Console):
    """A console that is given texts, not markup."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)
        self.soft_wrap = self.soft_wrap or not self.file.isatty()  # a file has no width

    @property
    def is_watched(self) -> bool:
        """Whether somebody may be shown what moves. FORCE_COLOR makes a terminal of a pipe, and
        asks for colours only."""
        return self.file.isatty() and not self.is_dumb_terminal

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*map(_safe, objects), **options)


def _safe(shown: Any) -> Any:
    """A text without control characters; its styles stay where they are."""
    if isinstance(shown, str):
        return safe(shown)
    if not isinstance(shown, Text) or safe(shown.plain) == shown.plain:
        return shown
    text = Text(style=shown.style)
    for place, character in enumerate(shown.divide(range(1, len(shown.plain)))):
        before = shown.plain[max(0, place - HEED) : place]
        character.plain = safe(before + character.plain)[len(safe(before)) :]
        text.append_text(character)
    return text
