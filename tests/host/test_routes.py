"""ASP.NET route templates."""

import pytest

from local.host.routes import RouteError, compile_route


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("v1/chat/completions", "/v1/chat/completions/", {}),
        ("items/{id:int?}", "/items", {}),
        ("items/{id:int?}", "/items/-3", {"id": "-3"}),
        ("items/{id:int?}", "/items/x", None),
        ("runs/{id}/events", "/runs/a b/events", {"id": "a b"}),
        ("runs/{id}", "/runs/a/b", None),
        ("{*rest}", "/", {}),
        ("console/{*rest}", "/console/js/app.js", {"rest": "js/app.js"}),
        (
            "{year:length(4)}/{slug:regex(^[a-z]+$)}",
            "/2026/tuned",
            {"year": "2026", "slug": "tuned"},
        ),
        ("{year:length(4)}/{slug:regex(^[a-z]+$)}", "/26/tuned", None),
        ("files/{name}.{ext}", "/files/a.b.txt", {"name": "a", "ext": "b.txt"}),
        ("page/{n:range(1,9)=1}", "/page", {"n": "1"}),
    ],
)
def test_match(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert compile_route(template).match(path) == expected


def test_the_more_literal_route_wins() -> None:
    templates = ["{*all}", "runs/{id}", "runs/{id:int}", "runs/latest", "{area}/latest"]
    routes = sorted(map(compile_route, templates), key=lambda route: route.precedence)
    assert [route.template for route in routes] == [
        "runs/latest",
        "runs/{id:int}",
        "runs/{id}",
        "{area}/latest",
        "{*all}",
    ]


@pytest.mark.parametrize("template", ["a/{id", "a/{id:wat}", "a/{}"])
def test_broken_templates(template: str) -> None:
    with pytest.raises(RouteError):
        compile_route(template)
