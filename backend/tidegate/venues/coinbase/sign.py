"""Coinbase's token (venues.md 3.2): a JWT for each request, over method, host and path without the query."""

import json
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

Key = EllipticCurvePrivateKey | Ed25519PrivateKey

SECONDS = 120
"""How long a token lasts at most, by Coinbase's rule."""


def key_of(secret: str) -> Key:
    """The private key: PEM (EC P-256, also with `\\n` written out), or base64 of 32 or 64 bytes (Ed25519). ValueError."""
    told = secret.replace("\\n", "\n").strip()
    if told.startswith("-----BEGIN"):
        try:
            found = load_pem_private_key(told.encode("ascii"), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ValueError("secret: a PEM that is no private key, or is encrypted") from error
        if isinstance(found, Ed25519PrivateKey):
            return found
        if isinstance(found, EllipticCurvePrivateKey) and isinstance(found.curve, SECP256R1):
            return found
        raise ValueError("secret: neither EC P-256 nor Ed25519")
    try:
        raw = b64decode(told, validate=True)
    except NotBase64 as error:
        raise ValueError("secret: neither PEM nor base64") from error
    if len(raw) not in (32, 64):
        raise ValueError("secret: not 32 or 64 bytes")
    return Ed25519PrivateKey.from_private_bytes(raw[:32])


def token(
    key: Key, key_name: str, method: str, host: str, path: str, *, now: int, nonce: str, seconds: int = SECONDS
) -> str:
    """The bearer token for one request. `now` in Unix seconds of the venue's clock; `nonce` is used once."""
    algorithm = "ES256" if isinstance(key, EllipticCurvePrivateKey) else "EdDSA"
    header = {"alg": algorithm, "kid": key_name, "nonce": nonce, "typ": "JWT"}
    claims = {
        "sub": key_name,
        "iss": "cdp",
        "nbf": now,
        "exp": now + seconds,
        "uri": f"{method} {host}{path.partition('?')[0]}",
    }
    signed = b".".join(_part(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return (signed + b"." + _part(_signature(key, signed))).decode("ascii")


def _signature(key: Key, signed: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(signed)
    r, s = decode_dss_signature(key.sign(signed, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _part(value: bytes) -> bytes:
    return urlsafe_b64encode(value).rstrip(b"=")
