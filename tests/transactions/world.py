"""The house with chains in memory: people with authenticators, prices, a signer that does as it is told, and a worker."""

import dataclasses
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyotp
from sqlalchemy import text

from tests.transactions.chains import MemoryBitcoin, MemoryEvm, raw_of, txid_of
from tidegate.auth import factors
from tidegate.auth.accounts import create_user
from tidegate.auth.gate import Gate, open_gate
from tidegate.auth.rules import Credential
from tidegate.auth.subject import Subject
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.port import Chain
from tidegate.config import Settings
from tidegate.database import Database, new_id, utcnow
from tidegate.exchange import rules as exchange
from tidegate.exchange import store as quotes
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import Arrival, Caps, Charges, Offer, QuoteKind, QuoteSide, QuoteState
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.balances import balance, balances_of
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import AccountRef, Posting, Transfer, customer, house
from tidegate.markets.books import Markets
from tidegate.money import Rate, asset
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import (
    Answer,
    Approved,
    Authorisation,
    Denied,
    Failed,
    Fence,
    Intent,
    Known,
    Payout,
    SignCancel,
    SignColdEvm,
    SignedBytes,
    SignedLately,
    SignerStatus,
    SignMove,
    SignSweep,
)
from tidegate.transactions import audit, payouts, pipeline, request, withdraw
from tidegate.transactions.office import Office
from tidegate.transactions.request import Asked
from tidegate.treasury.fees import Fees
from tidegate.treasury.inventory import fund
from tidegate.treasury.spend import Spender
from tidegate.wallets import addresses
from tidegate.wallets import pipeline as wallets
from tidegate.wallets.cashier import Cashier

STRANGER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BITCOIN_STRANGER = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
NETWORK = {"BTC": "bitcoin", "ETH": "ethereum", "USDT": "ethereum", "USDC": "ethereum"}
MAX_FEE = {"ethereum": 10**16, "bitcoin": 100_000}
STEP = 30
HOT, COLD = "the hot address itself", "cold storage"

STEPS = (
    pipeline.screen_step,
    pipeline.approve_step,
    payouts.prepare_step,
    payouts.sign_step,
    payouts.broadcast_step,
    payouts.confirm_step,
)


class Killed(BaseException):
    """The process ends here: nothing after it runs, no lease is given back."""


