"""The corpus of hostile access tokens: security.md findings 1 and 2, abuse case 15. Every one is 401, none is a 500."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.auth.people import PASSWORD, Person, now, problem
from tidegate.auth import accounts, sessions
from tidegate.auth.accounts import Client
from tidegate.auth.gate import Gate
from tidegate.auth.keyring import Keyring, load_keyring
from tidegate.auth.rules import Credential
from tidegate.auth.subject import Subject
from tidegate.auth.tokens import MOST_BYTES, NotAToken, Tokens
from tidegate.config import Settings
from tidegate.refusal import Kind, Refusal

KEYS = Keyring(bytes(range(32)))
ISSUER = "http://localhost:8000"
TOKENS = Tokens(KEYS, issuer=ISSUER, seconds=300)
USER, SESSION = uuid.uuid4(), uuid.uuid4()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def header(**changes: Any) -> dict[str, Any]:
    return {"alg": "HS256", "typ": "at+jwt", "kid": KEYS.access_token_id} | changes


def claims(**changes: Any) -> dict[str, Any]:
    at = int(now().timestamp())
    base = {
        "iss": ISSUER, "aud": f"{ISSUER}/api/v1", "sub": str(USER), "sid": str(SESSION), "jti": str(uuid.uuid4()),
        "iat": at, "nbf": at, "exp": at + 300,
    }  # fmt: skip
    return base | changes


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in claims().items() if key != name}


def forged(
    head: dict[str, Any] | str | bytes, body: dict[str, Any] | str | bytes, key: bytes = KEYS.access_token
) -> str:
    """Signed with HS256 over whatever is given."""
    parts = []
    for part in (head, body):
        raw = part if isinstance(part, bytes) else part.encode() if isinstance(part, str) else json.dumps(part).encode()
        parts.append(b64(raw))
    signed = ".".join(parts)
    return signed + "." + b64(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def public_keys() -> list[bytes]:
    found = []
    for key in (
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP256R1()).public_key(),
    ):
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
            found.append(key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    found.append(point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint))
    return found


def malleable() -> str:
    """Another last character for the same 32 bytes: 43 characters carry two bits that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = good()
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


def good() -> str:
    return TOKENS.make(user_id=USER, session_id=SESSION, now=now())


at = int(now().timestamp())


@pytest.fixture(autouse=True)
def _at_is_now() -> None:
    """The corpus speaks of moments around each test's own present, however long the whole run takes."""
    global at
    at = int(now().timestamp())


