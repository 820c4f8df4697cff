"""What has become of a connection that has brought no answer, or not the whole of one, in words.

The names of a library's classes say little to whoever reads a message, and change with the library.
Knows aiohttp's errors, not who was asked.
"""

from collections.abc import Iterator


def how(error: BaseException) -> str:
    """A half sentence: "it could not be reached: its name is not known"."""
    for kind, words in _kinds():
        if isinstance(error, kind):
            return words
    return "the connection to it broke"


def _kinds() -> Iterator[tuple[type[BaseException] | tuple[type[BaseException], ...], str]]:
    """The narrower ones first."""
    import aiohttp

    yield aiohttp.ClientConnectorDNSError, "it could not be reached: its name is not known"
    yield aiohttp.ClientSSLError, "it could not be reached: its certificate is not accepted"
    yield aiohttp.ClientConnectorError, "it could not be reached: nobody takes the connection"
    yield aiohttp.ConnectionTimeoutError, "it could not be reached in time"
    yield TimeoutError, "it took too long"
    yield aiohttp.ServerDisconnectedError, "it closed the connection without an answer"
    yield aiohttp.ClientPayloadError, "its answer ended before it was whole"
    yield (aiohttp.InvalidURL, ValueError), "its address cannot be read"
    yield aiohttp.ClientResponseError, "what it sent is no HTTP"