class ScriptedSigner(SignerDoor):
    """Signs as the real one does (same request, same bytes; one transaction a payout), unless told otherwise."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere.sock"))
        self.answer: Denied | Failed | None = None
        self.loses_answers = 0
        """So many of the next answers are lost after it has signed."""
        self.journal: dict[str, list[bytes]] = {}
        self.asked_for: dict[str, Payout] = {}
        self.refused: set[str] = set()
        """Addresses whose payouts it denies, without saying which."""
        self.asked = 0
        self.fences: dict[str, int] = {}

    def _sign(
        self, payouts: Sequence[tuple[Intent, Authorisation]], fields: dict[str, Any], fee_units: int, replaces: str
    ) -> Answer:
        self.asked += 1
        if self.answer is not None:
            return self.answer
        raw = raw_of(fields)
        for intent, authorisation in payouts:
            if (authorisation.digest, authorisation.user_id) != (intent.digest(), intent.user_id):
                return Denied("digest_mismatch", "the authorisation is for something else")
            if intent.address in self.refused:
                return Denied("above_cap", "a payout is above the largest payout")
        for intent, authorisation in payouts:
            self.asked_for.setdefault(intent.payout_id, Payout(intent, authorisation))
            signed = self.journal.setdefault(intent.payout_id, [])
            if raw not in signed:
                if signed and replaces not in {txid_of(one) for one in signed}:
                    return Denied("second_transaction", "this payout has other bytes", signed=True)
                signed.append(raw)
        if self.loses_answers > 0:
            self.loses_answers -= 1
            return Failed("the signer did not answer in time")
        return Approved(raw, txid_of(raw), fee_units)

    async def sign_bitcoin(
        self,
        payouts: Sequence[tuple[Intent, Authorisation]],
        psbt: str,
        *,
        replaces: str = "",
        under: Fence | None = None,
    ) -> Answer:
        if (old := self._old(under)) is not None:
            return old
        plan = json.loads(psbt)
        return self._sign(payouts, plan, plan["fee"], replaces)

    async def sign_evm(
        self,
        intent: Intent,
        authorisation: Authorisation,
        *,
        nonce: int,
        gas: int,
        max_fee_per_gas: int,
        max_priority_fee_per_gas: int,
        chain_id: int,
        replaces: str = "",
        under: Fence | None = None,
    ) -> Answer:
        if (old := self._old(under)) is not None:
            return old
        fields = {
            "asset": intent.asset,
            "address": intent.address,
            "units": intent.deliver_units,
            "nonce": nonce,
            "max_fee": max_fee_per_gas,
        }
        return self._sign([(intent, authorisation)], fields, gas * max_fee_per_gas, replaces)

    def _old(self, under: Fence | None) -> Denied | None:
        """No for whoever was overtaken."""
        assert under is not None, "a request that names no lease"
        if under.number < self.fences.get(under.set_id, 0):
            return Denied("old_fence", "somebody else has taken this set over")
        self.fences[under.set_id] = under.number
        return None

    async def sign_move(self, move: SignMove, *, under: Fence | None = None) -> Answer:
        """A cancellation sends nothing to ourselves, dearer, at the nonce of what it replaces; others go where they go."""
        if (old := self._old(under)) is not None:
            return old
        self.asked += 1
        if self.answer is not None:
            return self.answer
        if isinstance(move, SignColdEvm | SignSweep):
            raw = raw_of(
                {
                    "asset": move.asset,
                    "address": COLD if isinstance(move, SignColdEvm) else HOT,
                    "units": move.units,
                    "nonce": move.nonce,
                    "max_fee": move.max_fee_per_gas,
                }
            )
            return Approved(raw, txid_of(raw), move.gas * move.max_fee_per_gas)
        assert isinstance(move, SignCancel)
        for signed in self.journal.values():
            before = {txid_of(raw): json.loads(raw) for raw in signed}
            if move.replaces not in before:
                continue
            assert move.gas == 21_000
            assert move.nonce == before[move.replaces]["nonce"]
            assert all(8 * move.max_fee_per_gas >= 9 * one["max_fee"] for one in before.values())
            raw = raw_of(
                {"asset": "ETH", "address": HOT, "units": 0, "nonce": move.nonce, "max_fee": move.max_fee_per_gas}
            )
            signed.append(raw)
            return Approved(raw, txid_of(raw), move.gas * move.max_fee_per_gas)
        return Denied("wrong_replacement", "what it says it replaces was never signed")

    async def signed_lately(self) -> SignedLately | Failed:
        made_for: dict[str, list[str]] = {}
        for payout, signed in self.journal.items():
            for raw in signed:
                made_for.setdefault(txid_of(raw), []).append(payout)
        return SignedLately(tuple(Known(txid, tuple(ids)) for txid, ids in made_for.items()))

    async def signed_bytes(self, txid: str) -> SignedBytes | Denied | Failed:
        made_for = [payout for payout, signed in self.journal.items() if txid in map(txid_of, signed)]
        raws = [raw for one in made_for for raw in self.journal[one] if txid_of(raw) == txid]
        if not raws:
            return Denied("malformed", "no such transaction was signed")
        return SignedBytes(txid, raws[0], 0, tuple(self.asked_for[one] for one in made_for))

    async def status(self) -> SignerStatus | Failed:
        return SignerStatus(False, ("bitcoin", "ethereum"), len(self.journal), "")


@dataclass
class Someone:
    """A customer with an authenticator."""

    subject: Subject
    seed: str
    used: int = 0

    @property
    def id(self) -> uuid.UUID:
        return self.subject.user_id

    def code(self, now: datetime) -> str:
        """The first code after those that were given out; it counts within a step of now."""
        self.used = max(self.used + 1, int(now.timestamp()) // STEP - 1)
        return pyotp.HOTP(self.seed).at(self.used)


@dataclass
class World:
    db: Database
    lane: Lane
    settings: Settings
    drivers: tuple[BitcoinChain, EvmChain]
    """Real ones, made once and never asked: what the chains in memory take their addresses and rules from."""
    superuser_db: Database
    """The same database, for what only a falsifier does."""
    gate: Gate = field(init=False)
    evm: MemoryEvm = field(init=False)
    bitcoin: MemoryBitcoin = field(init=False)
    signer: ScriptedSigner = field(default_factory=ScriptedSigner)
    office: Office = field(init=False)
    spender: Spender = field(init=False)

    async def open(self) -> "World":
        self.gate = open_gate(self.db, self.settings)
        self.bitcoin, self.evm = MemoryBitcoin(self.drivers[0]), MemoryEvm(self.drivers[1])
        self.furnish(self.settings)
        await wallets.extend(self.db, self.bitcoin)
        await wallets.extend(self.db, self.evm)
        return self

    def furnish(self, settings: Settings) -> None:
        """An office and a spender under these settings."""
        self.settings = settings
        chains: dict[str, Chain] = {"bitcoin": self.bitcoin, "ethereum": self.evm}
        markets, fees = Markets({}, settings), Fees(chains, settings.networks)
        desk = Desk(db=self.db, lane=self.lane, markets=markets, venues={}, fees=fees, chains=chains, settings=settings)
        self.office = Office(
            db=self.db,
            lane=self.lane,
            settings=settings,
            chains=chains,
            fees=fees,
            desk=desk,
            cashier=Cashier(self.db, settings, chains),
        )
        self.spender = Spender(db=self.db, chains=chains, networks=settings.networks, fees=fees, signer=self.signer)

    # --- people and money --------------------------------------------------------------------------------------

    async def someone(self, *, enrolled: bool = True, **holds: int) -> Someone:
        """A customer with these base units available, backed by coins on the chains."""
        seed = pyotp.random_base32()
        async with self.db.transaction() as session:
            user_id = await create_user(
                session, email=f"{uuid.uuid4().hex}@example.com", password="a lamp in the fog", memory_kib=1024
            )
            if enrolled:
                await factors.enrol(session, user_id=user_id, seed=seed, now=utcnow())
        subject = Subject(
            user_id=user_id,
            email="",
            roles=frozenset({"customer"}),
            permissions=frozenset(),
            credential=Credential.BEARER,
            session_id=uuid.uuid4(),
            enrolled=enrolled,
            frozen=False,
            second_factor_at=None,
        )
        for code, units in holds.items():
            await self.give(user_id, code, units)
        return Someone(subject, seed)

    async def give(self, user_id: uuid.UUID, code: str, units: int) -> None:
        """A finished deposit."""
        chain = self.evm if code != "BTC" else self.bitcoin
        async with self.db.transaction() as session:
            found, _ = await addresses.give(
                session, chain=chain, terms=self.settings.networks[chain.network], user_id=user_id, asset=code
            )
        if code == "BTC":
            self.bitcoin.receive(found.address, units, change=False)
        else:
            self.evm.deposited[code] += units
        move = Transfer(
            house("wallet:deposit", code, chain.network), customer(user_id, "available", code), units, "deposit"
        )
        assert (await self.lane.submit(Posting(f"deposit:{uuid.uuid4()}", (move,), "deposit", user_id))).posted

    async def stock(self, **units: int) -> None:
        """Capital in the hot wallets, on the chain and in the books."""
        for code, amount in units.items():
            if code == "BTC":
                self.bitcoin.receive(self.bitcoin.hot_address, amount, change=True)
            else:
                self.evm.hot[code] += amount
            key = f"stock:{uuid.uuid4()}"
            assert (await fund(self.lane, house("wallet:hot", code, NETWORK[code]), amount, key=key)).posted

    async def available(self, user_id: uuid.UUID, code: str) -> tuple[int, int]:
        """(available, held)."""
        async with self.db.reading() as session:
            found = (await balances_of(session, user_id)).get(code)
        return (found.available, found.held) if found else (0, 0)

    async def balance(self, ref: AccountRef) -> int:
        async with self.db.reading() as session:
            return await balance(session, ref)

    # --- prices ------------------------------------------------------------------------------------------------

    async def offer(
        self,
        who: Someone,
        code: str = "USDT",
        *,
        deliver: int = 25_000_000,
        fee: int = 1_000_000,
        paying: str | None = None,
        rate: str = "60000",
        usd_units: int | None = 25_000_000,
        **more: Any,
    ) -> Offer:
        """A firm price for `deliver` units of `code` on its network, stored as quoting stores it. `paying` converts."""
        source, target = asset(paying or code), asset(code)
        if paying is None:
            figures = exchange.plain(QuoteSide.EXACT_OUT, deliver, fee)
        else:
            charges = Charges(spread=Fraction(2, 1000), service=Fraction(1, 1000))
            figures = exchange.exact_out(deliver, fee, charges, Rate.parse(rate), source, target)
        now = utcnow()
        found = Offer(
            id=new_id(),
            user_id=who.id,
            kind=QuoteKind.WITHDRAWAL,
            side=QuoteSide.EXACT_OUT,
            from_asset=source.code,
            to_asset=target.code,
            network=NETWORK[code],
            speed="standard",
            address=None,
            beneficiary_id=None,
            figures=figures,
            network_fee_max_units=MAX_FEE[NETWORK[code]],
            mid=None,
            mid_at=None,
            route=(),
            hedges=(),
            usd_units=usd_units,
            review_needed=False,
            arrives=Arrival(10, 60),
            state=QuoteState.OPEN,
            used_by=None,
            reserved_usd_units=0 if paying is None else 25_000_000,
            uncovered_usd_units=0,
            promised_units=0,
            expires_at=now + timedelta(seconds=60),
            created_at=now,
        )
        found = dataclasses.replace(found, **more)
        reserved = quotes.reserve(found, Caps(10**15, 10**15, 10**15))
        assert (await self.lane.write([quotes.insert_quote(found, {}), *reserved])).posted
        return found

    # --- what a customer does ----------------------------------------------------------------------------------

    async def request(
        self,
        who: Someone,
        offer: Offer,
        *,
        address: str | None = None,
        key: str | None = None,
        reference: str | None = None,
        digest: str = "body",
        now: datetime | None = None,
        **more: Any,
    ) -> Stored:
        to = address or (BITCOIN_STRANGER if offer.network == "bitcoin" else STRANGER)
        asked = Asked(quote_id=offer.id, address=to, beneficiary_id=None, reference=reference)
        asked = dataclasses.replace(asked, **more)
        keyed = Keyed(key or uuid.uuid4().hex, digest)
        return await request.request(self.office, who.subject, asked, keyed, now or utcnow())

    async def verify(self, who: Someone, withdrawal_id: uuid.UUID, code: str | None = None) -> None:
        now = utcnow()
        if code is None:
            code = await self._fresh_code(who, now)
        await withdraw.verify(self.office, who.subject, withdrawal_id, code, Keyed(None, ""), now)

    async def _fresh_code(self, who: Someone, now: datetime) -> str:
        """A code that counts; when this minute's are used up, they are made to count again."""
        if who.used > int(now.timestamp()) // STEP:
            await self.by_force("DELETE FROM totp_uses WHERE user_id = :user", user=who.id)
            await self.by_force("UPDATE totp_factors SET last_step = 0 WHERE user_id = :user", user=who.id)
            who.used = 0
        return who.code(now)

    async def cancel(self, who: Someone, withdrawal_id: uuid.UUID) -> None:
        await withdraw.cancel(self.office, who.subject, withdrawal_id, utcnow())

    async def asked(self, who: Someone, code: str = "USDT", **offer: Any) -> uuid.UUID:
        """A requested withdrawal, not verified."""
        return uuid.UUID((await self.request(who, await self.offer(who, code, **offer))).body["id"])

    async def verified(self, who: Someone, code: str = "USDT", **offer: Any) -> uuid.UUID:
        found = await self.asked(who, code, **offer)
        await self.verify(who, found)
        return found

    # --- the worker --------------------------------------------------------------------------------------------

    async def soon(self, *, leases: bool = False) -> None:
        """Time passes: everything that waits is due; with `leases`, what a dead worker held is free."""
        free = ", lease_until = NULL" if leases else ""
        async with self.db.transaction() as session:
            for table in ("withdrawals", "attempt_sets"):
                await session.execute(text(f"UPDATE {table} SET due_at = now() - interval '1 second'{free}"))

    async def turn(self, *, mine: int = 0) -> int:
        """Every step of a worker once, the last one first: each withdrawal goes one step. How much was found to do."""
        await self.soon()
        found = 0
        for step in reversed(STEPS):
            found += await step(self.office, self.spender)
        if mine:
            self.evm.mine(mine)
            self.bitcoin.mine(mine)
        return found

    async def until(self, withdrawal_id: uuid.UUID, state: str, sub_status: str | None = None) -> None:
        """Work, with a block after each turn, until it stands there."""
        for _ in range(15):
            if await self.standing(withdrawal_id) == (state, sub_status):
                return
            await self.turn(mine=1)
        raise AssertionError(f"it stands at {await self.standing(withdrawal_id)}, wanted {(state, sub_status)}")

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.db.reading() as session:
            return list((await session.execute(text(sql), values)).all())

    async def one(self, sql: str, **values: Any) -> Any:
        ((found,),) = await self.rows(sql, **values)
        return found

    async def standing(self, withdrawal_id: uuid.UUID) -> tuple[str, str | None]:
        ((state, sub_status),) = await self.rows(
            "SELECT state, sub_status FROM withdrawals WHERE id = :id", id=withdrawal_id
        )
        return state, sub_status

    async def sql(self, statement: str, **values: Any) -> None:
        async with self.db.transaction() as session:
            await session.execute(text(statement), values)

    async def by_force(self, *statements: str, **values: Any) -> None:
        """As somebody with the database's own password: triggers and foreign keys look away."""
        async with self.superuser_db.transaction() as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                await session.execute(text(statement), values)

    async def books(self) -> audit.Report:
        return await audit.run(self.office, now=utcnow())

    async def exact(self) -> None:
        """The books are exact, or the test fails with what they say."""
        report = await self.books()
        assert report.verdict == "exact", report.to_json()
