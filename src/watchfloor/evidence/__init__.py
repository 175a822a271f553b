"""Evidence: a hash-chained record of what was assessed, decided and done, and signed packs that auditors can check.

``chain`` holds the records, ``journal`` keeps them on disk, ``merkle`` proves single ones, ``recording`` says what a
case leaves behind, ``keys`` has the signing key, ``events`` the exact bytes, ``pack`` writes, ``verification`` checks.
``verify`` is the script that every pack carries.
"""

from watchfloor.evidence.chain import Chain
from watchfloor.evidence.events import RawEvent
from watchfloor.evidence.journal import open_chain
from watchfloor.evidence.keys import read_public_key, signing_key
from watchfloor.evidence.pack import write_pack
from watchfloor.evidence.verification import verify_pack

__all__ = ["Chain", "RawEvent", "open_chain", "read_public_key", "signing_key", "verify_pack", "write_pack"]
