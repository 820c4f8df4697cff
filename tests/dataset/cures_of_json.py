"""Lines that are no JSON: what of the message and of the cure must be said for each cause."""

from typing import NamedTuple

from tests.dataset.builders import line


class Cure(NamedTuple):
    id: str
    content: bytes  # of one line
    wrong: str
    cure: str


def raw(text: str) -> bytes:
    return text.encode() + b"\n"


JSON = [
    Cure(
        "not-json", raw('{"messages": "the "best" one"}'), "quote in column 19", "Escape the quote"
    ),
    Cure("not-json", raw('{"messages": "called" it" so}'), "quote in column 21", 'write \\"'),
    Cure("not-json", raw("{“messages”: []}"), "“, as word processors", 'Write "'),
    Cure("not-json", raw('{"messages": „x“}'), "column 14 is „", 'Write "'),
    Cure(
        "not-json", raw('{"messages": []},'), "comma after the object, in column 17", "Remove the"
    ),
    Cure("not-json", raw('{"messages": []}{"messages": []}'), "column 17 on", "line of its own"),
    Cure("not-json", raw('{"messages": []}, {"messages": []}'), "column 17 on", "line of its own"),
    Cure("not-json", raw('{"messages": []} # done'), "ends before column 18", "after the object"),
    Cure("not-json", raw('{"messages": [],}'), "comma in column 16", "before the bracket"),
    Cure("not-json", raw('{"messages": [{}, ]}'), "comma in column 17", "before the bracket"),
    Cure("not-json", raw('{"a": "x" "b": 1}'), "missing before column 11", "Put a comma"),
    Cure("not-json", raw('{"a": [{} {}]}'), "missing before column 11", "Put a comma"),
    Cure("not-json", raw("{messages: []}"), "key in column 2", "keys in double quotes"),
    Cure("not-json", raw('{"messages": Hello}'), "text in column 14", "texts in double quotes"),
    Cure("not-json", raw('{"messages": None}'), "no None", "Write null for None"),
    Cure("not-json", raw('{"messages": [True]}'), "no True", "Write true for True"),
    Cure("not-json", raw("{'messages': []}"), "column 2", "json.dumps"),
    Cure("not-json", raw("{\"messages\": 'x'}"), "single quote in column 14", "double quotes"),
    Cure("not-json", raw('{"messages": "a\tb"}'), "a \\t in a text, in column 16", "\\t for a tab"),
    Cure("not-json", raw('{"messages": "C:\\data"}'), "backslash in column 17", "Double the"),
    Cure("not-json", raw('{"messages": "Hello'), "begins in column 14", "Close the text"),
    Cure("not-json", raw('{"a": '), "ends before its object", "whole example on one line"),
    Cure("not-json", raw('{"messages": ['), "a piece of JSON", "whole example on one line"),
    Cure("not-json", raw("{"), "a piece of JSON", "whole example on one line"),
    Cure(
        "not-json", raw('"{""messages"": []}"'), "in column 2, within the quotes", "without quotes"
    ),
    Cure("not-json", raw('1. {"messages": []}'), "begins in column 4", "before the object"),
    Cure("not-json", raw('2024-01-01 INFO {"messages": []}'), "in column 17", "before the object"),
    Cure("not-json", raw('data: {"messages": []}'), "in column 7", "before the object"),
    Cure("not-json", raw('// {"messages": []}'), "in column 4", "before the object"),
    Cure("not-json", raw("b'{\"messages\": []}'"), "Python prints bytes", "Decode"),
    Cure("not-json", raw('\ufeff{"messages": []}'), "after U+FEFF", "Remove that character"),
    Cure("not-json", raw('\xa0{"messages": []}'), "after U+00A0", "Remove that character"),
    Cure("not-json", raw("[1] # done"), "list ends before column 5", "after the list"),
    Cure("not-json", raw('"a" b'), "column 5", "one complete JSON object on each line"),
    Cure("not-json", raw("# examples"), "is a remark", "Remove the line"),
    Cure("not-json", raw("```json"), "is a remark", "Remove the line"),
    Cure("not-json", raw("<<<<<<< HEAD"), "is a remark", "Remove the line"),
    Cure("not-json", raw("nonsense"), "column 1", "one complete JSON object on each line"),
    Cure("not-object", line('{"messages": []}'), '"{\\"messages', "once through json.dumps"),
]
