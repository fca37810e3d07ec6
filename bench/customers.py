"""Customers with money, sessions and quotes, made in bulk: what the measured requests need, and nothing of it timed.

Money comes through the ledger's own function. Users, second factors, sessions and quotes are whole rows of the product's
own tables, put there by SQL: the measured process reads them as it reads any other.
"""

import json
import random
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

import asyncpg
from uuid_utils.compat import uuid7

from bench.house import House
from tidegate.auth.keyring import Keyring
from tidegate.auth.tokens import Tokens
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm import build
from tidegate.chains.public import BitcoinKeys
from tidegate.config import NetworkSettings
from tidegate.database import utcnow
from tidegate.exchange.schemas import QuoteOut
from tidegate.ledger import store as ledger
from tidegate.ledger.rules import Outcome, Posting, Transfer, customer, house
from tidegate.signer.bitcoin import BitcoinVault
from tidegate.signer.keys import make_seed
from tidegate.wire import AmountOut, time_text

PATH = "/api/v1/transactions/withdrawals"
FUNDS = 10**18
"""Base units of each asset that a customer begins with: more than all windows together can hold."""
DESTINATIONS = 10
"""Addresses that a customer pays in turn, on each network."""
LIFE = timedelta(hours=20)
RENEWED_AFTER = timedelta(seconds=150)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a withdrawal of one asset looks like: figures in base units."""

    asset: str
    network: str
    deliver: int
    fee: int
    usd_units: int

    @property
    def debit(self) -> int:
        return self.deliver + self.fee


KINDS = (Kind("USDT", "ethereum", 25_000_000, 1_250_000, 26_250_000), Kind("BTC", "bitcoin", 50_000, 1_500, 34_505_000))


@dataclass(frozen=True, slots=True)
class Someone:
    """A customer: enrolled, funded, with a session of an API client."""

    id: uuid.UUID
    session_id: uuid.UUID
    destinations: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Order:
    """One withdrawal to be asked for: a quote and the address that is paid."""

    quote_id: uuid.UUID
    who: Someone
    kind: Kind
    address: str
    key: str

    def body(self) -> bytes:
        return json.dumps({"quote_id": str(self.quote_id), "address": self.address}).encode()


class Customers:
    """All customers of a bench database."""

    def __init__(self, connection: asyncpg.Connection, at: House, *, seed: int = 1) -> None:
        self._connection = connection
        self._keys = Keyring((at.folder / "token.key").read_bytes())
        self._tokens = Tokens(self._keys, issuer=f"http://localhost:{at.port}", seconds=300)
        self._port = at.port
        self._order = random.Random(seed)
        self.people: list[Someone] = []
        self._made: tuple[datetime, dict[uuid.UUID, str]] | None = None

    async def open(self, many: int) -> None:
        """So many customers, each with a confirmed authenticator, an open session and FUNDS of each asset."""
        now = utcnow()
        bitcoin = _strangers()
        for number in range(many):
            paid = {
                "ethereum": tuple(build.checksummed("0x" + secrets.token_hex(20)) for _ in range(DESTINATIONS)),
                "bitcoin": tuple(bitcoin.deposit_address(number * DESTINATIONS + n) for n in range(DESTINATIONS)),
            }
            self.people.append(Someone(uuid7(), uuid7(), paid))
        await self._sign_up(now)
        await self._fund()

    async def _sign_up(self, now: datetime) -> None:
        ids = [one.id for one in self.people]
        await self._connection.execute(
            "INSERT INTO users (id, email, email_canonical, email_confirmed_at, password_hash, password_changed_at, "
            "created_at) SELECT u, u || '@demo.example', u || '@demo.example', $2, 'none', $2, $2 "
            "FROM unnest($1::uuid[]) u",
            ids,
            now,
        )
        await self._connection.execute(
            "INSERT INTO user_roles (user_id, role, granted_at) SELECT u, 'customer', $2 FROM unnest($1::uuid[]) u",
            ids,
            now,
        )
        await self._connection.execute(
            "INSERT INTO sessions (id, user_id, credential, epoch, created_at, last_seen_at, expires_at) "
            "SELECT s, u, 'bearer', 0, $3, $3, $4 FROM unnest($1::uuid[], $2::uuid[]) x(s, u)",
            [one.session_id for one in self.people],
            ids,
            now,
            now + timedelta(days=30),
        )
        await self._connection.execute(
            "INSERT INTO totp_factors (user_id, secret, created_at, confirmed_at) "
            "SELECT u, s, $3, $3 FROM unnest($1::uuid[], $2::bytea[]) x(u, s)",
            ids,
            [self._keys.seal_seed(id_, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP") for id_ in ids],
            now,
        )

    async def _fund(self) -> None:
        for kind in KINDS:
            postings = [
                Posting(
                    f"bench:{one.id}:{kind.asset}",
                    (
                        Transfer(
                            house("wallet:hot", kind.asset, kind.network),
                            customer(one.id, "available", kind.asset),
                            FUNDS,
                            "bench funding",
                        ),
                    ),
                    "bench",
                    one.id,
                )
                for one in self.people
            ]
            outcomes = await ledger.post(self._connection, postings)
            assert set(outcomes) == {Outcome.POSTED}, "every customer is funded"

    async def orders(self, many: int) -> list[Order]:
        """So many open quotes, each with the destination its owner will give, in the order they will be asked for."""
        made = [self._one() for _ in range(many)]
        now = utcnow()
        for kind in KINDS:
            await self._quote(kind, [order for order in made if order.kind is kind], now)
        return made

    def _one(self) -> Order:
        who, kind = self._order.choice(self.people), self._order.choice(KINDS)
        address = self._order.choice(who.destinations[kind.network])
        return Order(uuid7(), who, kind, address, str(uuid.uuid4()))

    async def _quote(self, kind: Kind, orders: Sequence[Order], now: datetime) -> None:
        rest = iter(orders)
        while part := list(islice(rest, 5_000)):
            await self._connection.execute(
                _QUOTES,
                [order.quote_id for order in part],
                [order.who.id for order in part],
                [order.address for order in part],
                kind.asset,
                kind.network,
                Decimal(kind.debit),
                Decimal(kind.deliver),
                Decimal(kind.fee),
                Decimal(kind.usd_units),
                now + LIFE,
                now,
                json.dumps(shown(kind, now)),
            )

    def requests(self, orders: Sequence[Order]) -> list[bytes]:
        """Whole HTTP requests with access tokens that are valid for the next minutes."""
        tokens = self._present()
        return [http_request(self._port, PATH, tokens[order.who.id], order.key, order.body()) for order in orders]

    def asking(self, path: str, asked: Sequence[tuple[Someone, bytes]]) -> list[bytes]:
        """Whole HTTP requests of other kinds: who asks, and the body."""
        tokens = self._present()
        return [http_request(self._port, path, tokens[who.id], str(uuid.uuid4()), body) for who, body in asked]

    def tokens(self) -> dict[uuid.UUID, str]:
        """Everybody's access token, valid for the next minutes."""
        return self._present()

    def _present(self) -> dict[uuid.UUID, str]:
        """Everybody's access token, renewed as a client renews it: when half of its five minutes are over."""
        now = utcnow()
        if self._made is None or now - self._made[0] > RENEWED_AFTER:
            make = self._tokens.make
            self._made = now, {one.id: make(user_id=one.id, session_id=one.session_id, now=now) for one in self.people}
        return self._made[1]


