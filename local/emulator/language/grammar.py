"""Answers that are JSON or calls: which schemas are taken, and which tokens may come next.

llguidance knows the tokens; the service's rules for strict schemas and the forced end of an answer
are written here. Knows no model: the sampler asks for a mask and reports what it chose.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from llguidance import LLMatcher, LLTokenizer

from .calls import Function

ANY_OBJECT = json.dumps({"type": "object"})  # response_format json_object
# Compact, with the separators of most JSON that a model has read: where white space is free, a
# small model may go on with it until its tokens are used up.
_LAYOUT: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
# A small model may never end a text by itself. It is forced to, once only this share of its tokens
# is left beside one for each bracket that is open.
CLOSING_SHARE = 0.3


def schema_error(schema: Any, strict: bool) -> str | None:
    """Why a schema cannot be followed; None if it can."""
    if not isinstance(schema, dict):
        return "schema must be an object."
    if strict and (broken := next(_not_strict(schema, ()), None)):
        return broken
    try:
        error: str = LLMatcher.validate_grammar(_grammar(json.dumps(schema)))
    except ValueError as refusal:
        return str(refusal)
    return error or None


def _not_strict(schema: Any, place: tuple[str, ...]) -> Iterator[str]:
    """The service's rules for strict: nothing is left open, nothing is optional (S-DOC)."""
    if isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from _not_strict(one, (*place, str(number)))
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            rule = "'additionalProperties' is required to be supplied and to be false."
            yield f"In context={place}, {rule}"
        if set(properties or {}) - set(schema.get("required") or []):
            rule = "'required' is required to be supplied and to list every key in properties."
            yield f"In context={place}, {rule}"
    for key in ("items", "anyOf"):
        yield from _not_strict(schema.get(key), (*place, key))
    for key in ("properties", "$defs", "definitions"):
        inner = schema.get(key)
        for name, one in inner.items() if isinstance(inner, dict) else ():
            yield from _not_strict(one, (*place, key, name))


def _grammar(schema: str) -> str:
    return str(LLMatcher.grammar_from_json_schema(schema, overrides=_LAYOUT))


def call_error(function: Function) -> str | None:
    """Why a function cannot be called; None if it can."""
    schema = json.loads(function.parameters)
    if function.strict and (broken := next(_not_strict(schema, ()), None)):
        return broken
    try:
        error: str = LLMatcher.validate_grammar(_calls_grammar([function]))
    except ValueError as refusal:
        return str(refusal)
    return error or None


def _calls_grammar(functions: Sequence[Function]) -> str:
    """One call of one of them. Whatever a schema has that is not known is passed over, as by the
    service, which holds to strict schemas only."""
    rules = ["start: " + " | ".join(f"call{number}" for number in range(len(functions)))]
    for number, function in enumerate(functions):
        schema = json.loads(function.parameters)
        schema["x-guidance"] = _LAYOUT | {"lenient": not function.strict}
        head = json.dumps(f'{{"name": {json.dumps(function.name)}, "arguments": ')
        rules.append(f'call{number}: {head} arguments{number} "}}"')
        rules.append(f"arguments{number}: %json {json.dumps(schema)}")
    return str(LLMatcher.grammar_from_lark("\n".join(rules)))


class Grammar:
    """The tokens of one tokenizer, read once; a second's work."""

    def __init__(self, tokenizer: Any) -> None:
        from llguidance import hf  # which imports transformers

        self._tokens: LLTokenizer = hf.from_tokenizer(tokenizer, slices=[])
        closing = {sign: tokenizer.convert_tokens_to_ids(sign) for sign in '}]",'}
        self._closing: dict[str, int] = closing

    def follow(self, schema: str, max_tokens: int) -> "Follower":
        return Follower(LLMatcher(self._tokens, _grammar(schema)), self._closing, max_tokens)

    def follow_calls(self, functions: Sequence[Function], max_tokens: int) -> "Follower":
        matcher = LLMatcher(self._tokens, _calls_grammar(functions))
        return Follower(matcher, self._closing, max_tokens)


class Follower:
    """The state of one answer under a schema, from its first token to its last."""

    def __init__(self, matcher: LLMatcher, closing: dict[str, int], max_tokens: int) -> None:
        self._matcher, self._closing = matcher, closing
        self._left, self._reserve = max_tokens, max_tokens * CLOSING_SHARE

    @property
    def finished(self) -> bool:
        return bool(self._matcher.is_stopped())

    def allowed(self, text: str) -> bytes:
        """One byte for each token of the vocabulary, zero for those that may not come next;
        `text` is the answer so far."""
        allowed: bytes = self._matcher.compute_logit_bias()
        self._left -= 1
        depth, closers = _open(text)
        if self._left < self._reserve + depth:
            for sign in closers:
                if allowed[self._closing[sign]]:
                    return _only(self._closing[sign], len(allowed))
        return allowed

    def accept(self, token: int) -> None:
        self._matcher.consume_token(token)


def _open(text: str) -> tuple[int, str]:
    """How many brackets are open, and what brings the end nearer: inside of a text only a
    quotation mark, and nothing where that would be part of the text."""
    depth, inside, escaped = 0, False, False
    for sign in text:
        inside ^= sign == '"' and not escaped
        escaped = sign == "\\" and not escaped
        if not inside:
            depth += (sign in "[{") - (sign in "]}")
    return depth, "" if escaped else '"' if inside else '}]",'


def _only(token: int, size: int) -> bytes:
    mask = bytearray(size)
    mask[token] = 1
    return bytes(mask)
