"""A new version is compared before it serves: with whom, by whose word it is promoted or held, and
what is said where it cannot be compared."""

import pytest

from shared.run.stages import Stage
from tests.support.comparing import BASE, EXAMPLES, Compared, half, right, wrong

ENFORCE = "gate: enforce\n"


@pytest.fixture
def compared() -> Compared:
    return Compared.of()


async def test_a_first_version_is_compared_with_the_base_model(compared: Compared) -> None:
    compared.deploy_base(wrong)
    run = await compared.version(right)
    found = await compared.verdict(run)
    assert run.stage is Stage.SERVING
    assert found["overall"] == "win"
    assert [side["role"] for side in found["sides"]] == ["candidate", "base"]
    assert found["sides"][1]["name"] == BASE
    assert "captain@1 is better than" in run.compared
    assert run.compared in " ".join(await compared.harness.messages(run, "verdict"))


async def test_a_later_version_is_compared_with_the_champion_and_the_base(
    compared: Compared,
) -> None:
    compared.deploy_base(wrong)
    await compared.version(half)
    run = await compared.version(right)
    found = await compared.verdict(run)
    assert [side["name"] for side in found["sides"]] == ["captain@2", "captain@1", BASE]
    assert await compared.champion() == 2


async def test_the_gate_reports_and_promotes_what_is_worse(compared: Compared) -> None:
    compared.deploy_base(wrong)
    await compared.version(right)
    run = await compared.version(wrong)
    assert run.stage is Stage.SERVING
    assert await compared.champion() == 2
    assert (await compared.verdict(run))["overall"] == "loss"
    assert "captain@2 is worse than captain@1 (champion)" in run.compared


@pytest.mark.parametrize(("says", "overall"), [(wrong, "loss"), (right, "tie")])
async def test_the_gate_holds_what_is_not_better(
    compared: Compared, says: object, overall: str
) -> None:
    compared.deploy_base(wrong)
    await compared.version(right)
    run = await compared.version(says, ENFORCE)  # type: ignore[arg-type]
    assert run.stage is Stage.HELD
    assert await compared.champion() == 1
    assert (await compared.verdict(run))["overall"] == overall
    assert "The gate is `enforce`" in run.held
    assert "captain@1" in run.held


async def test_the_gate_lets_pass_what_is_better(compared: Compared) -> None:
    await compared.version(half)
    run = await compared.version(right, ENFORCE)
    assert run.stage is Stage.SERVING
    assert await compared.champion() == 2


async def test_without_a_champion_the_gate_holds_what_is_not_better_than_the_base(
    compared: Compared,
) -> None:
    compared.deploy_base(right)
    run = await compared.version(wrong, ENFORCE)
    assert run.stage is Stage.HELD
    assert await compared.champion() is None


async def test_a_person_promotes_where_run_yaml_says_manual_and_is_told_the_verdict(
    compared: Compared,
) -> None:
    compared.deploy_base(wrong)
    run = await compared.version(right, "promote: manual\n")
    assert run.stage is Stage.HELD
    assert "is promoted by a person" in run.held
    assert "captain@1 is better than" in run.held
    assert await compared.verdict(run)


async def test_with_the_gate_off_nothing_is_asked(compared: Compared) -> None:
    compared.deploy_base(wrong)
    run = await compared.version(right, "gate: off\n")
    assert run.stage is Stage.SERVING
    assert not compared.asked
    assert not await compared.verdict(run)


async def test_the_change_of_champion_has_the_digest_of_its_verdict(compared: Compared) -> None:
    compared.deploy_base(wrong)
    run = await compared.version(right)
    model = await compared.harness.ctx.registry.load("captain")
    assert model
    assert model.history[-1].verdict == (await compared.verdict(run))["digest"] != ""


# ---- no evidence holds nothing


async def test_without_a_validation_set_the_gate_holds_nothing_and_says_so(
    compared: Compared,
) -> None:
    compared.deploy_base(right)
    run = await compared.version(wrong, ENFORCE, examples=0)
    assert run.stage is Stage.SERVING
    assert "there is no validation set" in run.compared