_QUOTES = """
INSERT INTO quotes (id, user_id, kind, side, from_asset, to_asset, network, speed, address, debit_units, deliver_units,
                    rate, fee_network_units, fee_service_units, fee_spread_units, network_fee_max_units, route,
                    usd_units, review_needed, arrives_earliest_seconds, arrives_latest_seconds, shown, state,
                    reserved_usd_units, expires_at, created_at, version)
SELECT q, u, 'withdrawal', 'exact_out', $4, $4, $5, 'standard', a, $6::units, $7::units, '1', $8::numeric, 0, 0,
       $8::numeric * 2, '[]', $9::units, false, 30, 120,
       $12::jsonb || jsonb_build_object('id', q, 'address', a), 'open', 0, $10, $11, 1
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) x(q, u, a)
"""


def shown(kind: Kind, now: datetime) -> dict[str, object]:
    """The quote as its owner was shown it: the row carries it, so it has the shape and the size of a real one."""
    arrives = {"earliest": time_text(now + timedelta(seconds=30)), "latest": time_text(now + timedelta(seconds=120))}
    debit = AmountOut.units(kind.asset, kind.debit).model_dump(mode="json")
    deliver = AmountOut.units(kind.asset, kind.deliver).model_dump(mode="json")
    fee = AmountOut.units(kind.asset, kind.fee).model_dump(mode="json")
    made = QuoteOut.model_validate(
        {
            "id": uuid.UUID(int=0),
            "kind": "withdrawal",
            "side": "exact_out",
            "from_asset": kind.asset,
            "to_asset": kind.asset,
            "network": kind.network,
            "speed": "standard",
            "address": "",
            "beneficiary_id": None,
            "debit": debit,
            "deliver": deliver,
            "rate": "1",
            "fees": [{"kind": "network", "amount": fee}],
            "total_cost": {
                "amount": fee,
                "share": "0.0476",
                "estimate": {"currency": "USD", "amount": "1.25", "as_of": time_text(now)},
            },
            "route": [],
            "arrives_by": arrives,
            "limits": [
                {"name": "per_withdrawal", "left": "10000.00", "currency": "USD", "resets_at": None},
                {"name": "daily", "left": "50000.00", "currency": "USD", "resets_at": time_text(now)},
            ],
            "review": {"needed": False, "usual_minutes": None},
            "warnings": [],
            "speeds": [
                {"speed": speed, "debit": debit, "deliver": deliver, "arrives_by": arrives}
                for speed in ("economy", "standard", "fast")
            ],
            "refund_rule": {},
            "expires_at": time_text(now + LIFE),
            "created_at": time_text(now),
            "state": "open",
        }
    )
    return made.model_dump(mode="json")


