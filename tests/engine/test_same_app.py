"""The app under Microsoft's own engine, function by function, beside this project's host."""

import pytest

from tests.engine.hosts import SUCCEEDED, Engine, LocalHost
from tests.engine.story import PLAIN, STEPS, TRIGGERS, Step, Told, call, common, shape


@pytest.mark.contract("app-index")
def test_the_engine_finds_every_function_as_this_host_does(
    engine: Engine, laptop: LocalHost
) -> None:
    """Names, routes, methods, auth levels, schedules, paths, sources, SDK types."""
    assert engine.indexed.get("error") is None
    assert shape(engine.functions(), {"host": engine.model}) == shape(
        laptop.functions(), {"host": laptop.model}
    )


def test_every_function_has_its_part_in_the_story(engine: Engine) -> None:
    assert {step.function for step in (*PLAIN, *STEPS)} | set(TRIGGERS) == set(engine.functions())


@pytest.mark.parametrize("step", PLAIN, ids=str)
def test_the_answer_that_needs_no_run_is_that_of_this_host(
    step: Step, engine: Engine, laptop: LocalHost
) -> None:
    there, here = (host.ask(step.function, call(step, {})) for host in (engine, laptop))
    assert common(there, {"model": engine.model}) == common(here, {"model": laptop.model})


@pytest.mark.contract("blob-sdk-type")
def test_a_drop_becomes_a_model_under_the_engine(under_engine: Told) -> None:
    assert under_engine.run["stage"] == "serving", under_engine.run
    assert under_engine.invocations == dict.fromkeys(TRIGGERS, SUCCEEDED)


def test_the_run_goes_as_under_this_host(under_engine: Told, under_laptop: Told) -> None:
    assert under_laptop.invocations == under_engine.invocations
    stages = [told.run["stage"] for told in (under_engine, under_laptop)]
    assert stages == ["serving", "serving"]


@pytest.mark.contract("route-parameters")
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_the_answer_is_that_of_this_host(
    step: Step, under_engine: Told, under_laptop: Told
) -> None:
    there, here = under_engine.answers[str(step)], under_laptop.answers[str(step)]
    assert common(there, under_engine.own) == common(here, under_laptop.own)
