"""The signing key of a data folder: Ed25519, ``keys/evidence.pem`` for its owner alone, ``keys/evidence.pub`` for all.

Who has the private key can sign any evidence. It therefore belongs to one user, is never shown, and is refused when
others could have read it.
"""

import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from watchfloor.errors import InputError, StoreError, argument, storing
from watchfloor.evidence.journal import sync_folder

MAX_KEY_BYTES = 16 << 10


def signing_key(data: Path) -> Ed25519PrivateKey:
    """The signing key of the data folder ``data``, made on first use, together with its public half.

    Two processes that start at once get the same key.

    Raises:
        StoreError: The key cannot be made or read, others can read it, or it is no Ed25519 key in PKCS8 PEM.
    """
    folder = data / "keys"
    private, public = folder / "evidence.pem", folder / "evidence.pub"
    with storing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o022:
            raise StoreError(f"{folder}: others can write to it and replace the key; chmod 700 it")
        if not private.exists():
            _create(private, _private_pem(Ed25519PrivateKey.generate()), 0o600)
        key = _read_private(private)
        if not public.exists():
            _create(public, public_pem(key.public_key()), 0o644)
    try:
        paired = read_public_key(public) == key.public_key()
    except InputError as error:
        raise StoreError(str(error)) from error
    if not paired:
        raise StoreError(f"{public}: not the public half of {private}; remove the one that is wrong")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file.

    Raises:
        InputError: The file cannot be read, or holds no Ed25519 public key.
    """
    with argument(path), path.open("rb") as file:
        document = file.read(MAX_KEY_BYTES)
    try:
        key = load_pem_public_key(document)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path}: not a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path}: not an Ed25519 key")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """A public key in PEM (SubjectPublicKeyInfo), as auditors get it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _create(path: Path, content: bytes, mode: int) -> None:
    """Make a file that did not exist, whole or not at all; whoever made it first wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(file, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(file)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        sync_folder(path.parent)
    finally:
        draft.unlink()


def _read_private(path: Path) -> Ed25519PrivateKey:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as handle:
        mode = os.fstat(file).st_mode
        if not stat.S_ISREG(mode):
            raise StoreError(f"{path}: not a regular file")
        if mode & 0o077:
            raise StoreError(
                f"{path}: others can read the signing key (mode {stat.S_IMODE(mode):04o}); "
                "replace it if they may have, else chmod 600 it"
            )
        pem = handle.read(MAX_KEY_BYTES)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise StoreError(f"{path}: not an unencrypted private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{path}: not an Ed25519 key")
    return key
