"""The certificate that is kept is of the stories that the code has, and nothing is against them."""

import json

from bench import certificate, options
from tests.reliability.kill_harness import EVERY
from tests.support.model_stories import STORIES

ABOUT = ("command", "at", "machine", "versions")


def test_the_certificate_is_of_these_stories() -> None:
    kept = json.loads((options.RESULTS / "certificate.json").read_text(encoding="utf-8"))
    assert list(kept["stories"]) == [*(story.name for story in STORIES), certificate.LOSING]
    assert set(kept) == {*ABOUT, "stories", "total", "real_processes"}
    lives = 0
    for name, story in kept["stories"].items():
        assert story["calls"] > 10, name
        for when in certificate.WHEN.values():
            assert story[when]["lives"] >= story["calls"], f"{name}: not every call had a kill"
            assert (story[when]["doubled"], story[when]["lost"]) == ([], []), name
            lives += story[when]["lives"]
    assert kept["total"] == {
        "stories": len(kept["stories"]),
        "calls": sum(story["calls"] for story in kept["stories"].values()),
        "doubled": 0,
        "lost": 0,
        "lives": lives,
    }
    assert list(kept["real_processes"]) == [story.name for story in EVERY]
    assert all(story["lives"] > 3 for story in kept["real_processes"].values())
    assert not any(story["wrong"] for story in kept["real_processes"].values())
