"""How much of a text record is looked at."""

MAX_PAIRS = 2048
"""More keys than any product writes in a line: a firewall's longest has about a hundred."""
