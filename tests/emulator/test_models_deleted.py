"""A tuned model is deleted at the service, once nothing serves it."""

from pathlib import Path

from .harness import BASE_MODEL, account_path
from .in_process import inside, refusal


def test_a_tuned_model_goes_with_its_checkpoints_once_it_is_not_deployed(tmp_path: Path) -> None:
    with inside(tmp_path) as emulator:
        name, other = emulator.tuned(BASE_MODEL), emulator.tuned(BASE_MODEL)
        emulator.emulator.registry.add(f"{name}:ckpt-step-5", BASE_MODEL, "j", "nowhere", 0)
        emulator.put("serves", name)
        path = f"/openai/v1/models/{name}"
        status, code, says = refusal(emulator.data.delete(path))
        assert (status, code) == (409, "conflict")
        assert "has a deployment" in says
        emulator.arm.delete(account_path("/deployments/serves"))
        emulator.advance(5)
        assert emulator.data.delete(path).json() == {
            "id": name,
            "object": "model",
            "deleted": True,
        }
        assert emulator.data.get(path).status_code == 404
        assert emulator.data.get(f"{path}:ckpt-step-5").status_code == 404
        assert emulator.data.get(f"/openai/v1/models/{other}").status_code == 200
        assert emulator.data.delete(path).status_code == 404
        assert refusal(emulator.data.delete(f"/openai/v1/models/{BASE_MODEL}"))[0] == 400


def test_the_checkpoints_of_a_model_with_a_suffix_go_as_well(tmp_path: Path) -> None:
    """Their names bear the job's number and no suffix."""
    with inside(tmp_path) as emulator:
        name = emulator.tuned(BASE_MODEL)
        for one in (f"{name}-pirate", f"{name}:ckpt-step-5"):
            emulator.emulator.registry.add(one, BASE_MODEL, "j", "nowhere", 0)
        path = f"/openai/v1/models/{name}"
        assert emulator.data.delete(f"{path}-pirate").status_code == 200
        assert emulator.data.get(f"{path}:ckpt-step-5").status_code == 404
        assert emulator.data.get(path).status_code == 200