HOSTILE: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "one part": lambda: "abc",
    "two parts": lambda: ".".join(good().split(".")[:2]),
    "four parts": lambda: good() + ".abc",
    "five parts, as encryption has": lambda: good() + ".abc.def",
    "alg none, no signature": lambda: b64(json.dumps(header(alg="none")).encode()) + "." + b64(json.dumps(claims()).encode()) + ".",
    "alg none, signed": lambda: forged(header(alg="none"), claims()),
    "alg None": lambda: forged(header(alg="None"), claims()),
    "alg HS384": lambda: forged(header(alg="HS384"), claims()),
    "alg RS256 signed by HMAC": lambda: forged(header(alg="RS256"), claims()),
    "alg ES256 signed by HMAC": lambda: forged(header(alg="ES256"), claims()),
    "alg a list": lambda: forged(header(alg=["HS256"]), claims()),
    "alg null": lambda: forged(header(alg=None), claims()),
    "alg lower case": lambda: forged(header(alg="hs256"), claims()),
    "no alg": lambda: forged({"typ": "at+jwt", "kid": KEYS.access_token_id}, claims()),
    "typ JWT": lambda: forged(header(typ="JWT"), claims()),
    "no typ": lambda: forged({"alg": "HS256", "kid": KEYS.access_token_id}, claims()),
    "another kid": lambda: forged(header(kid="0" * 16), claims()),
    "kid a path": lambda: forged(header(kid="../../dev/null"), claims()),
    "no kid": lambda: forged({"alg": "HS256", "typ": "at+jwt"}, claims()),
    "jku": lambda: forged(header(jku="https://evil.example/keys"), claims()),
    "jwk": lambda: forged(header(jwk={"kty": "oct", "k": "AA"}), claims()),
    "x5u": lambda: forged(header(x5u="https://evil.example"), claims()),
    "crit": lambda: forged(header(crit=["exp"]), claims()),
    "duplicate alg": lambda: forged(f'{{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"{KEYS.access_token_id}"}}', claims()),
    "header a list": lambda: forged("[]", claims()),
    "header a number": lambda: forged("1", claims()),
    "header not UTF-8": lambda: forged(b"\xff\xfe", claims()),
    "header deep": lambda: forged("[" * 700 + "]" * 700, claims()),
    "empty key": lambda: forged(header(), claims(), key=b""),
    "key of one byte": lambda: forged(header(), claims(), key=b"\x00"),
    "the root key itself": lambda: forged(header(), claims(), key=bytes(range(32))),
    "junk after the signature": lambda: good() + "A",
    "padding after the signature": lambda: good() + "=",
    "newline after": lambda: good() + "\n",
    "space before": lambda: " " + good(),
    "last character malleable": malleable,
    "signature cut": lambda: good()[:-4],
    "signature empty": lambda: good().rpartition(".")[0] + ".",
    "standard base64 alphabet": lambda: good().replace("-", "+").replace("_", "/") + "+",
    "bad base64": lambda: "a.b.c",
    "not ASCII": lambda: good() + "é",
    "oversized": lambda: forged(header(), claims(pad="x" * MOST_BYTES)),
    "claims a list": lambda: forged(header(), "[]"),
    "claims a string": lambda: forged(header(), '"x"'),
    "claims null": lambda: forged(header(), "null"),
    "claims not UTF-8": lambda: forged(header(), b"\xff"),
    "duplicate sub": lambda: forged(header(), json.dumps(claims())[:-1] + f', "sub": "{uuid.uuid4()}"}}'),
    **{f"no {name}": partial(lambda name: forged(header(), without(name)), name) for name in claims()},
    "one claim more": lambda: forged(header(), claims(admin=True)),
    "expired": lambda: forged(header(), claims(iat=at - 900, nbf=at - 900, exp=at - 600)),
    "lives too long": lambda: forged(header(), claims(exp=at + 86400)),
    "iat in the future": lambda: forged(header(), claims(iat=at + 60, nbf=at + 60, exp=at + 300)),
    "nbf in the future": lambda: forged(header(), claims(nbf=at + 60)),
    "exp before iat": lambda: forged(header(), claims(exp=at - 1)),
    "exp text": lambda: forged(header(), claims(exp=str(at + 300))),
    "exp float": lambda: forged(header(), claims(exp=at + 300.5)),
    "exp true": lambda: forged(header(), claims(exp=True)),
    "exp null": lambda: forged(header(), claims(exp=None)),
    "exp huge": lambda: forged(header(), claims(exp=10**400)),
    "exp Infinity": lambda: forged(header(), json.dumps(claims(exp=float("inf")))),
    "iat NaN": lambda: forged(header(), json.dumps(claims(iat=float("nan")))),
    "iat negative": lambda: forged(header(), claims(iat=-1)),
    "aud another": lambda: forged(header(), claims(aud="https://evil.example")),
    "aud a list with ours": lambda: forged(header(), claims(aud=[f"{ISSUER}/api/v1"])),
    "iss another": lambda: forged(header(), claims(iss="https://evil.example")),
    "iss a list": lambda: forged(header(), claims(iss=[ISSUER])),
    "sub a number": lambda: forged(header(), claims(sub=1)),
    "sub not an id": lambda: forged(header(), claims(sub="ana")),
    "sid an object": lambda: forged(header(), claims(sid={})),
    "jti empty": lambda: forged(header(), claims(jti="")),
    "sub a surrogate": lambda: forged(header(), claims(sub="\ud800")),
}  # fmt: skip


def test_a_good_token_is_read() -> None:
    read = TOKENS.read(good(), now=now())
    assert (read.user_id, read.session_id) == (USER, SESSION)
    forged_alike = TOKENS.read(forged(header(), claims()), now=now())
    assert forged_alike.user_id == USER, "the forger of this corpus must be able to make a good one"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_no_token(name: str) -> None:
    with pytest.raises(NotAToken):
        TOKENS.read(HOSTILE[name](), now=now())


