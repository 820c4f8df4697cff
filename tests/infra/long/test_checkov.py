"""checkov's rules for Azure on the templates: each passes or has its reason in writing."""

import json
import subprocess
from pathlib import Path

from tests.environments import environment

from ..conftest import INFRA, load

CHECKOV = "checkov==3.3.30"  # it pins many packages: an environment of its own


def test_every_rule_passes_or_has_its_reason(tmp_path: Path) -> None:
    python = environment("checkov", CHECKOV)
    arguments = ["-d", str(INFRA), "--framework", "bicep", "--skip-download", "--output", "json"]
    done = subprocess.run(
        [str(python), "-m", "checkov.main", *arguments, "--soft-fail"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    told = json.loads(done.stdout)
    assert told["results"]["parsing_errors"] == []
    assert len(told["results"]["passed_checks"]) > 30
    failed: dict[str, set[str]] = {}
    for check in told["results"]["failed_checks"]:
        failed.setdefault(check["check_id"], set()).add(check["resource"])
    exceptions = load("exceptions.json")
    assert failed == {rule: set(exception["where"]) for rule, exception in exceptions.items()}
    assert all(len(exception["why"]) > 20 for exception in exceptions.values())
