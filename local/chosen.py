"""The settings that somebody has chosen for the app of a stack: in the environment, or in `.env`.

The environment goes before the file, as everywhere; what makes the stack is nobody's choice. Knows
the settings' names and checks their values; starts nothing.
"""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from local.errors import StackError, sentence, shown
from local.host.schedule import Schedule, ScheduleError
from local.provision import stack_settings, usual_settings
from shared.chat.feedback import sampling_rates
from shared.chat.origins import Origins
from shared.chat.setting_keys import SETTING as APP_KEYS
from shared.chat.setting_keys import parse_keys
from shared.cloud.receivers import signing_key
from shared.errors import SettingError
from shared.settings import Settings

TELEMETRY = "TUNEDROP_TELEMETRY_FOLDER"
NAMES = frozenset(field.metadata["name"] for field in fields(Settings))
OF_THE_STACK = frozenset(stack_settings("", ""))
ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)")
COMMENT = re.compile(r"\s#.*")


@dataclass(frozen=True)
class Chosen:
    """`values` are the chosen settings; `remarks` are sentences on what was chosen in vain."""

    values: Mapping[str, str]
    remarks: tuple[str, ...] = ()

    def settings(
        self, storage: str, openai_url: str, app_key: str, telemetry: str
    ) -> dict[str, str]:
        """All settings of the app. Raises StackError for one that the app would refuse."""
        chosen = dict(self.values)
        if telemetry:  # --otel has been said
            chosen.pop(TELEMETRY, None)
        usual = usual_settings(app_key, telemetry)
        made = usual | chosen | stack_settings(storage, openai_url)
        try:
            if APP_KEYS in chosen:  # the laptop's own key stays one: its commands use it
                made[APP_KEYS] = _both(chosen[APP_KEYS], usual[APP_KEYS])
            _refuse_odd(Settings.load(made))
        except SettingError as error:
            raise StackError(f"{error.message} {error.fix}".strip()) from None
        except ScheduleError as error:
            raise StackError(f"TUNEDROP_TICK: {error}") from None
        return made


def _refuse_odd(settings: Settings) -> None:
    """What the app's parts would refuse when they start. Raises SettingError and ScheduleError."""
    sampling_rates(settings.remember)
    Origins(settings.allowed_origins)
    for secret in settings.webhook_secrets:
        signing_key(secret)
    Schedule(settings.tick)


def _both(chosen: str, ours: str) -> str:
    """Raises SettingError."""
    holders = [*parse_keys(chosen), *parse_keys(ours)]
    listed = json.dumps([holder.model_dump(mode="json", exclude_none=True) for holder in holders])
    parse_keys(listed)  # two of one name
    return listed


def chosen(environ: Mapping[str, str], file: Path | None = None) -> Chosen:
    """What the environment says, and where it says nothing, the file. Raises StackError."""
    listed = _read(file) if file else {}
    said = {**listed, **environ}
    values = {name: said[name] for name in sorted(NAMES) if name in said}
    return Chosen(values, (*_remarks(said), *_misspelt(listed)))


def _remarks(said: Mapping[str, str]) -> list[str]:
    vain = sorted(name for name in NAMES & OF_THE_STACK if said.get(name, "").strip())
    if not vain:
        return []
    return [
        f"not used, for the stack has its own: {', '.join(vain)} (docs/local.md has other ways)"
    ]


def _misspelt(listed: Mapping[str, str]) -> list[str]:
    """Only of the file: the environment has names for other programs too."""
    remarks = []
    for name in sorted(set(listed) - NAMES - OF_THE_STACK):
        if near := difflib.get_close_matches(name.upper(), NAMES, n=1, cutoff=0.85):
            remarks.append(f"no setting of the app: {name} in .env; is {near[0]} meant?")
        elif name.startswith("TUNEDROP_"):
            remarks.append(f"no setting of the app: {name} in .env (docs/settings.md has them)")
    return remarks


def _read(file: Path) -> dict[str, str]:
    """Lines of NAME=value, with or without quotes and `export`; # begins a comment. Raises
    StackError, which repeats no line: it may hold a key."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StackError(sentence(error)) from None
    except UnicodeDecodeError:
        raise StackError(f"{file} is not UTF-8 text: save it as that.") from None
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not (line := line.strip()) or line.startswith("#"):
            continue
        assigned = ASSIGNMENT.fullmatch(line)
        if not assigned:
            place = f"{shown(str(file))}, line {number}"
            raise StackError(f"{place}: that is no setting. Write NAME=value, or # before it.")
        found[assigned[1]] = _value(assigned[2])
    return found


def _value(text: str) -> str:
    """Within quotes all of it counts; a comment begins after a blank."""
    bare = text.strip()
    if bare[:1] in ("'", '"') and (end := bare.find(bare[0], 1)) > 0:
        return bare[1:end]
    return COMMENT.sub("", text, count=1).strip()
