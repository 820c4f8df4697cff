"""A decision on a champion, for tests that are not about who has made it."""

from datetime import UTC, datetime

from shared.model.history import Decision

BY_RUN = Decision(datetime(2026, 11, 1, tzinfo=UTC))
