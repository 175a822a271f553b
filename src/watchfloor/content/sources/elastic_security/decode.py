"""An alert of Elastic Security in one shape: out of its search hit, with its dotted names as objects."""

from typing import Any

from watchfloor.event import nest


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The alert, its ``kibana.alert.*`` and its ECS fields as objects."""
    source = record.get("_source")
    made = dict(source) if isinstance(source, dict) else dict(record)
    return nest(made) if any("." in name for name in made) else made


def keeps_texts(_record: dict[str, Any]) -> bool:
    """Names change, texts do not."""
    return True