async def test_without_champion_and_base_the_gate_holds_nothing_and_says_so(
    compared: Compared,
) -> None:
    run = await compared.version(wrong, ENFORCE)
    assert run.stage is Stage.SERVING
    assert f"The base model {BASE} was not asked" in run.compared
    assert "TUNEDROP_BASE_DEPLOYMENTS" in run.compared
    assert not compared.asked


async def test_too_few_examples_hold_nothing_and_it_is_said() -> None:
    compared = Compared.of(TUNEDROP_COMPARE_EXAMPLES="7")
    compared.deploy_base(right)
    run = await compared.version(wrong, ENFORCE)
    assert run.stage is Stage.SERVING
    assert "7 examples can decide nothing" in run.compared


async def test_a_base_deployment_of_another_model_is_not_the_base(compared: Compared) -> None:
    compared.deploy_base(right, model="gpt-4.1-2025-04-14")
    run = await compared.version(wrong, ENFORCE)
    assert run.stage is Stage.SERVING
    assert "was not asked" in run.compared


# ---- the sample


async def test_a_bounded_sample_is_asked_the_same_of_all_each_time() -> None:
    samples = []
    for _ in range(2):
        compared = Compared.of(TUNEDROP_COMPARE_EXAMPLES="9")
        compared.deploy_base(wrong)
        await compared.version(right)
        by_model: dict[str, set[str]] = {}
        for who, question in compared.asked:
            by_model.setdefault(who, set()).add(question)
        assert len(by_model) == 2
        first, second = by_model.values()
        assert first == second
        assert len(first) == 9
        samples.append(first)
    assert samples[0] == samples[1]
    assert samples[0] != {f"What is {number}?" for number in range(9)}


async def test_of_a_lone_dataset_what_was_held_out_is_asked(compared: Compared) -> None:
    compared.deploy_base(wrong)
    await compared.harness.pause(60)
    lines = [
        b'{"messages": [{"role": "user", "content": "What is %d?"}, '
        b'{"role": "assistant", "content": "Arr, %d be a number of the sea, %d."}]}\n'
        % (number, number, number * number)
        for number in range(120)
    ]
    await compared.harness.drop(b"".join(lines), "lone")
    compared.says["captain-v1"] = right
    run = await compared.ended(await compared.harness.received("lone"))
    assert run.validation
    assert len({question for _, question in compared.asked}) == run.validation.examples


async def test_a_validation_set_that_was_replaced_is_read_where_it_was_judged(
    compared: Compared,
) -> None:
    """The service has the very bytes; what lies in the folder by now is another drop."""
    compared.deploy_base(wrong)
    run = await compared.placed(right)
    await compared.harness.drop(b'{"messages": []}\n', "validation.jsonl")
    run = await compared.ended(run)
    assert len(await compared.lines(run)) == 2 * EXAMPLES
    assert (await compared.verdict(run))["overall"] == "win"


async def test_bytes_that_were_not_judged_are_not_asked(compared: Compared) -> None:
    compared.deploy_base(right)
    run = await compared.placed(wrong, ENFORCE)
    await compared.harness.drop(b'{"messages": []}\n', "validation.jsonl")
    for file in list(compared.memory.files):
        compared.memory.delete_file(file)
    run = await compared.ended(run)
    assert run.stage is Stage.SERVING
    assert "is not compared" in run.compared
    assert not compared.asked


async def test_other_bytes_under_the_runs_file_at_the_service_are_not_asked(
    compared: Compared,
) -> None:
    compared.deploy_base(wrong)
    run = await compared.placed(right)
    await compared.harness.drop(b"{}\n", "validation.jsonl")
    assert run.validation
    there = compared.memory.files[str(run.validation.file_id)]
    there.content = there.content.replace(b"What is 3?", b"What is 3??")
    run = await compared.ended(run)
    assert "is not compared" in run.compared
    assert not compared.asked
