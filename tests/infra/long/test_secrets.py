"""No secret is in the repository."""

import subprocess
from base64 import b64encode
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from ..conftest import ROOT

# Too many false alarms: names with "key" in them, digests, addresses.
LEFT_OUT = {"HexHighEntropyString", "IPPublicDetector", "KeywordDetector"}
# Strings that look like secrets and are none, each with its reason.
NO_SECRETS = {
    "local/storage.py": "Azurite's well-known key",
    "tests/chat/test_auth.py": "a gateway's token, made up",
    "tests/chat/test_masking.py": "made-up secrets that a recorded chat must not have",
    "tests/shared/test_endpoints.py": "made-up keys in addresses that are refused",
    "tests/probe/test_report.py": "made-up keys that a report must not have",
    "tests/dataset/corpus.py": "made-up secrets that the dataset check must find",
    "tests/dataset/test_counted_everywhere.py": "made-up secrets that the dataset check must find",
    "tests/dataset/test_privacy.py": "made-up secrets that the dataset check must find",
    "tests/dataset/test_privacy_time.py": "made-up secrets that the dataset check must find",
    "tests/dataset/test_privacy_forms.py": "made-up secrets that the dataset check must find",
}


def secrets(names: list[str], folder: Path) -> set[str]:
    """Names of the files with something that looks like a secret."""
    detectors: dict[str, type] = get_mapping_from_secret_type_to_class()
    kinds = {detector.__name__ for detector in detectors.values()} - LEFT_OUT
    found = SecretsCollection(root=str(folder))
    with transient_settings({"plugins_used": [{"name": kind} for kind in sorted(kinds)]}):
        for name in names:
            found.scan_file(name)
    return {Path(name).as_posix() for name in found.files}


def test_there_are_no_secrets_in_the_repository() -> None:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [n for n in listed.splitlines() if (ROOT / n).is_file() and n != "requirements.txt"]
    assert secrets(names, ROOT) == set(NO_SECRETS)


def test_a_key_would_be_found(tmp_path: Path) -> None:
    key = b64encode(bytes(range(100, 164))).decode()
    (tmp_path / "settings.py").write_text(f'STORAGE = "{key}"\n', encoding="utf-8")
    assert secrets(["settings.py"], tmp_path) == {"settings.py"}
