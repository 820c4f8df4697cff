"""What is still seen when the logs of a day are full: the audit, and that they are."""

from typing import Any

from . import bicep
from .bicep import Expression
from .conftest import INFRA, load

MONITOR = bicep.read(INFRA / "monitor.bicep")
MAIN = bicep.read(INFRA / "main.bicep")
SETTINGS = "Microsoft.Insights/diagnosticSettings"


def workspace(symbol: str) -> dict[str, Any]:
    resource = MONITOR.resource(symbol)
    assert resource.type == "Microsoft.OperationalInsights/workspaces"
    return dict(resource.body["properties"])


def audits() -> dict[str, dict[str, Any]]:
    """Every diagnostic setting, by the file that makes it."""
    return {
        file.path.name: dict(resource.body["properties"])
        for file in bicep.all_files()
        for resource in file.resources
        if resource.type == SETTINGS
    }


def test_a_flood_of_logs_cannot_stop_the_audit() -> None:
    """What people did is in a workspace that the app writes nothing to and that has no cap."""
    assert "workspaceCapping" not in workspace("audit")
    assert MONITOR.outputs["auditWorkspaceId"] == "audit.id"
    insights = MONITOR.resource("insights").body["properties"]
    assert insights["WorkspaceResourceId"] == "workspace.id"
    assert audits().keys() == {"storage.bicep", "openai.bicep"}
    for name, setting in audits().items():
        assert setting["workspaceId"] == Expression("auditWorkspaceId"), name
        (module,) = (m for m in MAIN.modules if m.file == name)
        assert module.body["params"]["auditWorkspaceId"] == "monitor.outputs.auditWorkspaceId"


def test_the_audit_has_what_people_write_and_delete() -> None:
    logs = audits()["storage.bicep"]["logs"]
    assert {log["category"] for log in logs if log["enabled"]} == {"StorageWrite", "StorageDelete"}
    assert workspace("audit")["retentionInDays"] >= 90


def test_people_are_told_when_the_logs_of_a_day_are_full() -> None:
    """By a table that is not billed, so the cap does not stop it."""
    assert workspace("workspace")["workspaceCapping"]["dailyQuotaGb"] == 2
    (rule,) = (rule for rule in load("alerts.json") if rule["name"] == "logs-capped")
    assert rule["query"].startswith("_LogOperation | where ")
    assert "Detail contains 'OverQuota'" in rule["query"]
    assert (rule["operator"], rule["threshold"], rule["severity"]) == ("GreaterThan", 0, 1)
    rules = bicep.read(INFRA / "alerts.bicep").resource("ruleResources").body["properties"]
    assert rules["scopes"] == [Expression("workspaceId")]
    (module,) = (m for m in MAIN.modules if m.file == "alerts.bicep")
    assert module.body["params"]["workspaceId"] == "monitor.outputs.workspaceId"


def test_the_cap_in_the_pages_is_the_one_in_the_template() -> None:
    gigabytes = workspace("workspace")["workspaceCapping"]["dailyQuotaGb"]
    for name in ("go-live.md", "runbook.md"):
        assert f"{gigabytes} GB" in (INFRA.parent / "docs" / name).read_text(encoding="utf-8")
