"""Whatever one stored document has become, the app goes on for all others and says which it is."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.cloud.memory_container import MemoryContainer
from shared.errors import TunedropError
from shared.run import redeployments
from shared.run.record import Action
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.fuzz import fuzz
from tests.support.in_process import in_process
from tests.support.runs import RunHarness

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**400, "9999-12-31T23:59:59Z", "2026-11-02T12:00:00", -1, "\x1b[2J"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NEWER = {"schema_version": 9, "of_tomorrow": {"a": [1]}}
Damage = Callable[[bytes], bytes]


class World:
    """A model that serves, two runs in the queue (`bad` and `good`), and what beside them is
    stored; as it was before each document is damaged."""

    def __init__(self, http: httpx.AsyncClient, runs: RunHarness) -> None:
        self.http, self.harness = http, runs
        clients = runs.ctx.clients
        self.containers: dict[str, MemoryContainer] = {
            name: found
            for name in ("runs", "models", "feedback", "datasets")
            if isinstance(found := getattr(clients, name), MemoryContainer)
        }

    async def prepare(self) -> None:
        harness = self.harness
        harness.service.arm("job-stuck", count=None)
        ids = []
        for voice in ("good", "bad"):
            await harness.drop(dataset(10, voice))
            run = await harness.until(await harness.received(), Stage.SUBMITTED)
            ids.append(run.id)
            await harness.pause(1)
        self.good, self.bad = ids
        curve = json.dumps([{"step": 1, "train_loss": 2.0, "valid_loss": None}]).encode()
        await harness.ledger.keep(self.bad, "curve.json", curve, "application/json")
        await harness.rewrite(await harness.known(self.good), tries=3)
        await self.containers["models"].put("wake/captain", b"", "text/plain")
        feedback = self.containers["feedback"]
        place = "captain/2026-11-02/12"
        messages = [{"role": "user", "content": "Q"}]
        answer = {"role": "assistant", "content": "A"}
        line: dict[str, Any] = {
            "id": "c1",
            "at": "2026-11-02T12:00:00+00:00",
            "served_by": "captain@1",
        }
        line |= {"messages": messages, "answer": answer}
        await feedback.append(f"conversations/{place}.jsonl", json.dumps(line))
        await feedback.put("answers/c1", place.encode(), "text/plain")
        rating = {"id": "c1", "rating": "good", "at": line["at"], "by": "web"}
        await feedback.append("ratings/captain/2026-11-02.jsonl", json.dumps(rating))
        self.before = {name: found.saved() for name, found in self.containers.items()}

    def documents(self) -> list[str]:
        """Kind by kind: what stands for a document of each."""
        return [
            f"runs {self.bad}/run.json",
            f"runs {self.bad}/curve.json",
            f"runs {self.bad}/events.jsonl",
            f"runs {self.bad}/report.json",
            "runs reconciler/heartbeat.json",
            "runs reconciler/spending.json",
            *(f"runs {name}" for name in self.before["runs"] if name.startswith("drops/")),
            "models captain.json",
            "models wake/captain",
            "feedback conversations/captain/2026-11-02/12.jsonl",
            "feedback ratings/captain/2026-11-02.jsonl",
            "feedback answers/c1",
        ]

    def restore(self) -> None:
        for name, found in self.containers.items():
            found.restore(self.before[name])

    async def damage(self, document: str, change: Damage) -> None:
        container, _, name = document.partition(" ")
        known = self.before[container].get(name)
        await self.containers[container].put(name, change(known.data if known else b"{}"), "x/y")

    async def go_on(self) -> dict[str, Any]:
        """Everything that the app does, with what is asked of `good` answered as ever; the list."""
        http, bad, good = self.http, self.bad, self.good
        await self.harness.tick()
        await redeployments.process(self.harness.ctx)
        looked_after = await self.harness.known(good)
        assert looked_after.tries == 0, "the tick has not come to the other run"
        for name in ("", "/report.html", "/report.json", "/events.jsonl", "/curve.json"):
            assert (await http.get(f"/runs/{bad}{name}")).status_code in (200, 404, 503)
        for action in Action:
            answer = await http.post(f"/runs/{bad}/{action}", json={})
            assert answer.status_code in (202, 404, 409, 503)
        for path in ("/models", "/v1/models", "/health", f"/runs/{good}"):
            assert (await http.get(path)).status_code in (200, 503), path
        answer = await http.get("/models/captain/examples")
        assert answer.status_code in (200, 503)
        await http.post("/feedback", json={"id": "c1", "rating": "good"})
        assert (await http.get(f"/runs/{good}")).status_code == 200
        assert (await http.post(f"/runs/{good}/resume")).status_code == 409
        listed = await http.get("/runs")
        assert listed.status_code == 200
        page: dict[str, Any] = listed.json()
        assert good in [run["id"] for run in page["runs"]]
        shown = {run["id"] for run in page["runs"]}
        assert bad in shown or any(bad in problem["message"] for problem in page["problems"])
        return page


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[asyncio.Runner, World]]:
    patch = pytest.MonkeyPatch()
    with asyncio.Runner() as runner:
        inside = in_process("http://127.0.0.1:1", patch)
        http, _, runs = runner.run(inside.__aenter__())
        world = World(http, runs)
        runner.run(world.prepare())
        yield runner, world
        runner.run(inside.__aexit__(None, None, None))
    patch.undo()


def truncated(at: float) -> Damage:
    return lambda data: data[: int(len(data) * at)]


def whole(data: bytes) -> Damage:
    return lambda _: data


def with_leaf(which: int, value: Any) -> Damage:
    """The document with another value at one of its places."""

    def change(data: bytes) -> bytes:
        try:
            document = json.loads(data)
        except ValueError:
            return json.dumps(value).encode()
        places = list(_places(document))
        if not places:
            return json.dumps(value).encode()
        holder, key = places[which % len(places)]
        holder[key] = value
        return json.dumps(document).encode()

    return change


def without(which: int) -> Damage:
    def change(data: bytes) -> bytes:
        try:
            document = json.loads(data)
        except ValueError:
            return b""
        places = list(_places(document))
        if places:
            holder, key = places[which % len(places)]
            del holder[key]
        return json.dumps(document).encode()

    return change


def newer(data: bytes) -> bytes:
    try:
        document = json.loads(data)
    except ValueError:
        return json.dumps(NEWER).encode()
    return json.dumps({**document, **NEWER} if isinstance(document, dict) else NEWER).encode()


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(items):
        yield document, key
        if isinstance(value, dict | list):
            yield from _places(value)


DAMAGE = st.one_of(
    st.floats(0, 0.99).map(truncated),
    st.binary(max_size=50).map(whole),
    JSON.map(lambda value: whole(json.dumps(value).encode())),
    st.builds(with_leaf, st.integers(0, 200), JSON),
    st.integers(0, 200).map(without),
    st.sampled_from([newer, lambda data: data * 2, lambda data: data + b"{}"]),
)


@fuzz
@given(st.integers(0, 11), DAMAGE)
@example(0, without(6))
@example(0, newer)
@example(0, whole(b""))
@example(0, whole(b'{"a":' * 20_000))
@example(0, lambda data: data + b" " * (4 << 20))
@example(1, whole(b"no JSON"))
@example(1, whole(b'[{"step": 1, "train_loss": NaN, "valid_loss": null}]'))
@example(1, whole(b'[{"step": 1, "train_loss": "2"}, 7]'))
@example(1, lambda data: b"[" + b"0," * (3 << 20) + b"0]")
@example(4, whole(b'{"last": "9999-12-31T00:00:00Z"}'))
@example(7, with_leaf(2, 99))
def test_fuzz_of_one_stored_document(
    world: tuple[asyncio.Runner, World], which: int, damage: Damage
) -> None:
    runner, there = world
    there.restore()
    documents = there.documents()
    runner.run(there.damage(documents[which % len(documents)], damage))
    runner.run(there.go_on())


@fuzz
@given(
    st.sampled_from(["newest/", "active/", "drops/", "", "wake/", "newest/0000000000-"]),
    st.text(min_size=1, max_size=40).filter(lambda name: name.isprintable()),
)
@example("newest/", "no entry")
@example("newest/", "0000000000-../datasets")
@example("newest/", "0000000000-M-1")
@example("active/", "M/../1")
@example("", "captain-2.json")
def test_fuzz_of_a_wrong_name(world: tuple[asyncio.Runner, World], folder: str, name: str) -> None:
    runner, there = world
    there.restore()
    for container in ("runs", "models"):
        try:
            runner.run(there.containers[container].put(f"{folder}{name}", b"{}", "x/y"))
        except TunedropError:
            continue  # no blob can have that name
    page = runner.run(there.go_on())
    if folder == "newest/" and not name[:10].isdecimal():
        assert any("is no entry of the list" in problem["message"] for problem in page["problems"])
