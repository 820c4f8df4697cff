"""Area `address`: which addresses, versions and keys are taken, how others are refused. Free."""

from tunedrop.probe.reading import keys_of
from tunedrop.probe.session import Session
from tunedrop.probe.target import ARM, DATA, FOUNDRY
from tunedrop.probe.wire import DATED, DATED_VERSION

NO_KEY = "0" * 32  # long enough for one, and nobody's


def ask(session: Session) -> None:
    _versions(session)
    _wrong_keys(session)
    _right_keys(session)
    unknown = session.wire.data("GET", "/tunedrop-probe")
    session.see("address.unknown-path", unknown.outcome)


def _versions(session: Session) -> None:
    wire, see = session.wire, session.see
    see("address.dated", wire.data("GET", "/models", family=DATED).outcome)
    without = wire.data("GET", "/models", family=DATED, query={"api-version": ""})
    see("address.no-version", without.outcome)
    see("address.v1", wire.data("GET", "/models").outcome)
    see("address.v1-preview", wire.data("GET", "/models", query={"api-version": "preview"}).outcome)
    dated = wire.data("GET", "/models", query={"api-version": DATED_VERSION})
    see("address.v1-dated", dated.outcome)


def _wrong_keys(session: Session) -> None:
    wire, see = session.wire, session.see
    wrong = wire.data("GET", "/models", headers={"api-key": NO_KEY})
    see("address.wrong-key", wrong.outcome)
    see("address.refusal-keys", keys_of(wrong.error))
    see("address.no-key", wire.data("GET", "/models", headers={}).outcome)
    see("address.arm-token", wire.data("GET", "/models", headers=wire.bearer(ARM)).outcome)
    see("address.arm-key", wire.arm("GET", "", headers={"api-key": NO_KEY}).outcome)
    see("address.data-token", wire.arm("GET", "", headers=wire.bearer(DATA)).outcome)


def _right_keys(session: Session) -> None:
    wire, see = session.wire, session.see
    see("address.foundry-token", wire.data("GET", "/models", headers=wire.bearer(FOUNDRY)).outcome)
    if key := wire.target.key:
        see("address.key", wire.data("GET", "/models", headers={"api-key": key}).outcome)
        bearer = {"authorization": f"Bearer {key}"}
        see("address.key-as-bearer", wire.data("GET", "/models", headers=bearer).outcome)
