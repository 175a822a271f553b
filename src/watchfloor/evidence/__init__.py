"""Evidence: a hash-chained record of what was assessed, decided and done, and signed packs that auditors can check.

``chain`` holds the records, ``journal`` keeps them on disk, ``merkle`` proves single ones, ``recording`` says what a
case leaves behind, ``keys`` has the signing key, ``events`` the exact bytes, ``pack`` writes, ``verification`` checks.
``verify`` is the script that every pack carries.
"""

from watchfloor.evidence.chain import Break, Chain, Entry, Record, first_break
from watchfloor.evidence.events import RawEvent, raw_events
from watchfloor.evidence.journal import check_chain, open_chain
from watchfloor.evidence.keys import public_pem, read_public_key, signing_key
from watchfloor.evidence.merkle import MerkleTree
from watchfloor.evidence.pack import PackedFile, PackInfo, cited_uids, write_pack
from watchfloor.evidence.recording import record_case
from watchfloor.evidence.verification import Check, FileCheck, VerificationReport, verify_pack
from watchfloor.evidence.verify import included, raw_bytes

__all__ = [
    "Break",
    "Chain",
    "Check",
    "Entry",
    "FileCheck",
    "MerkleTree",
    "PackInfo",
    "PackedFile",
    "RawEvent",
    "Record",
    "VerificationReport",
    "check_chain",
    "cited_uids",
    "first_break",
    "included",
    "open_chain",
    "public_pem",
    "raw_bytes",
    "raw_events",
    "read_public_key",
    "record_case",
    "signing_key",
    "verify_pack",
    "write_pack",
]
