"""The app's settings for trained models: compared, promoted, hosted (see `settings`)."""

from dataclasses import dataclass

from shared.setting import MOST_USD, setting

LONGEST_IDLE = 8_760  # hours: a year
LONGEST_DAYS = 3_650


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    gate: str = setting(
        "TUNEDROP_GATE",
        "Whether a new version is compared with the champion and the base model before it serves, "
        "unless run.yaml says: off, report (compared and told) or enforce (held unless it is "
        "better).",
        "report",
        known={"off": "off", "report": "report", "enforce": "enforce"},
    )
    compare_examples: int = setting(
        "TUNEDROP_COMPARE_EXAMPLES",
        "How many examples of the validation set are asked of a new version, the champion and the "
        "base model, at the most, to compare them. Each is a chat that is paid for.",
        100,
        least=1,
        most=1_000,
    )
    judge_deployment: str = setting(
        "TUNEDROP_JUDGE_DEPLOYMENT",
        "A deployment of the resource that rates each answer of a comparison from 1 to 5, as a "
        "score that decides nothing (see trust.md). Each rating is a chat that is paid for. None, "
        "when empty.",
        "",
    )
    promote: str = setting(
        "TUNEDROP_PROMOTE",
        "Who makes a new version the champion, unless run.yaml says: auto, or manual, which holds "
        "every one until a person promotes it.",
        "auto",
        known={"auto": "auto", "manual": "manual"},
    )
    keep: str = setting(
        "TUNEDROP_KEEP",
        "Whether a champion stays deployed, unless run.yaml says: always, or on-demand, as long as "
        "it is used; a chat brings it back.",
        "always",
        known={"always": "always", "on-demand": "on-demand"},
    )
    idle_after: float = setting(
        "TUNEDROP_IDLE_AFTER",
        "Hours without a chat after which a version that is kept on-demand loses its deployment, "
        "unless run.yaml says. Never, when 0.",
        24.0,
        most=LONGEST_IDLE,
    )
    warm_hours: float = setting(
        "TUNEDROP_WARM_HOURS",
        "Hours that a version which is not the champion any more stays deployed after it was used "
        "last. `tunedrop wake` deploys it again, of the champion before also a chat.",
        24.0,
        most=LONGEST_IDLE,
    )
    held_days: float = setting(
        "TUNEDROP_HELD_DAYS",
        "Days that a version which nobody has promoted stays deployed after it was used last.",
        7.0,
        most=LONGEST_DAYS,
    )
    spare_versions: int = setting(
        "TUNEDROP_SPARE_VERSIONS",
        "How many versions of a model stay deployed beside the champion: at most so many that were "
        "champions, and so many that were not yet.",
        1,
        most=100,
    )
    answers_days: float = setting(
        "TUNEDROP_ANSWERS_DAYS",
        "Days that the answers are kept from which a version was compared; its verdict stays.",
        90.0,
        least=1,
        most=LONGEST_DAYS,
    )
    monthly_hosting_ceiling: float = setting(
        "TUNEDROP_MONTHLY_HOSTING_CEILING",
        "USD at list price that everything the app has deployed may cost in a month, by UTC: "
        "before it is passed, candidates and then idle models are put to sleep; a champion in use "
        "is not (see cost.md). No limit, when 0.",
        0.0,
        most=MOST_USD,
    )
