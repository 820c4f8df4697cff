"""A scheduler without a model: it is told stories, a letter at a time, as fast as a test says."""

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.emulator.language.answer_queue import AnswerQueue
from local.emulator.language.generation import GenerationRequest, Piece, SamplingOptions
from local.emulator.language.scheduler import Scheduler, Steps

PLACES = 4
LIMIT = 1000


@dataclass(eq=False)
class Story:
    """What is told of one request, a letter at a time, after as many parts of a prompt."""

    request: GenerationRequest
    parts: int
    told: int = 0

    @property
    def reading(self) -> bool:
        return self.parts > 0

    @property
    def finished(self) -> bool:
        return self.told >= self.request.options.max_tokens


@dataclass
class Teller:
    """Steps without a model. `batches`: the names (the adapters are used for them) of each."""

    tokens_of_a_part: int = 1
    fails: dict[str, str] = field(default_factory=dict)  # name: the step that fails for it
    steps: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    batches: list[list[str]] = field(default_factory=list)
    read_order: list[str] = field(default_factory=list)
    read_after: list[int] = field(default_factory=list)  # so many batches, for each part
    alive: "weakref.WeakSet[Story]" = field(default_factory=weakref.WeakSet)

    def begin(self, request: GenerationRequest) -> Story:
        self._fail("begin", request)
        story = Story(request, parts=len(request.prompt))
        self.alive.add(story)
        return story

    def read(self, story: Story) -> tuple[int, Any]:
        self._fail("read", story.request)
        story.parts -= 1
        self.read_order.append(name_of(story.request))
        self.read_after.append(len(self.batches))
        return self.tokens_of_a_part, (None if story.parts else "logits")

    def advance(self, stories: Sequence[Story]) -> list[str]:
        assert self.steps.acquire(timeout=30)
        self.batches.append([name_of(story.request) for story in stories])
        for story in stories:
            self._fail("advance", story.request)
        return ["logits"] * len(stories)

    def draw(self, story: Story, logits: Any) -> Piece | None:
        self._fail("draw", story.request)
        story.told += 1
        return Piece(name_of(story.request))

    def _fail(self, step: str, request: GenerationRequest) -> None:
        if self.fails.get(name_of(request)) == step:
            raise ValueError("of this one alone")

    def go(self, steps: int = 100_000) -> None:
        self.steps.release(steps)


def name_of(request: GenerationRequest) -> str:
    return request.options.schema or ""


def wish(
    name: str = "a", tokens: int = 2, parts: int = 1, adapter: str | None = None
) -> GenerationRequest:
    return GenerationRequest(adapter, [0] * parts, SamplingOptions(tokens, schema=name))


@dataclass
class House:
    scheduler: Scheduler
    teller: Teller

    def ask(self, *requests: GenerationRequest, limit: int = LIMIT) -> AnswerQueue:
        queue = AnswerQueue(len(requests))
        self.scheduler.submit(requests, queue, limit)
        return queue


def run(test: Callable[[House], Awaitable[None]], **of_the_teller: Any) -> Teller:
    teller = Teller(**of_the_teller)
    steps = Steps(teller.begin, teller.read, teller.advance, teller.draw)
    house = House(Scheduler(steps, PLACES), teller)

    async def in_time() -> None:
        await asyncio.wait_for(test(house), 25)  # less than a step waits for its sign

    try:
        asyncio.run(in_time())
    finally:
        teller.go()
        house.scheduler.stop()
    return teller


async def text(queue: AnswerQueue, choices: int = 1) -> str:
    told = ""
    while choices:
        for _, piece in await queue.read():
            told += piece.text if piece else ""
            choices -= piece is None
    return told


async def until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110 - it happens in another thread
        await asyncio.sleep(0.005)


def generating(house: House) -> int:
    return house.scheduler.load()["generating"]
