"""Signed statements of who asks: JSON Web Tokens with RS256 (RFC 7519, RFC 7518 section 3.3)."""

import base64
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from watchfloor.ingest.inputs.poll.fault import CredentialsError


def signed(claims: Mapping[str, Any], pem: str) -> str:
    """The claims as a token, signed with an RSA key.

    Raises:
        CredentialsError: That is no RSA key; nothing of it is told.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CredentialsError("the private key is no RSA key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise CredentialsError("the private key is no RSA key in PEM")
    text = b".".join((_part({"alg": "RS256", "typ": "JWT"}), _part(claims)))
    return (text + b"." + _coded(key.sign(text, PKCS1v15(), SHA256()))).decode()


def _part(value: Mapping[str, Any]) -> bytes:
    return _coded(orjson.dumps(dict(value)))


def _coded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
