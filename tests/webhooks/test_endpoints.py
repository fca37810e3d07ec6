"""Endpoints through the API: made, told once, kept to their owner, and no more than there may be."""

import asyncio
import ssl
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from tests.auth.people import problem
from tests.webhooks.conftest import Owner, Receiver, work
from tidegate import http
from tidegate.auth.gate import open_gate
from tidegate.auth.keyring import Keyring
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.webhooks import rules
from tidegate.webhooks.courier import Courier
from tidegate.webhooks.pipeline import Rounds, forget

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any]
else:
    Connection = asyncpg.Connection

URL = "http://localhost:4000/hooks"


async def test_the_secret_is_told_once_and_no_table_holds_it(db: Database, ana: Owner) -> None:
    key = str(uuid.uuid4())
    made = await ana.ask("POST", "", {"url": URL}, key=key)
    again = await ana.ask("POST", "", {"url": URL}, key=key)
    endpoint = made.json()
    assert (made.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (201, 201, "true")
    assert again.json() == endpoint
    assert len(rules.secret_of(endpoint["secret"])) == rules.SECRET_BYTES
    listed = (await ana.ask("GET", "")).json()
    assert [one["id"] for one in listed["items"]] == [endpoint["id"]]
    assert "secret" not in listed["items"][0]
    bare = endpoint["secret"].removeprefix("whsec_")
    async with db.reading() as session:
        for table in ("webhook_endpoints", "idempotency_keys", "events"):
            rows = await session.scalars(text(f"SELECT t::text FROM {table} t"))
            assert all(bare not in row and rules.secret_of(endpoint["secret"]).hex() not in row for row in rows)
    await ana.ask("POST", f"/{endpoint['id']}/rotate")
    assert (await ana.ask("POST", "", {"url": URL}, key=key)).json()["secret"] is None


async def test_a_key_is_asked_for_and_an_unfit_url_or_kind_is_refused(ana: Owner) -> None:
    assert problem(await ana.ask("POST", "", {"url": URL})) == (400, "idempotency_key_missing")
    for body in ({"url": "https://127.0.0.1/"}, {"url": URL, "kinds": ["rain"]}, {"url": "https://no.invalid/"}):
        answer = await ana.ask("POST", "", body, key=str(uuid.uuid4()))
        assert problem(answer) == (422, "invalid_request")
    endpoint = await ana.add(URL)
    changed = await ana.ask("PATCH", f"/{endpoint['id']}", {"url": "https://10.0.0.1/"})
    assert (problem(changed), changed.json()["field"]) == ((422, "invalid_request"), "url")


async def test_no_race_makes_more_than_an_account_may_have(db: Database, ana: Owner) -> None:
    asked = [ana.ask("POST", "", {"url": URL}, key=str(number)) for number in range(rules.MOST + 5)]
    made = [one.status_code for one in await asyncio.gather(*asked)]
    assert made.count(201) <= rules.MOST
    assert set(made) <= {201, 403, 409}
    for number in range(rules.MOST):
        await ana.ask("POST", "", {"url": URL}, key=f"more {number}".replace(" ", "-"))
    assert len((await ana.ask("GET", "")).json()["items"]) == rules.MOST
    assert problem(await ana.ask("POST", "", {"url": URL}, key="last")) == (403, "limit_exceeded")


async def test_another_ones_webhook_is_not_there(db: Database, ana: Owner, receiver: Receiver, rounds: Rounds) -> None:
    endpoint = await ana.add(receiver.url, "withdrawal")
    await ana.change(db)
    await work(rounds)
    sent = (await ana.deliveries(endpoint))[0]
    ben = await Owner(ana.http, "ben@demo.example").ready(db)
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/rotate"),
        ("POST", "/test"),
        ("GET", "/deliveries"),
        ("POST", f"/deliveries/{sent['id']}/redeliver"),
    ):
        body = {"enabled": False} if method == "PATCH" else None
        assert problem(await ben.ask(method, f"/{endpoint['id']}{path}", body)) == (404, "not_found")
    assert (await ben.ask("GET", "")).json()["items"] == []
    mine = await ben.add(URL)
    answer = await ben.ask("POST", f"/{mine['id']}/deliveries/{sent['id']}/redeliver")
    assert problem(answer) == (404, "not_found")


