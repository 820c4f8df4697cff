"""Versions for tests of the registry."""

from datetime import UTC, datetime, timedelta

from shared.model.registry import Version

AT = datetime(2026, 11, 1, tzinfo=UTC)


def version(run_id: str, dropped: int = 0) -> Version:
    """Of a dataset that was dropped so many days after the first."""
    return Version(
        run_id=run_id,
        base_model="gpt-4.1-nano-2025-04-14",
        fine_tuned_model=f"tuned-{run_id}",
        sku="DeveloperTier",
        capacity=1,
        created_at=AT,
        dropped_at=AT + timedelta(days=dropped),
    )
