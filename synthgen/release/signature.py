"""Detached Ed25519 signatures over the manifest of a bundle (RFC 8032).

A signature says that whoever holds the private key signed these bytes.  Whose key it is,
nobody but the reader can know: see ``docs/how-to/sign-a-release.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthgen.errors import UsageError, VerificationError
from synthgen.extras import require

NAME = "signature.json"
FORMAT = "signature/1"


def _parts() -> tuple[Any, Any, Any]:
    serialization = require("sign", "cryptography.hazmat.primitives.serialization")
    ed25519 = require("sign", "cryptography.hazmat.primitives.asymmetric.ed25519")
    exceptions = require("sign", "cryptography.exceptions")
    return serialization, ed25519, exceptions


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > 1 << 16:
            raise UsageError(f"{path}: is too large for a key")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def _raw(public: Any) -> bytes:
    serialization, _, _ = _parts()
    raw: bytes = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw


def fingerprint(public_key: str) -> str:
    """Short name of a public key: the first 32 digits of its SHA-256, in groups of four.

    Parameters
    ----------
    public_key : str
        32 bytes in hexadecimal.

    Examples
    --------
    >>> fingerprint("00" * 32)
    '6668 7aad f862 bd77 6c8f c18b 8e9f 8e20'
    """
    digits = hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:32]
    return " ".join(digits[i : i + 4] for i in range(0, 32, 4))


def sign(manifest: bytes, key: Path) -> dict[str, Any]:
    """Signature document of a manifest.

    Parameters
    ----------
    manifest : bytes
    key : Path
        Private Ed25519 key, PEM (PKCS 8), without a password.

    Raises
    ------
    UsageError
        If it is no such key.
    MissingExtraError
        If the extra ``sign`` is not installed.
    """
    serialization, ed25519, _ = _parts()
    raw = _read(key)
    try:
        private = serialization.load_pem_private_key(raw, password=None)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{key}: is no private key without a password (openssl genpkey -algorithm ed25519)"
        ) from error
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise UsageError(f"{key}: is no Ed25519 key (openssl genpkey -algorithm ed25519)")
    return {
        "format": FORMAT,
        "algorithm": "Ed25519",
        "public_key": _raw(private.public_key()).hex(),
        "signature": private.sign(manifest).hex(),
    }


def public_key_in(path: Path) -> str:
    """Public Ed25519 key of a PEM file, in hexadecimal.

    Raises
    ------
    UsageError
        If it is no such key.
    """
    serialization, ed25519, _ = _parts()
    raw = _read(path)
    try:
        public = serialization.load_pem_public_key(raw)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path}: is no public key (openssl pkey -pubout)") from error
    if not isinstance(public, ed25519.Ed25519PublicKey):
        raise UsageError(f"{path}: is no Ed25519 key")
    return _raw(public).hex()


def require_signature(manifest: bytes, said: Mapping[str, Any], trusted: str | None) -> str:
    """Public key that signed a manifest.

    Parameters
    ----------
    manifest : bytes
    said : mapping
        The signature document.
    trusted : str or None
        Public key that must have signed it; None to say only who did.

    Returns
    -------
    str
        In hexadecimal.

    Raises
    ------
    VerificationError
        If the signature is not of these bytes, or another key's.
    MissingExtraError
        If the extra ``sign`` is not installed: what cannot be verified is not.
    """
    _, ed25519, exceptions = _parts()
    if trusted is not None and said["public_key"] != trusted:
        raise VerificationError(
            f"{NAME}: was made with the key {fingerprint(said['public_key'])}; it must be "
            f"{fingerprint(trusted)}"
        )
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(said["public_key"]))
        key.verify(bytes.fromhex(said["signature"]), manifest)
    except (ValueError, exceptions.InvalidSignature) as error:
        raise VerificationError(f"{NAME}: is not a signature of this manifest") from error
    return str(said["public_key"])
