"""ATT&CK as vendors write it in their alerts (ids or names, in texts or lists) to OCSF's ``attack`` objects."""

import re
from collections.abc import Iterator
from typing import Any

MAX_ATTACKS = 64
"""How many techniques and tactics of one alert are kept."""

MAX_TEXT = 4096
"""A longer text names no technique, it describes something."""

_IDS = re.compile(r"\b(?:TA\d{4}|T\d{4}(?:\.\d{3})?)\b")
_TACTICS = {
    "reconnaissance": "TA0043",
    "resourcedevelopment": "TA0042",
    "initialaccess": "TA0001",
    "execution": "TA0002",
    "persistence": "TA0003",
    "privilegeescalation": "TA0004",
    "defenseevasion": "TA0005",
    "credentialaccess": "TA0006",
    "discovery": "TA0007",
    "lateralmovement": "TA0008",
    "collection": "TA0009",
    "exfiltration": "TA0010",
    "commandandcontrol": "TA0011",
    "impact": "TA0040",
}
_NOT_LETTERS = re.compile(r"[^a-z]")


def attacks(value: Any) -> list[dict[str, Any]] | None:
    """OCSF ``attack`` objects of the techniques and tactics that texts name, however deep in lists and objects.

    >>> attacks(["T1059.001", "Credential Access"])[0]
    {'technique': {'uid': 'T1059'}, 'sub_technique': {'uid': 'T1059.001'}}
    >>> attacks("CredentialAccess"), attacks("mitre_impact"), attacks("Unclassified"), attacks([["TA0040"], None, 7])
    ([{'tactic': {'uid': 'TA0006'}}], [{'tactic': {'uid': 'TA0040'}}], None, [{'tactic': {'uid': 'TA0040'}}])
    >>> attacks({"tactic": {"id": "TA0002", "name": "Execution"}})
    [{'tactic': {'uid': 'TA0002'}}]
    """
    named: dict[str, dict[str, Any]] = {}
    for text in _texts(value):
        for uid in _uids(text):
            named[uid] = _attack(uid)
            if len(named) >= MAX_ATTACKS:
                return list(named.values())
    return list(named.values()) or None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) <= MAX_TEXT:
            yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _uids(text: str) -> list[str]:
    found = _IDS.findall(text)
    tactic = _TACTICS.get(_NOT_LETTERS.sub("", text.lower()).removeprefix("mitre"))
    return found or ([tactic] if tactic else [])


def _attack(uid: str) -> dict[str, Any]:
    if uid.startswith("TA"):
        return {"tactic": {"uid": uid}}
    technique, dot, _ = uid.partition(".")
    return {"technique": {"uid": technique}} | ({"sub_technique": {"uid": uid}} if dot else {})