@pytest.mark.parametrize("number", range(5))
def test_a_public_key_is_never_a_secret(number: int) -> None:
    with pytest.raises(NotAToken):
        TOKENS.read(forged(header(), claims(), key=public_keys()[number]), now=now())


async def test_over_http_every_hostile_token_is_401(http: httpx.AsyncClient, gate: Gate) -> None:
    for name, make in HOSTILE.items():
        raw = b"Bearer " + make().encode("utf-8", "surrogatepass")
        answer = await http.get("/api/v1/auth/me", headers=[(b"authorization", raw)])
        assert problem(answer) == (401, "unauthenticated"), name


async def test_a_token_of_a_session_that_is_not_there_is_401(ana: Person, gate: Gate) -> None:
    token = gate.tokens.make(user_id=uuid.uuid4(), session_id=uuid.uuid4(), now=now())
    answer = await ana.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert problem(answer) == (401, "unauthenticated")


def test_a_token_ends_after_five_minutes() -> None:
    made = now()
    token = TOKENS.make(user_id=USER, session_id=SESSION, now=made)
    TOKENS.read(token, now=made + timedelta(seconds=300))
    with pytest.raises(NotAToken):
        TOKENS.read(token, now=made + timedelta(seconds=306))
    with pytest.raises(NotAToken):
        TOKENS.read(token, now=made - timedelta(seconds=7))


@profile(suppress_health_check=list(HealthCheck))
@given(st.one_of(st.text(max_size=300), st.binary(max_size=200).map(lambda raw: ".".join([b64(raw)] * 3))))
def test_whatever_the_text_nothing_but_not_a_token_is_raised(token: str) -> None:
    with pytest.raises(NotAToken):
        TOKENS.read(token, now=now())


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)),
    st.sampled_from(sorted(claims())),
)  # fmt: skip
def test_whatever_a_signed_claim_says_nothing_but_not_a_token_is_raised(value: Any, name: str) -> None:
    try:
        TOKENS.read(forged(header(), claims(**{name: value})), now=now())
    except NotAToken:
        return
    assert name in ("jti", "sub", "sid", "iat", "nbf", "exp")


# --- the key file --------------------------------------------------------------------------------------------------


def test_the_sandbox_makes_its_key_file_once_and_for_its_owner_only(settings: Settings) -> None:
    first = load_keyring(settings)
    path = settings.auth.token_key_file
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32
    assert load_keyring(settings).access_token == first.access_token
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith("token.key")] == ["token.key"]


def test_production_does_not_start_without_its_key_file(settings: Settings) -> None:
    with pytest.raises(SystemExit, match="not there"):
        load_keyring(settings.model_copy(update={"mode": "production"}))


def test_a_short_key_ends_the_start(settings: Settings) -> None:
    assert settings.auth.token_key_file is not None
    settings.auth.token_key_file.write_bytes(b"x" * 31)
    with pytest.raises(SystemExit, match="32"):
        load_keyring(settings)


async def test_a_sign_in_begun_with_the_old_password_does_not_outlive_its_change(ana: Person, gate: Gate) -> None:
    client = Client("203.0.113.9", "somebody", None)
    proofs = [
        await accounts.authenticate(gate, email=ana.email, password=PASSWORD, code=None, client=client, now=now())
        for _ in range(3)
    ]
    mine = await sessions.open_browser_session(gate, proofs[0], client=client, replaces=None, now=now())
    nothing: frozenset[str] = frozenset()
    subject = Subject(mine.user_id, ana.email, nothing, nothing, Credential.COOKIE, mine.session_id, False, False, None)
    new = "another lighthouse on the cape"
    await sessions.change_password(gate, subject, current=PASSWORD, new=new, code=None, now=now())
    for late in (
        sessions.open_token_family(gate, proofs[1], client=client, now=now()),
        sessions.open_browser_session(gate, proofs[2], client=client, replaces=None, now=now()),
    ):
        with pytest.raises(Refusal) as told:
            await late
        assert told.value.kind is Kind.INVALID_CREDENTIALS
