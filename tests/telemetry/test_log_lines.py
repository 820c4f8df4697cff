"""A line of the log stays one line and moves no cursor, whatever it names."""

import io
import logging
from collections.abc import Iterator

import pytest

from shared import exporters

HOSTILE = "x\x1b[2J\x1b]0;owned\x07\r\nERROR forged\x9b31m\u202e\u2028\ud800"
SAFE = "x\\u001b[2J\\u001b]0;owned\\u0007\\u000d\\u000aERROR forged\\u009b31m\\u202e\\u2028\\ud800"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What any handler of the process writes, once the app has set its log up."""
    factory = logging.getLogRecordFactory()
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    exporters.start({})
    yield out
    logging.getLogger().removeHandler(handler)
    logging.setLogRecordFactory(factory)


@pytest.mark.parametrize("logger", ["shared.run", "azure.core", "some.library"])
def test_what_strangers_have_named_is_written_out(written: io.StringIO, logger: str) -> None:
    log = logging.getLogger(logger)
    log.error("%s could not be taken", HOSTILE)
    log.error(HOSTILE)
    log.error("%(name)s", {"name": HOSTILE})
    text = written.getvalue()
    assert text == f"ERROR {SAFE} could not be taken\nERROR {SAFE}\nERROR {SAFE}\n"


def test_an_exceptions_message_begins_no_line(written: io.StringIO) -> None:
    try:
        raise ValueError("bad\nERROR forged\x1b[2J")
    except ValueError:
        logging.getLogger("shared.run").exception("it failed")
    text = written.getvalue()
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if not line.startswith("  ")] == ["ERROR it failed"]
    assert "test_an_exceptions_message_begins_no_line" in text


def test_ordinary_lines_are_as_they_were(written: io.StringIO) -> None:
    logging.getLogger("shared").warning("Zoë's run %s is %d %% done → ok 🎉", "m-1", 7)
    assert written.getvalue() == "WARNING Zoë's run m-1 is 7 % done → ok 🎉\n"
