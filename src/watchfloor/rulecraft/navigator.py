"""A matrix as a layer of the ATT&CK Navigator.

Source: https://github.com/mitre-attack/attack-navigator, layer file format 4.5.
"""

from typing import Any

from watchfloor.console.words import count
from watchfloor.rulecraft.attack import ATTACK_VERSION
from watchfloor.rulecraft.coverage import Coverage, Spot, State

NAVIGATOR = "5.2.0"
"""The version of the Navigator whose layers these are."""

_COLOURS: dict[State, str] = {"covered": "#4c9f70", "blind": "#e0803a", "dark": "#3b3f54"}
_LEGEND: dict[State, str] = {
    "covered": "covered: rules with telemetry",
    "blind": "blind: rules without telemetry",
    "dark": "dark: telemetry without rules",
}


def layer(matrix: Coverage) -> dict[str, Any]:
    """The JSON object of a layer; techniques without rules and without telemetry are left out of it."""
    return {
        "name": "Watchfloor coverage",
        "versions": {"attack": ATTACK_VERSION.partition(".")[0], "navigator": NAVIGATOR, "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": f"{count(matrix.rules, 'rule')} over {count(matrix.events, 'event')}; the score counts the "
        "rules that have telemetry to look at.",
        "layout": {"layout": "side", "showName": True, "showID": True, "expandedSubtechniques": "none"},
        "techniques": [_technique(spot) for spot in matrix.spots if spot.state != "unseen"],
        "gradient": {
            "colors": ["#ffffff", _COLOURS["covered"]],
            "minValue": 0,
            "maxValue": max([1, *(spot.watching for spot in matrix.spots)]),
        },
        "legendItems": [{"label": words, "color": _COLOURS[state]} for state, words in _LEGEND.items()],
    }


def _technique(spot: Spot) -> dict[str, Any]:
    return {
        "techniqueID": spot.technique.uid,
        "score": spot.watching,
        "color": _COLOURS[spot.state],
        "comment": _LEGEND[spot.state],
        "metadata": [
            {"name": "rules", "value": f"{len(spot.rules)}, {spot.watching} with telemetry"},
            {"name": "logs seen", "value": ", ".join(log.words for log in spot.logs) or "none"},
        ],
    }
