"""Run inside of an environment with Azure's management SDKs: every property name that they know.

Prints {package: [names as they are sent]}. The SDKs are generated from the specifications of
Azure's API, so a name that none of their models has is a name that Azure does not know.
"""

import importlib
import json
import sys
from collections.abc import Iterator


def names(package: str) -> Iterator[str]:
    models = importlib.import_module(f"azure.mgmt.{package}.models")
    for model in vars(models).values():
        for attribute in getattr(model, "_attribute_map", {}).values():
            yield from attribute["key"].replace("\\.", "|").split(".")
        for name, attribute in getattr(model, "__dict__", {}).items():
            if type(attribute).__name__ == "_RestField":
                yield attribute._rest_name_input or name


if __name__ == "__main__":
    known = {p: sorted({n.replace("|", ".") for n in names(p)}) for p in sys.argv[1:]}
    print(json.dumps(known))
