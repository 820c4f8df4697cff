"""Runs in memory, for what the pages promise of them."""

from tests.support.harness import harness as harness
