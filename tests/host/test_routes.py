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


@pytest.mark.parametrize("template", ["a/{id", "a/id}", "a/{}"])
def test_broken_templates(template: str) -> None:
    with pytest.raises(RouteError, match="cannot be read"):
        compile_route(template)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("a/{id:int}", "constraint 'int' of 'id'"),
        ("a/{id:int?}", "constraint 'int?' of 'id'"),
        ("{*rest:minlength(1)}", "constraint 'minlength(1)' of 'rest'"),
        ("{slug:regex(^[a-z]+$)}", "constraint 'regex(^[a-z]+$)' of 'slug'"),
        ("files/{name}.{ext:alpha}", "constraint 'alpha' of 'ext'"),
        ("page/{n=1}", "default '1' of 'n'"),
    ],
)
def test_what_is_not_supported_is_named(template: str, message: str) -> None:
    with pytest.raises(RouteError) as refused:
        compile_route(template)
    assert message in str(refused.value)
    assert "look at the value in the function" in str(refused.value)
