"""Coinbase's tokens, verified by the public key: ECDSA is random, so there is no fixed vector to reproduce."""

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jose import jwt

from tidegate.venues.coinbase.sign import key_of, token

NAME = "organizations/o/apiKeys/k"
PATH = "/api/v3/brokerage/orders/historical/batch?product_ids=BTC-USD&limit=250"
SEED = bytes(range(32))
# RFC 8032, test 1: the seed and its public key.
RFC_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RFC_PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def pem(curve: Any) -> tuple[str, str]:
    private = generate_private_key(curve)
    told = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return told, public


def part(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


ENCRYPTED = (
    generate_private_key(SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    .decode()
)


@pytest.mark.parametrize("written_out", [False, True])
def test_a_p256_key_signs_method_host_and_path_without_the_query(written_out: bool) -> None:
    secret, public = pem(SECP256R1())
    key = key_of(secret.replace("\n", "\\n") if written_out else secret)
    made = token(key, NAME, "GET", "api.coinbase.com", PATH, now=1_700_000_000, nonce="ab12")
    claims = jwt.decode(made, public, algorithms=["ES256"], options={"verify_exp": False})
    assert claims == {
        "sub": NAME,
        "iss": "cdp",
        "nbf": 1_700_000_000,
        "exp": 1_700_000_120,
        "uri": "GET api.coinbase.com/api/v3/brokerage/orders/historical/batch",
    }
    assert json.loads(part(made.split(".")[0])) == {"alg": "ES256", "kid": NAME, "nonce": "ab12", "typ": "JWT"}
    assert len(part(made.split(".")[2])) == 64


@pytest.mark.parametrize("told", [RFC_SEED, RFC_SEED + RFC_PUBLIC])
def test_base64_of_32_or_64_bytes_is_an_ed25519_key(told: bytes) -> None:
    key = key_of(base64.b64encode(told).decode())
    assert isinstance(key, Ed25519PrivateKey)
    assert key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == RFC_PUBLIC
    head, body, signature = token(key, NAME, "POST", "h", "/p", now=1, nonce="n").split(".")
    assert json.loads(part(head))["alg"] == "EdDSA"
    key.public_key().verify(part(signature), f"{head}.{body}".encode())
    with pytest.raises(InvalidSignature):
        key.public_key().verify(part(signature), f"{head}.{body}x".encode())


@pytest.mark.parametrize(
    "secret",
    ["", "nonsense!", base64.b64encode(b"short").decode(), pem(SECP384R1())[0], "-----BEGIN nothing", ENCRYPTED],
)
def test_what_is_no_key_is_refused_at_once(secret: str) -> None:
    with pytest.raises(ValueError):
        key_of(secret)
