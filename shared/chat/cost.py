"""What a chat costs in tokens: estimated before it is sent, read out of its answer afterwards.

An estimate holds where an answer has no account of its own, for example a stream that its caller
has left. Knows OpenAI's JSON, not who pays.
"""

import re

BYTES_PER_TOKEN = 4  # of English; other languages take more bytes for a token, seldom fewer
PICTURE_TOKENS = 1_500  # of one picture, whatever its bytes: about the most that the service counts
ANSWER_TOKENS = 1_000  # reserved where a request does not limit its answer
# Whoever leaves ends the call upstream; what the service has made by the time that it notices is
# not known. Most models are slower than this, and seconds are enough to notice.
TOKENS_PER_SECOND = 200  # of one answer
SECONDS_UNTIL_NOTICED = 5.0
ACCOUNT_BYTES = 64 * 2**10  # at the end of an answer, where its account is
EVENT_FRAME_BYTES = 400  # of a stream's event, besides its text: ids, times, filter results

# A model's own words cannot look like it: within JSON their quotation marks are escaped.
_TOTAL_TOKENS = re.compile(rb'"total_tokens"\s*:\s*(\d{1,12})')


def of_prompt(shown: list[str], size: int) -> int:
    """Tokens of a request with such pictures, by its bytes as it was parsed; at least 1."""
    text = max(0, size - sum(map(len, shown)))
    return max(1, text // BYTES_PER_TOKEN) + PICTURE_TOKENS * len(shown)


def of_unfinished(answers: int, seconds: float) -> int:
    """Tokens that the service may have made of so many answers, when nobody has waited for longer
    than that many seconds."""
    return int(answers * TOKENS_PER_SECOND * (seconds + SECONDS_UNTIL_NOTICED))


def of_text(size: int) -> int:
    """Tokens of an answer without an account, by its bytes."""
    return size // BYTES_PER_TOKEN


def of_event(event: bytes) -> int:
    """Tokens of one event of a stream: usually one, or the text that a filter has held back."""
    return max(1, of_text(len(event) - EVENT_FRAME_BYTES)) if b"data:" in event else 0


def counted(answer: bytes) -> int | None:
    """The tokens of prompt and answer that an answer itself says at its end; None where it does
    not."""
    counts = _TOTAL_TOKENS.findall(answer, max(0, len(answer) - ACCOUNT_BYTES))
    return int(counts[-1]) or None if counts else None


def whole(value: object) -> int | None:
    """A count that a request gives, if it is one."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None
