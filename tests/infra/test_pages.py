"""What the pages promise about Azure is there."""

import re

import pytest
import typer
import yaml

from . import bicep
from .conftest import INFRA, ROOT, load

DOCS = ROOT / "docs"
PAGES = ["go-live.md", "from-the-lab.md", "roles.md", "runbook.md", "security.md"]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def alerts() -> set[str]:
    """Every alert that the template makes, by the end of its resource's name."""
    file = bicep.read(INFRA / "alerts.bicep")
    kinds = ("Microsoft.Insights/metricAlerts", "Microsoft.Consumption/budgets")
    others = [resource.symbol for resource in file.resources if resource.type in kinds]
    return {rule["name"] for rule in load("alerts.json")} | set(others)


def test_every_alert_has_its_paragraph() -> None:
    text = page("runbook.md")
    titles = re.findall(r"(?m)^## (.+)$", text)
    assert set(titles) == alerts()
    for title in titles:
        paragraph = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        assert len(paragraph.split()) > 40, title


def test_alerts_send_people_to_their_paragraph() -> None:
    text = (INFRA / "alerts.bicep").read_text(encoding="utf-8")
    assert "See docs/runbook.md, ${rule.name}." in text
    assert "See docs/runbook.md, undelivered." in text


def test_alerts_look_for_metrics_that_the_app_emits() -> None:
    """The metrics' names as the pages for operators have them; the app's own test compares too."""
    asked = {
        name
        for rule in load("alerts.json")
        for name in re.findall(r"'(tunedrop[\w.]+)'", rule["query"])
    }
    assert asked == {
        "tunedrop.chat.answers",
        "tunedrop.cost.usd",
        "tunedrop.drops.recovered",
        "tunedrop.notifications",
        "tunedrop.runs.ended",
        "tunedrop.ticks",
    }
    assert all("summarize Value = " in rule["query"] for rule in load("alerts.json"))


def defined_tests() -> set[str]:
    sources = (ROOT / "tests").rglob("test_*.py")
    return {
        name
        for source in sources
        for name in re.findall(r"(?m)^(?:async )?def (test_\w+)", source.read_text("utf-8"))
    }


def test_every_defence_names_tests_that_exist() -> None:
    rows = [
        row
        for row in page("security.md").partition("## Threats")[2].splitlines()
        if "`test_" in row
    ]
    assert len(rows) >= 15
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row)}
    assert not named - defined_tests()
    table = page("security.md").partition("## Threats")[2].partition("\n## ")[0]
    threats = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert all("`test_" in line for line in threats)


def test_every_parameter_of_azd_is_explained() -> None:
    settings = set(load("main.parameters.json")["parameters"]["settings"]["value"])
    text = (INFRA / "main.parameters.json").read_text(encoding="utf-8")
    missing = {
        name
        for name in re.findall(r"\$\{(\w+)", text)
        if name not in settings and f"`{name}`" not in page("go-live.md")
    }
    assert not missing


def test_variables_in_commands_are_put_out_by_the_template() -> None:
    outputs = set(bicep.read(INFRA / "main.bicep").outputs) | {"TUNEDROP_FUNCTION_KEY"}
    for name in PAGES:
        used = set(re.findall(r"\$\{?((?:TUNEDROP|AZURE)_\w+)", page(name)))
        assert used <= outputs, name


@pytest.mark.parametrize("name", [*PAGES, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = page(name)
    for target in re.findall(r"\]\(([^)#]*)(?:#[\w-]*)?\)", text):
        if target and "://" not in target:
            assert ((DOCS / name).parent / target).exists(), target
    for target, anchor in re.findall(r"\]\(([^)#]*)#([\w-]+)\)", text):
        there = (DOCS / name).parent / target if target else DOCS / name
        titles = re.findall(r"(?m)^#+ (.+)$", there.read_text(encoding="utf-8"))
        assert anchor in {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}


def test_every_task_of_the_lab_has_its_row() -> None:
    rows = re.findall(r"(?m)^\| (\d+) \| (.+) \| (.+) \|$", page("from-the-lab.md"))
    assert [int(number) for number, _, _ in rows] == list(range(1, 11))
    text = page("from-the-lab.md").partition("## Its four roles")[2]
    roles = load("roles.json")
    assert all(name in text for name in roles["not needed"])
    assert all(name in text for role in roles["given"].values() for name in role["lab"])


def test_the_sample_of_azd_is_valid_yaml() -> None:
    azure = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    assert set(azure["hooks"]) == {"preprovision", "postdeploy", "predown"}


def test_commands_of_the_tool_exist() -> None:
    from tunedrop.__main__ import cli

    known = set(getattr(typer.main.get_command(cli), "commands"))  # noqa: B009
    for path in [*DOCS.glob("*.md"), *ROOT.glob("*.md"), *(ROOT / "examples").glob("*.md")]:
        named = re.findall(r"(?m)(?:^|`)tunedrop ([a-z]\w*)", path.read_text(encoding="utf-8"))
        assert set(named) <= known, path.name


def test_commands_are_called_as_they_are_installed() -> None:
    """`tunedrop …`, on every system; .venv/bin is for the page that says how to activate it."""
    sources = [f for room in ("shared", "tunedrop", "local") for f in (ROOT / room).rglob("*.py")]
    pages = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "examples").glob("*.md")]
    for path in [*sources, *pages]:
        text = path.read_text(encoding="utf-8").replace("source .venv/bin/activate", "")
        assert "-m tunedrop" not in text, path.name
        assert ".venv/bin" not in text, path.name
