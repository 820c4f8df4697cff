"""A run.yaml that is dropped again and says otherwise what becomes of the model: it takes effect,
and nothing is trained again."""

from shared.model.registry import Version
from shared.run.record import Run
from shared.run.stages import Stage
from tests.support.runs import RunHarness


async def dropped(harness: RunHarness, run_yaml: str, name: str = "run.yaml") -> Run:
    await harness.drop(run_yaml.encode(), name)
    return await harness.received()


async def the_version(harness: RunHarness) -> Version:
    model = await harness.ctx.registry.load(harness.model)
    assert model
    (version,) = model.versions
    return version


async def serving(harness: RunHarness, run_yaml: str = "") -> Run:
    if run_yaml:
        await harness.drop(run_yaml.encode(), "run.yaml")
    await harness.drop()
    return await harness.until(await harness.received(), Stage.SERVING)


async def test_how_long_a_version_stays_deployed_takes_effect_at_once(harness: RunHarness) -> None:
    run = await serving(harness)
    jobs = harness.service.jobs_of(run.id)
    again = await dropped(harness, "keep: on-demand\nidle_after: 6\ngate: enforce\n")
    assert again.id == run.id
    version = await the_version(harness)
    assert (version.keep, version.idle_after) == ("on-demand", 6)
    release = again.spec.release
    assert (release.keep, release.idle_after) == ("on-demand", 6)
    assert release.gate == run.spec.release.gate, "it has been compared"
    assert harness.service.jobs_of(run.id) == jobs
    (said, *_) = [line for line in await harness.messages(run, "drop") if "keep" in line]
    assert "keep: on-demand, idle_after: 6" in said


async def test_the_same_once_more_is_told_once(harness: RunHarness) -> None:
    run = await serving(harness)
    for _ in range(3):
        await dropped(harness, "keep: on-demand\n")
    lines = [line for line in await harness.messages(run, "drop") if "keep" in line]
    assert len(lines) == 1


async def test_before_it_is_compared_all_of_it_takes_effect(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    again = await dropped(harness, "gate: off\npromote: manual\nkeep: on-demand\n")
    assert again.id == run.id
    release = again.spec.release
    assert (release.gate, release.promote, release.keep) == ("off", "manual", "on-demand")
    assert (await harness.until(again, Stage.HELD)).stage is Stage.HELD
    assert (await the_version(harness)).keep == "on-demand"


async def test_another_deployment_comes_with_it(harness: RunHarness) -> None:
    await serving(harness)
    asked = "keep: on-demand\ndeployment:\n  capacity: 7\n"
    again = await dropped(harness, asked)
    version = await the_version(harness)
    assert (version.keep, version.capacity) == ("on-demand", 7)
    assert (again.spec.release.keep, again.spec.deployment.capacity) == ("on-demand", 7)
