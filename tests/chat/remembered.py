"""People who chat with a model that remembers, and rate its answers; in memory."""

import json
from collections import Counter
from typing import Any

from shared.chat.examples import Method
from shared.chat.feedback import FeedbackStore, parse_rating
from shared.chat.protocol import parse_chat
from shared.chat.transcripts import read_answer
from shared.cloud.memory_container import MemoryContainer
from shared.dataset.scan import Scan

Example = dict[str, Any]
QUESTION = [{"role": "user", "content": "Where to?"}]
SAFE = {"hate": {"filtered": False, "severity": "safe"}}
WEATHER = {"name": "weather", "arguments": '{"city": "Oslo"}'}
CALL = {"id": "call_1", "type": "function", "function": WEATHER}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


class Remembered:
    """A store in memory, and what people do with it."""

    def __init__(self) -> None:
        self.store = FeedbackStore(MemoryContainer("feedback"), {"captain": 1.0})
        self.left_out: Counter[str] = Counter()

    async def said(self, answer: bytes, *ratings: dict[str, str], **body: Any) -> None:
        chat = {"model": "captain", "messages": QUESTION} | body
        request = parse_chat(json.dumps(chat, ensure_ascii=False).encode())
        await self.store.record("captain@1", request, answer)
        said = read_answer(answer)
        assert said
        for rating in ratings:
            line = parse_rating(json.dumps({"id": said.id, **rating}).encode())
            await self.store.rate(line, await self.store.model_of(said.id), "web")

    async def examples(self, method: Method = Method.SUPERVISED) -> list[Example]:
        self.left_out.clear()
        pages = self.store.export("captain", method, self.left_out)
        return [json.loads(example) async for page in pages for example, _ in page]


GOOD = {"rating": "good"}
CORRECTED = {"rating": "bad", "correction": "To the harbour."}


def whole(content: str | None = "To sea.", finish: str | None = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": content, "refusal": None, "annotations": []} | more
    choice = {"index": 0, "finish_reason": finish, "message": message, "logprobs": None}
    return json.dumps({"id": "chatcmpl-1", "choices": [choice]}).encode()


def stream(*chunks: dict[str, Any]) -> bytes:
    events = (b"data: " + json.dumps({"id": "chatcmpl-1", **c}).encode() for c in chunks)
    return b"\n\n".join([*events, b"data: [DONE]", b""])


def chunk(delta: dict[str, Any] | None, finish: str | None = None, index: int = 0) -> Example:
    choice = {"index": index, "finish_reason": finish, "delta": delta}
    return {"choices": [choice if delta is not None else {**choice, "content_filter_results": {}}]}


def check(examples: list[Example], method: Method = Method.SUPERVISED) -> None:
    scan = Scan("export.jsonl", minimum=1, deep=False)
    scan.feed("".join(json.dumps(example) + "\n" for example in examples).encode())
    found = scan.finish()
    assert not found.broken, found.findings
    assert found.format == {"supervised": "chat", "dpo": "dpo"}[method]
