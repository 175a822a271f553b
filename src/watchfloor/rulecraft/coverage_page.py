"""A matrix as a page: the tactics in order, under each its techniques, which unfold into rules and sub-techniques."""

from collections.abc import Mapping

import msgspec

from watchfloor.case import TACTICS
from watchfloor.console.words import count, tactic_name
from watchfloor.rulecraft.attack import ATTACK_VERSION
from watchfloor.rulecraft.coverage import STATES, Coverage, Spot, State
from watchfloor.rulecraft.page import page

_SHADES = (3, 10)
"""From how many rules with telemetry on a covered cell takes the next shade."""

SHOWN = 12
"""How many rules of a cell, and how many lines of a list, are shown."""


class Cell(msgspec.Struct, frozen=True):
    """A technique with its parts: the best state among them, the shade 1 to 3, and the numbers in words."""

    spot: Spot
    parts: tuple[Spot, ...]
    state: State
    shade: int
    words: str


class Column(msgspec.Struct, frozen=True):
    """A tactic and its cells; ``covered`` counts those that are."""

    name: str
    cells: tuple[Cell, ...]
    covered: int


def columns(matrix: Coverage) -> tuple[Column, ...]:
    """The matrix by tactic; a technique stands under each of its tactics."""
    parts: dict[str, list[Spot]] = {}
    for spot in matrix.spots:
        parts.setdefault(spot.technique.parent, []).append(spot)
    cells = [_cell(spot, tuple(parts.get(spot.technique.uid, ()))) for spot in parts.get("", ())]
    cells.sort(key=lambda cell: (STATES.index(cell.state), cell.spot.technique.name))
    return tuple(_column(tactic, tuple(c for c in cells if tactic in c.spot.technique.tactics)) for tactic in TACTICS)


def _column(tactic: str, cells: tuple[Cell, ...]) -> Column:
    return Column(tactic_name(tactic), cells, sum(cell.state == "covered" for cell in cells))


def _cell(spot: Spot, parts: tuple[Spot, ...]) -> Cell:
    every = (spot, *parts)
    state = min((one.state for one in every), key=STATES.index)
    rules = {one.rule.id: one for each in every for one in each.rules}
    watching = sum(one.events > 0 for one in rules.values())
    return Cell(spot, parts, state, 1 + sum(watching >= least for least in _SHADES), _words(state, every, watching))


def _words(state: State, every: tuple[Spot, ...], watching: int) -> str:
    match state:
        case "covered":
            parts = every[1:]
            of = f", {sum(one.state == 'covered' for one in parts)} of {len(parts)} parts" if parts else ""
            return count(watching, "rule") + of
        case "blind":
            return f"{count(len({one.rule.id for each in every for one in each.rules}), 'rule')}, no telemetry"
        case "dark":
            seen = {log for one in every for log in one.logs}
            return f"no rule, {len(seen)} of {count(len({log for one in every for log in one.technique.logs}), 'log')}"
        case "unseen":
            return ""


def coverage_page(matrix: Coverage, over: str) -> str:
    """The HTML of a matrix; ``over`` says over which telemetry."""
    return page(
        "coverage.html.j2",
        matrix=matrix,
        columns=columns(matrix),
        counts=[(state, matrix.count(state)) for state in STATES],
        over=over,
        version=ATTACK_VERSION,
        lists=(
            ("Rules that wait for telemetry", "rule", _first(matrix.blind)),
            ("Events that no rule looks at", "event", _first(matrix.idle)),
            ("Techniques that rules name and ATT&CK does not have", "rule", _first(matrix.unknown)),
        ),
        shown=SHOWN,
    )


def _first(counted: Mapping[str, int]) -> tuple[list[tuple[str, int]], int]:
    return list(counted.items())[:SHOWN], max(0, len(counted) - SHOWN)
