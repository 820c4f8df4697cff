"""What the routes show of models beside their records: uses, orders, wake-ups; and of runs."""

import json
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from shared import api, cost_api, model_api
from shared.cloud.container import continued
from shared.model.redeploy import Redeployment, RedeployRequests
from shared.model.usage import note_use
from shared.run import promotions
from shared.run.promotions import Asked
from shared.run.stages import Stage
from shared.run.transcript import NAME
from tests.support.runs import RunHarness
from tests.support.served import Versions
from tests.support.settings import IN_MEMORY


def request(**params: str) -> Request:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    return Request({**scope, "path_params": params, "server": ("here", 80)})


async def shown(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.body
    found = json.loads(bytes(answer.body))
    assert isinstance(found, dict)
    return found


async def both(made: Versions, name: str = "captain") -> list[dict[str, Any]]:
    """The model as the list shows it, and as its own page does."""
    listed = (await shown(await model_api.models(request(), made.ctx)))["models"]
    one = await shown(await model_api.model(request(name=name), made.ctx))
    return [next(model for model in listed if model["name"] == name), one]


async def test_each_version_says_when_somebody_last_chatted_with_it() -> None:
    made = await Versions.serving(2)
    await note_use(made.ctx.clients.models, "captain@1")
    await note_use(made.ctx.clients.models, "captain2@2")
    used = (await made.ctx.clients.models.time()).isoformat(timespec="seconds")
    for page in await both(made):
        assert [version["last_used"] for version in page["versions"]] == [used, None]


async def test_an_order_that_waits_stands_in_the_list_as_well() -> None:
    made = await Versions.serving(2)
    made.loses(1)
    await promotions.give(Asked("captain", 1, "Ada", "kinder"), made.ctx)
    for page in await both(made):
        order = page["order"]
        assert (order["version"], order["who"], order["why"]) == (1, "Ada", "kinder")
        assert (page["champion"], page["rollback"]) == (2, 1)


async def test_an_order_that_cannot_be_read_hides_no_model() -> None:
    made = await Versions.serving(1)
    await made.ctx.clients.models.put("orders/captain", b"{", "application/json")
    page = await shown(await model_api.models(request(), made.ctx))
    assert [model["name"] for model in page["models"]] == ["captain"]
    assert "orders/captain" in page["problems"][0]["message"]


async def test_a_version_that_is_being_woken_says_since_when_and_what_is_in_the_way() -> None:
    made = await Versions.serving(2)
    requests = RedeployRequests(made.ctx.clients.models, made.clock.now)
    await requests.add_at_once("captain")
    for page in await both(made):
        assert [bool(version["waking"]) for version in page["versions"]] == [False, True]
    await requests.add_at_once("captain@1")
    state = Redeployment(model="captain@1", version=1, problem="There is no room.", fix="Wait.")
    await requests.keep(state)
    since = made.clock.now().isoformat(timespec="seconds")
    for page in await both(made):
        first, second = (version["waking"] for version in page["versions"])
        assert first == {
            "since": since,
            "usual_seconds": 600,
            "in_the_way": "There is no room. Wait.",
        }
        assert second == {"since": since, "usual_seconds": 600, "in_the_way": ""}
    await requests.done("captain")
    await requests.done("captain@1")
    for page in await both(made):
        assert [version["waking"] for version in page["versions"]] == [None, None]


async def test_a_list_of_runs_says_which_is_stuck() -> None:
    harness = RunHarness.in_memory(IN_MEMORY, "captain")
    run = await harness.queued()
    assert harness.clock
    harness.clock.advance(timedelta(days=2).total_seconds())
    listed = (await shown(await api.runs(request(), harness.ctx)))["runs"]
    assert [(one["id"], one["stuck"]["state"]) for one in listed] == [(run.id, "stuck")]
    done = await Versions.serving(1)
    listed = (await shown(await api.runs(request(), done.ctx)))["runs"]
    assert [(one["stage"], one["stuck"]) for one in listed] == [(Stage.SERVING, None)]


async def test_pages_of_two_models_are_kept_apart() -> None:
    made = await Versions.serving(1)
    fresh = {"headers": [(b"cache-control", b"max-age=60")]}
    ask = request(name="captain")
    ask.scope.update(fresh)
    assert (await model_api.model(ask, made.ctx)).status_code == 200
    other = request(name="nobody")
    other.scope.update(fresh)
    assert (await model_api.model(other, made.ctx)).status_code == 404


async def test_costs_are_shown_out_of_memory_as_lists_are() -> None:
    made = await Versions.serving(1)
    assert "etag" in (await cost_api.cost(request(), made.ctx)).headers


async def test_whether_the_timer_is_alive_is_shown_out_of_memory_too() -> None:
    made = await Versions.serving(1)
    answer = await api.health_seen(request(), made.ctx)
    assert "etag" in answer.headers
    assert (await shown(answer))["status"] == "ok"


async def test_answers_that_go_on_in_a_second_part_are_shown_whole() -> None:
    made = await Versions.serving(1)
    run = made.runs[1]
    for name in (f"{run.id}/{NAME}", continued(f"{run.id}/{NAME}", 2)):
        await made.ctx.clients.runs.put(name, b'{"line": 1}\n', "application/x-ndjson")
    answer = await api.document(request(id=run.id, name=NAME), made.ctx)
    assert bytes(answer.body).count(b"\n") == 2
