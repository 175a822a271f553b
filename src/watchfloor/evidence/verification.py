"""Verification of evidence packs from inside Watchfloor.

The checks are those of :mod:`watchfloor.evidence.verify`, the script that every pack carries: auditors and we run the
same code.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from watchfloor.errors import argument
from watchfloor.evidence.verify import Check, FileCheck, Report, verify

VerificationReport = Report

__all__ = ["Check", "FileCheck", "VerificationReport", "verify_pack"]


def verify_pack(path: Path, key: Ed25519PublicKey | None) -> VerificationReport:
    """Check an evidence pack, a zip or the folder it was unpacked to; nothing is written.

    Args:
        path: The pack.
        key: The key that must have signed it. With ``None`` the pack is checked for consistency with itself; its signer
            is then unknown and the report's ``exit_status`` 1.

    Raises:
        InputError: There is no such file, or it cannot be read. A file that is no pack is no error: the report says so.
    """
    with argument(path):
        return verify(path, None if key is None else key.public_bytes_raw())
