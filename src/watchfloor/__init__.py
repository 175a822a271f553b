"""Watchfloor: raw security telemetry in, a few explained cases out, actions only inside limits that people set."""

__version__ = "0.1.0"
