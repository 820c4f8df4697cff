"""Bytes into lines, in bounded memory however long a line is. Knows nothing of what they hold."""

LONGEST = 32_000_000  # bytes; the longest sensible example has 64 linked images and 65,536 tokens


class Lines:
    """Feed it chunks; what comes back are the lines that are complete, None for one too long."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes | None]:
        first, *others = chunk.split(b"\n")
        self._hold(first)
        if not others:
            return []
        done: list[bytes | None] = [self.rest()]
        done += [line if len(line) <= LONGEST else None for line in others[:-1]]
        self._hold(others[-1])
        return done

    def rest(self) -> bytes | None:
        """The line that has begun, whole or not. Begins a new one."""
        line = b"".join(self._pieces) if self._size <= LONGEST else None
        self._pieces, self._size = [], 0
        return line

    @property
    def begun(self) -> bool:
        return self._size > 0

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= LONGEST:
            self._pieces.append(piece)
        else:
            self._pieces.clear()
