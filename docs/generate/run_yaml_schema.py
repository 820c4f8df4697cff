"""docs/run-yaml.schema.json: what a run.yaml may say, for editors, from the app's own rules.

The bounds are those of the model that reads a run.yaml; what a key means is said by the table in
docs/run-yaml.md. JSON Schema draft-07, which every editor's YAML extension reads. A limit that an
app's settings set (budget, capacity) is not known here, nor whether the account has a base model.
"""

import json
import re
from typing import Any

from docs.generate import DOCS, PageError
from shared.catalog import facts, lookup
from shared.run.spec import LONGEST_MODEL, RunYaml

TABLE = DOCS / "run-yaml.md"
TITLE = "Tunedrop's run.yaml"
COMMENT = "Made by `python3 dev.py docs`."
_ROW = re.compile(r"^\| `([\w.]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
# What pydantic checks by functions, which it cannot describe.
_BY_NAME = {"training_type": facts.TIERS, "deployment.sku": facts.SKUS.values}
_BETA_IS_OF_DPO = {
    "if": {
        "required": ["hyperparameters"],
        "properties": {
            "hyperparameters": {
                "type": "object",
                "required": ["beta"],
                "properties": {"beta": {"type": "number"}},
            }
        },
    },
    "then": {"required": ["method"], "properties": {"method": {"const": "dpo"}}},
}

Node = dict[str, Any]


def page() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False)


def schema() -> Node:
    """Raises PageError for a key that the table does not explain."""
    made = RunYaml.model_json_schema()
    keys = _keys(made, made["$defs"], "")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": COMMENT,
        "title": TITLE,
        "type": ["object", "null"],  # a file of comments asks for nothing
        "additionalProperties": False,
        "properties": keys,
        **_BETA_IS_OF_DPO,
    }


def _keys(model: Node, defined: Node, outer: str) -> Node:
    return {
        name: _key(f"{outer}{name}", about, defined) for name, about in model["properties"].items()
    }


def _key(name: str, about: Node, defined: Node) -> Node:
    """Of one key, which may also be null: then it is as if it were not there."""
    (rule,) = (each for each in about.get("anyOf", [about]) if each.get("type") != "null")
    if "$ref" in rule:
        inner = defined[rule["$ref"].rpartition("/")[2]]
        keys = _keys(inner, defined, f"{name}.")
        return {"type": ["object", "null"], "additionalProperties": False, "properties": keys}
    return {"description": _meaning(name), "anyOf": [*_rules(name, rule), {"type": "null"}]}


def _rules(name: str, rule: Node) -> list[Node]:
    if name == "base_model":
        known = [model.name for model in lookup.MODELS]
        other = {"type": "string", "pattern": "^[!-~]+$", "maxLength": LONGEST_MODEL}
        return [{"enum": known}, other]  # the first is what an editor offers
    if names := _BY_NAME.get(name):
        return [{"enum": list(dict.fromkeys(names.values()))}, _in_any_case(names)]
    return [{"enum": rule["enum"]}] if "enum" in rule else [rule]


def _in_any_case(names: dict[str, str]) -> Node:
    spelt = ["".join(f"[{c}{c.upper()}]" for c in name) for name in names]
    return {"type": "string", "pattern": f"^({'|'.join(spelt)})$"}


def _meaning(name: str) -> str:
    rows = {row[0]: row[1:] for row in _ROW.findall(TABLE.read_text(encoding="utf-8"))}
    if name not in rows:
        raise PageError(f"The table in docs/run-yaml.md has no row for {name}.")
    default, meaning = (_LINK.sub(r"\1", cell) for cell in rows[name])
    return f"{meaning}. Default: {default}."
