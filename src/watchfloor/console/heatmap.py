"""The ATT&CK map: the tactics in order, under each the techniques that findings name, shaded by severity and number."""

from collections.abc import Iterable, Mapping

import msgspec

from watchfloor.case import TACTICS, Case
from watchfloor.console.model import KnownTechnique
from watchfloor.console.words import count, tactic_name
from watchfloor.finding import LEVELS, Level, Rule

SHOWN_CELLS = 7
"""Cells of a column that are not folded."""
_SHADES = (2, 5, 20)
"""From how many findings on a cell takes the next shade."""


class Cell(msgspec.Struct, frozen=True):
    """A technique in a column: the gravest level, how often, in how many cases, and the shade 1 to 4."""

    uid: str
    name: str
    level: Level
    findings: int
    cases: int
    shade: int
    words: str


class Column(msgspec.Struct, frozen=True):
    """A tactic; ``cells`` come gravest first."""

    tactic: str
    name: str
    findings: int
    cells: tuple[Cell, ...]


class _Seen:
    """What one cell has counted so far."""

    def __init__(self) -> None:
        self.findings: set[str] = set()
        self.cases: set[str] = set()
        self.level: Level = "informational"


def heat_map(cases: Iterable[Case], techniques: Mapping[str, KnownTechnique]) -> tuple[Column, ...]:
    """The fourteen columns, and further ones for tactics that ATT&CK's enterprise matrix does not have."""
    seen: dict[str, dict[str, _Seen]] = {tactic: {} for tactic in TACTICS}
    cells_of: dict[str, list[_Seen]] = {}
    for case in cases:
        for finding in case.findings:
            cells = cells_of.get(finding.rule.id)
            if cells is None:
                cells = cells_of[finding.rule.id] = _cells(finding.rule, techniques, seen)
            for cell in cells:
                cell.findings.add(finding.uid)
                cell.cases.add(case.uid)
                cell.level = max(cell.level, finding.rule.level, key=LEVELS.index)
    return tuple(_column(tactic, cells, techniques) for tactic, cells in seen.items())


def _cells(rule: Rule, techniques: Mapping[str, KnownTechnique], seen: dict[str, dict[str, _Seen]]) -> list[_Seen]:
    return [
        seen.setdefault(tactic, {}).setdefault(technique, _Seen()) for tactic, technique in placed(rule, techniques)
    ]


def placed(rule: Rule, techniques: Mapping[str, KnownTechnique]) -> list[tuple[str, str]]:
    """The cells that a rule lights up, as (tactic, technique); a rule that names a tactic only gives no technique.

    A technique stands under those of its tactics that the rule names; else under its first tactic; one that ATT&CK does
    not know stands under the rule's tactics, and without any under ``other``.

    >>> placed(Rule("1", "x", techniques=("T1078",), tactics=("persistence",)), {})
    [('persistence', 'T1078')]
    """
    cells: list[tuple[str, str]] = []
    for technique in rule.techniques:
        known = techniques.get(technique) or techniques.get(technique.partition(".")[0]) or KnownTechnique(technique)
        homes = [tactic for tactic in known.tactics if tactic in rule.tactics]
        homes = homes or list(known.tactics[:1]) or list(rule.tactics) or ["other"]
        cells += [(tactic, technique) for tactic in homes]
    lit = {tactic for tactic, _ in cells}
    return cells + [(tactic, "") for tactic in rule.tactics if tactic not in lit]


def _column(tactic: str, cells: Mapping[str, _Seen], techniques: Mapping[str, KnownTechnique]) -> Column:
    made = [_cell(uid, seen, techniques) for uid, seen in cells.items()]
    made.sort(key=lambda cell: (-LEVELS.index(cell.level), -cell.findings, cell.uid))
    findings: set[str] = set().union(*(seen.findings for seen in cells.values()))
    return Column(tactic, tactic_name(tactic), len(findings), tuple(made))


def _cell(uid: str, seen: _Seen, techniques: Mapping[str, KnownTechnique]) -> Cell:
    known = techniques.get(uid)
    name = known.name if known else ("" if uid else "Tactic only")
    findings, cases = len(seen.findings), len(seen.cases)
    words = f"{count(findings, 'finding')} in {count(cases, 'case')}, at most {seen.level}"
    shade = 1 + sum(findings >= least for least in _SHADES)
    return Cell(uid, name, seen.level, findings, cases, shade, words)
