"""Bodies of requests under way: one budget of bytes for all of them, in this process.

Without it, some dozens of large requests at once would take all of the memory. Knows sizes, not
what is in a body or who sent it.
"""

from dataclasses import dataclass
from types import TracebackType

from shared.chat.protocol import LARGE_BYTES, Overloaded

# Held twice while a deployment has not answered: as it came, and as it is sent.
MAX_BYTES_UNDER_WAY = 64 * 2**20
RETRY_AFTER_SECONDS = 5.0


@dataclass(slots=True)
class Bodies:
    """`held`: bytes of all bodies under way that are larger than LARGE_BYTES; smaller ones are
    always admitted."""

    held: int = 0

    def hold(self) -> "Held":
        return Held(self)


@dataclass(slots=True)
class Held:
    """What one request holds of the budget, until it is released; released also by `with`."""

    bodies: Bodies
    size: int = 0

    def grow(self, size: int) -> None:
        """The body has that many bytes by now. Raises Overloaded where the budget has no room."""
        more = size - self.size if size > LARGE_BYTES else 0
        if self.bodies.held + more > MAX_BYTES_UNDER_WAY:
            raise Overloaded(
                f"The app has {MAX_BYTES_UNDER_WAY:,} bytes of large requests under way.",
                f"Try again in {RETRY_AFTER_SECONDS:.0f} seconds; a request of up to "
                f"{LARGE_BYTES:,} bytes is taken at once.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        self.size += more
        self.bodies.held += more

    def pass_on(self) -> "Held":
        """The same bytes, for work that goes on when this one is released."""
        other = Held(self.bodies, self.size)
        self.size = 0
        return other

    def release(self) -> None:
        """Only the first call counts."""
        self.bodies.held -= self.size
        self.size = 0

    def __enter__(self) -> "Held":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
