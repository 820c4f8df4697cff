"""The console's files: all that may be had without a key, and what a browser may do with them."""

import re
from pathlib import Path

import pytest

from shared import console
from tests.support.in_process import in_process

STYLED = re.compile(r"""\sstyle=|<style|\son[a-z]+=["']|javascript:|unsafeHTML|innerHTML""")


async def test_the_page_and_its_files_load_from_here_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_process("http://nobody", monkeypatch) as (http, _, _):
        for path in ("/console", *(f"/console/{name}" for name in console.FILES)):
            response = await http.get(path, headers={"api-key": ""})
            assert response.status_code == 200
            policy = response.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
            assert "unsafe" not in policy
            assert "http" not in policy
            assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_slash_at_the_end_leads_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    request = type("Request", (), {"url": type("Url", (), {"path": "/api/console/"})})
    response = console.page(request)  # type: ignore[arg-type]
    assert (response.status_code, response.headers["location"]) == (307, "../console")


@pytest.mark.parametrize("file", sorted(console.FOLDER.glob("*.js")), ids=lambda file: file.name)
def test_no_page_has_what_the_policy_forbids_or_text_as_html(file: Path) -> None:
    assert not STYLED.search(file.read_text(encoding="utf-8"))


def test_the_library_bears_its_licence() -> None:
    assert "BSD 3-Clause" in (console.FOLDER / "lit/LICENSE.txt").read_text(encoding="utf-8")