async def test_one_that_is_off_or_gone_is_sent_nothing(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds
) -> None:
    endpoint = await ana.add(receiver.url, "withdrawal")
    off = (await ana.ask("PATCH", f"/{endpoint['id']}", {"enabled": False})).json()
    assert (off["enabled"], off["disabled"]) == (False, "owner")
    assert problem(await ana.ask("POST", f"/{endpoint['id']}/test")) == (409, "conflict")
    await ana.change(db)
    await work(rounds)
    assert (await ana.ask("DELETE", f"/{endpoint['id']}")).status_code == 204
    assert problem(await ana.ask("GET", f"/{endpoint['id']}")) == (404, "not_found")
    await work(rounds)
    assert receiver.heard == []


async def test_old_deliveries_are_forgotten_and_what_waits_is_not(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds, courier: Courier
) -> None:
    endpoint = await ana.add(receiver.url, "withdrawal")
    await ana.change(db)
    await work(rounds)
    receiver.says(500)
    await ana.change(db)
    await work(rounds)
    old = utcnow() - rules.KEPT - timedelta(hours=1)
    async with db.transaction() as session:
        await session.execute(text("UPDATE webhook_deliveries SET created_at = :old"), {"old": old})
    await forget(courier)
    assert [one["state"] for one in await ana.deliveries(endpoint)] == ["waiting"]


ATTACKS = (
    "UPDATE webhook_endpoints SET slot = 11",
    "UPDATE webhook_endpoints SET enabled = false",
    "UPDATE webhook_endpoints SET disabled = 'gone'",
    "UPDATE webhook_endpoints SET secret_before = secret",
    "INSERT INTO webhook_deliveries SELECT gen_random_uuid(), endpoint_id, sequence, type, body, state, tries, due_at, "
    "answers, created_at, ended_at FROM webhook_deliveries",
    "UPDATE webhook_deliveries SET due_at = now()",
    "UPDATE webhook_deliveries SET state = 'sent'",
    "UPDATE webhook_deliveries SET sequence = 0",
)


async def test_the_database_itself_refuses_what_cannot_be(
    db: Database, ana: Owner, receiver: Receiver, rounds: Rounds, superuser: Connection
) -> None:
    await ana.add(receiver.url, "withdrawal")
    await ana.change(db)
    await work(rounds)
    for attack in ATTACKS:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await superuser.execute(attack)


def test_a_sealed_secret_opens_for_its_endpoint_alone(db: Database, settings: Settings) -> None:
    keys: Keyring = open_gate(db, settings).keys
    one, other = uuid.uuid4(), uuid.uuid4()
    sealed = keys.seal_webhook(one, b"secret")
    assert keys.open_webhook(one, sealed) == b"secret"
    with pytest.raises(RuntimeError):
        keys.open_webhook(other, sealed)


@pytest.mark.parametrize(("name", "proved"), [("hooks.example", True), ("other.example", False)])
async def test_a_pinned_address_must_prove_the_name_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, proved: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted = _certificate(context, tmp_path)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, wanted, _context: asked.append(wanted)
    receiver = Receiver()
    receiver.says(200, "taken")
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(http, "tls", lambda: trusted)
    door = http.Outbound(f"https://127.0.0.1:{port}", host=name)
    try:
        if proved:
            assert (await door.call("POST", "/hooks", content=b"{}")).body == b"taken"
            assert receiver.heard[0].headers["host"] == name
        else:
            with pytest.raises(http.NotSent):
                await door.call("POST", "/hooks", content=b"{}")
            assert receiver.heard == []
        assert asked == [name]
    finally:
        await door.close()
        server.close()


def _certificate(context: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    """One for hooks.example, put into `context`; what trusts it is returned."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utcnow() - timedelta(days=1))
        .not_valid_after(utcnow() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    bare = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(bare + pem)
    context.load_cert_chain(folder / "both.pem")
    return ssl.create_default_context(cadata=pem.decode())
