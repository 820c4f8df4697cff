"""Route templates."""

import pytest

from local.host.routes import RouteError, compile_route


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("v1/chat/completions", "/v1/chat/completions/", {}),
        ("items/{id?}", "/items", {}),
        ("items/{id?}", "/items/-3", {"id": "-3"}),
        ("items/{id?}", "/items/x/y", None),
        ("Items/{id}", "/iTEMS/X", {"id": "X"}),
        ("runs/{id}/events", "/runs/a b/events", {"id": "a b"}),
        ("runs/{id}", "/runs/a/b", None),
        ("{*rest}", "/", {}),
        ("console/{*rest}", "/console/js/app.js", {"rest": "js/app.js"}),
        ("{year}/{slug}", "/2026/tuned", {"year": "2026", "slug": "tuned"}),
        ("{year}/{slug}", "/2026", None),
        ("files/{name}.{ext}", "/files/a.b.txt", {"name": "a", "ext": "b.txt"}),
    ],
)
def test_match(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert compile_route(template).match(path) == expected


def test_the_more_literal_route_wins() -> None:
    templates = ["{*all}", "runs/{id}", "runs/{id}.json", "runs/latest", "{area}/latest"]
    routes = sorted(map(compile_route, templates), key=lambda route: route.precedence)
    assert [route.template for route in routes] == [
        "runs/latest",
        "runs/{id}.json",
        "runs/{id}",
        "{area}/latest",
        "{*all}",
    ]


@pytest.mark.parametrize(
    "template", ["a/{id", "a/id}", "a/{}", "a/{id:int}", "{*rest:minlength(1)}", "page/{n=1}"]
)
def test_a_template_that_cannot_be_read_is_named(template: str) -> None:
    with pytest.raises(RouteError, match="cannot be read: this host takes") as refused:
        compile_route(template)
    assert template.split("/")[-1] in str(refused.value)
