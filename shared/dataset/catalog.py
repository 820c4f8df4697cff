"""Dated facts about the service: limits now, models and prices as they are needed.

Read from Azure's documentation on the date below; look again before relying on an old one.
"""

from datetime import date

READ_ON = date(2026, 11, 22)

# Azure OpenAI's fine-tuning guide: "at least 10 training examples".
MINIMUM_EXAMPLES = 10
