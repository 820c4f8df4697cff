"""The ids of the doctor's results, in the groups that the tests need."""

from shared.doctor.rights import RIGHTS

UNREACHABLE = "http://127.0.0.1:9"  # the discard protocol's port: nothing listens there
STORES = ("datasets", "runs", "models", "feedback")
CONTAINERS = {f"container:{name}" for name in STORES}
DATA = {id for id, right in RIGHTS.items() if right.plane == "data"}
CONTROL = set(RIGHTS) - DATA
OF_ACCOUNT = {"region", "endpoint", "usages.read", "quota"}
OF_CATALOG = {"base-model", "sku", "quota"}
OF_DEPLOYMENTS = {"deployments-left", "base-deployments"}
BLOCKED = {  # what cannot be checked without the right
    "account.read": OF_ACCOUNT,
    "catalog.read": OF_CATALOG,
    "deployments.read": OF_DEPLOYMENTS,
    "jobs.read": {"jobs-left"},
    "usages.read": {"quota"},
}
WITHOUT_CONTROL = CONTROL | {"region", "clock"} | OF_CATALOG | OF_DEPLOYMENTS
