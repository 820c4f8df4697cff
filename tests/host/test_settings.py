"""Files of settings as people break them: a sentence that names the file, and no traceback."""

import json
import shutil
from pathlib import Path

import pytest

from local.host.__main__ import _bind
from local.host.settings import SettingsError, load_settings
from tests.host.conftest import CHECKOUT

HOST = '{"version": "2.0"}'


@pytest.mark.contract("host-json-wrong")
@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("local.settings.json", '{"IsEncrypted": false, "Values": []}', '"Values" must be an obj'),
        ("local.settings.json", '{"IsEncrypted": false, "Values": null}', '"Values" must be an ob'),
        ("local.settings.json", "[" * 100_000, "local.settings.json is not valid JSON"),
        ("local.settings.json", "", "local.settings.json is not valid JSON"),
        ("host.json", "\0", "host.json is not valid JSON"),
        ("host.json", "[]", "host.json must hold a JSON object"),
        ("host.json", None, "host.json cannot be read"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: str | None, told: str) -> None:
    (tmp_path / "host.json").write_text(HOST, encoding="utf-8")
    if content is None:
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path)
    assert told in str(refused.value)


def test_a_setting_inside_of_what_is_no_object_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "logging": 7}', encoding="utf-8")
    monkeypatch.setenv("AzureFunctionsJobHost__logging__logLevel__default", "Debug")
    with pytest.raises(SettingsError, match="AzureFunctionsJobHost__logging__logLevel__default"):
        load_settings(tmp_path)


@pytest.mark.contract("host-json-blobs", "host-json-environment")
def test_the_environment_wins_over_host_json_and_keys_ignore_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"extensions": {"blobs": {"maxDegreeOfParallelism": 3, "poisonBlobThreshold": 2}}}
    host = {"version": "2.0", **told}
    (tmp_path / "host.json").write_text(json.dumps(host), encoding="utf-8")
    settings = load_settings(tmp_path)
    assert (settings.max_degree_of_parallelism, settings.poison_blob_threshold) == (3, 2)
    monkeypatch.setenv("AzureFunctionsJobHost__EXTENSIONS__blobs__poisonBlobThreshold", "7")
    assert load_settings(tmp_path).poison_blob_threshold == 7
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__http__routePrefix", "")
    assert load_settings(tmp_path).route_prefix == ""


@pytest.mark.contract("route-prefix", "host-json-blobs")
def test_what_the_apps_own_host_json_sets_is_followed(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "host.json", tmp_path)
    settings = load_settings(tmp_path)
    assert settings.route_prefix == "api"
    assert (settings.max_degree_of_parallelism, settings.poison_blob_threshold) == (8, 5)


def test_a_port_that_no_machine_has_is_refused() -> None:
    with pytest.raises(SettingsError, match="Port 70000 is unavailable"):
        _bind("127.0.0.1", 70000)
