"""`python -m docs.price_table [--check]`: shared/catalog/prices.py, made anew.

Made from the snapshot of Azure's published retail prices in the package azure-genai-prices: the
meters of training and hosting, of the models that the catalog knows. Government clouds, which have
other prices, are left out. For maintainers: nothing of it is needed where the app runs.
"""

import argparse
import difflib
import json
import re
import sys
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from shared.catalog import facts
from shared.catalog.records import PriceRow

PACKAGE = "azure_genai_prices"
TARGET = Path(__file__).resolve().parents[1] / "shared/catalog/prices.py"

_GPT = re.compile(
    r"(?:gpt )?(?P<model>4\.1|4\.1 mini|4\.1 nano|4o|4o mini)(?: 0806| 0718)? (?P<dev>dev )?ft "
    r"(?P<kind>training|trng|hosting|hstng) (?P<where>global|glbl|regional|regnl|dz)"
    r"(?: tkn)? (?:tokens|unit)"
)
_OPEN = re.compile(
    r"(?P<model>oss 20b|3\.3 70b|mnstrl 3b|ministral 3b) ?ft ?(?P<where>dz|regnl)? ?"
    r"(?P<kind>deployment hosting|)(?: unit|tokens)"
)
_MODELS = {
    "4.1": "gpt-4.1-2025-04-14",
    "4.1 mini": "gpt-4.1-mini-2025-04-14",
    "4.1 nano": "gpt-4.1-nano-2025-04-14",
    "4o": "gpt-4o-2024-08-06",
    "4o mini": "gpt-4o-mini-2024-07-18",
    "oss 20b": "gpt-oss-20b",
    "3.3 70b": "Llama-3.3-70B-Instruct",
    "mnstrl 3b": "Ministral-3B",
    "ministral 3b": "Ministral-3B",
}
_TRAINING = {"g": facts.GLOBAL, "r": facts.REGIONAL, "d": facts.DATA_ZONE}
_HOSTING = {"g": "GlobalStandard", "r": "Standard", "d": "DataZoneStandard"}
_PER = {"1K": 1_000, "1M": 1, "1 Hour": 1, "1/Hour": 1}  # × the price: per million tokens, per hour

_HEAD = '''"""List prices of training and hosting: a row for each meter, with its regions.

Made by `python3 dev.py prices` from a published snapshot; not to be edited. `lookup` answers from
it. Government clouds are not in it.
"""

# fmt: off
# ruff: noqa: E501

from datetime import date

from shared.catalog.records import PriceRow, Source

TRAINING, HOSTING = "training", "hosting"  # USD per million tokens, USD per hour

SOURCE = Source("{source}", {dated})
'''


class Named(NamedTuple):
    """What a meter is for."""

    model: str
    kind: str
    offer: str


def named(meter: str) -> Named | None:
    """None for a meter of anything else than training or hosting one of the catalog's models."""
    plain = re.sub(r"[-_ ]+", " ", meter.lower())
    if not (found := _GPT.fullmatch(plain) or _OPEN.fullmatch(plain)):
        return None
    parts = found.groupdict()
    hosting = bool(re.search("host|hstng", parts["kind"]))
    offer = (_HOSTING if hosting else _TRAINING)[(parts["where"] or "global")[0]]
    if parts.get("dev"):
        offer = facts.DEVELOPER
    return Named(_MODELS[parts["model"]], "hosting" if hosting else "training", offer)


def rows(items: Iterable[dict[str, Any]]) -> list[PriceRow]:
    """Those of the snapshot that the catalog uses. Raises KeyError for a unit that is new."""
    found = []
    for item in items:
        meter = named(item["meterName"])
        regions = tuple(sorted(r for r in item["regions"] if not r.startswith("usgov")))
        if not meter or not regions:
            continue
        usd = round(item["retailPrice"] * _PER[item["unitOfMeasure"]], 6)
        since = date.fromisoformat(item["effectiveStartDate"][:10])
        found.append(PriceRow(*meter, usd, regions, item["meterName"], since))
    return sorted(found, key=lambda row: (row.model.lower(), row.kind != "training", *row[2:]))


def snapshot() -> dict[str, Any]:
    text = files(PACKAGE).joinpath("data", "snapshot.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def module() -> str:
    """The text of shared/catalog/prices.py."""
    loaded = snapshot()
    table = rows(loaded["items"])
    names = {regions: f"_R{number}" for number, regions in enumerate(_in_order(table), 1)}
    dated = _date(date.fromisoformat(loaded["fetched_at"][:10]))
    source = f"Azure Retail Prices API, by azure-genai-prices {version(PACKAGE)}"
    lines = [_HEAD.format(source=source, dated=dated)]
    lines += [f"{name} = ({', '.join(map(_text, regions))},)" for regions, name in names.items()]
    lines += ["", "ROWS = (", *(_row(row, names[row.regions]) for row in table), ")"]
    return "\n".join(lines) + "\n"


def _in_order(table: list[PriceRow]) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(row.regions for row in table))


def _row(row: PriceRow, regions: str) -> str:
    usd = f"{row.usd:g}"
    values = (_text(row.model), row.kind.upper(), _text(row.offer), usd, regions)
    return f"    PriceRow({', '.join(values)}, {_text(row.meter)}, {_date(row.since)}),"


def _text(value: str) -> str:
    return json.dumps(value)


def _date(day: date) -> str:
    return f"date({day.year}, {day.month}, {day.day})"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("dev.py prices")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is old")
    check = parser.parse_args(arguments).check
    before = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    after = module()
    sides = before.splitlines(), after.splitlines()
    print("\n".join(difflib.unified_diff(*sides, "prices.py", "made anew", lineterm="", n=0)))
    if before != after and not check:
        TARGET.write_text(after, encoding="utf-8", newline="\n")
    print(f"shared/catalog/prices.py {'is as published' if before == after else 'has changed'}")
    return 1 if check and before != after else 0


if __name__ == "__main__":
    sys.exit(main())
