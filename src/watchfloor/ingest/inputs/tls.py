"""TLS contexts from certificate files and secret keys."""

import os
import ssl
from pathlib import Path

from watchfloor.errors import InputError
from watchfloor.secret import Secret


def server_context(certificate: Path, key: Secret, client_ca: Path | None = None) -> ssl.SSLContext:
    """For a server; with ``client_ca``, who connects must have a certificate of one of these authorities.

    Raises:
        InputError: Something is missing, or cannot be used for TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A sender that reads nothing would leave tickets unread; when it closes, its system takes back what was not
    # delivered, the last messages with it.
    context.num_tickets = 0
    _load_own(context, certificate, key)
    if client_ca is not None:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: Path | None, certificate: Path | None = None, key: Secret | None = None) -> ssl.SSLContext:
    """For a client that trusts the authorities of ``ca``, or else the system's, and may have a certificate itself.

    Raises:
        InputError: Something is missing, or cannot be used for TLS.
    """
    context = ssl.create_default_context()
    if ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(context, ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None and key is not None:
        _load_own(context, certificate, key)
    return context


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except OSError as error:
        raise InputError(f"{ca}: no certificates to trust: {error.strerror or 'not PEM'}") from error


def _load_own(context: ssl.SSLContext, certificate: Path, key: Secret) -> None:
    # The library reads keys from files alone: this one is in memory, without a name, and gone when it is closed.
    text = key.read()
    descriptor = os.memfd_create("key")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(text.encode() + b"\n")
        context.load_cert_chain(certificate, f"/proc/self/fd/{descriptor}", password=_no_password)
    except OSError as error:
        detail = error.strerror or "not PEM"
        raise InputError(f"{certificate} with the key in {key.place}: cannot be used for TLS: {detail}") from error
    finally:
        os.close(descriptor)


def _no_password() -> str:
    # Or the library would ask for it on the terminal.
    raise InputError("the key of a certificate is encrypted: give it without a passphrase")