def http_request(port: int, path: str, token: str, key: str, body: bytes) -> bytes:
    """One keyed JSON POST as a client's HTTP library would send it."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\nUser-Agent: bench\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _strangers() -> BitcoinChain:
    """Somebody else's keys: a source of well-formed addresses that are not ours."""
    seed = make_seed(1_700_000_000)
    external, internal = BitcoinVault(seed, "regtest").public_descriptors()
    settings = NetworkSettings(kind="bitcoin", chain="regtest")
    return BitcoinChain("bitcoin", settings, BitcoinKeys("regtest", external, internal), seed.born)


async def verify(connection: asyncpg.Connection, orders: Sequence[Order]) -> int:
    """Each of these was answered 201: it has one withdrawal, one hold of its debit, its key, and its quote is used up.

    Answers with the number of commits that carried them: a batch has one time.
    """
    found = await connection.fetchrow(_VERIFY, [order.quote_id for order in orders], [order.key for order in orders])
    assert found is not None
    counts = dict(found)
    commits: int = counts.pop("commits")
    for name, count in counts.items():
        assert count == len(orders), f"{len(orders)} were accepted, but {name} counts {count}"
    return commits


_VERIFY = """
WITH asked AS (SELECT q, k FROM unnest($1::uuid[], $2::text[]) x(q, k)),
     rows AS (SELECT a.q, a.k, w.id, w.user_id, w.debit_units, w.state FROM asked a JOIN withdrawals w ON w.quote_id = a.q)
SELECT (SELECT count(*) FROM rows WHERE state = 'pending_verification') AS withdrawals,
       (SELECT count(*) FROM rows r JOIN ledger_transfers t ON t.key = 'withdrawal:' || r.id || ':hold' AND t.n = 1
        AND t.units = r.debit_units) AS holds,
       (SELECT count(*) FROM rows r JOIN idempotency_keys i ON i.user_id = r.user_id
        AND i.operation = 'withdrawals_create' AND i.key = r.k AND (i.answer::jsonb)->>'id' = r.id::text) AS keys,
       (SELECT count(*) FROM rows r JOIN quotes q ON q.id = r.q AND q.state = 'accepted' AND q.used_by = r.id) AS quotes,
       (SELECT count(*) FROM rows r JOIN withdrawal_events e ON e.withdrawal_id = r.id AND e.version = 1) AS events,
       (SELECT count(DISTINCT t.posted_at) FROM rows r JOIN ledger_transfers t ON t.key = 'withdrawal:' || r.id || ':hold'
        AND t.n = 1) AS commits
"""
