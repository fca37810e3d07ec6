"""Clients of one process, and the record of what they were told. `python -m tests.concurrency.crowd` with an errand.

Some clients share the process's lane and have several submissions in flight; some post batches of their own over a
connection of their own. What they do is drawn from the errand's seed; what they were told depends on everybody else.
"""

import asyncio
import json
import random
import sys
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

import asyncpg

from tidegate.database import Database
from tidegate.ledger import store
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import AccountRef, Outcome, Posting, Side, Transfer, customer, house, transfers
from tidegate.ledger.wire import Ended, ended
from tidegate.outbox.events import changed

USERS = tuple(uuid.UUID(int=n) for n in range(1, 12))
ASSETS = ("BTC", "USDT")
NAMES: tuple[Literal["available", "held"], ...] = ("available", "held")
HOT = {asset: house("wallet:hot", asset, "bitcoin" if asset == "BTC" else "ethereum") for asset in ASSETS}
OPEN = {asset: house("liquidity", asset) for asset in ASSETS}
EARNED = {asset: house("charged:service", asset) for asset in ASSETS}
ACCOUNTS: tuple[AccountRef, ...] = tuple(
    account
    for asset in ASSETS
    for account in (
        HOT[asset],
        OPEN[asset],
        EARNED[asset],
        *(customer(user, name, asset) for user in USERS for name in NAMES),
    )
)
INDEX = {account: n for n, account in enumerate(ACCOUNTS)}
AT_ONCE = 8
BATCH = 100
CONTESTED = 200
"""Keys that everybody tries to post, each with something else."""


@dataclass(frozen=True)
class Errand:
    url: str
    seed: int
    process: int
    clients: int
    """Of this process; every fourth posts batches of its own."""
    submissions: int
    race: bool = False
    """Everybody takes from one account until it is empty."""


@dataclass
class Record:
    """What was acknowledged. Lists go by ACCOUNTS."""

    balances: list[int] = field(default_factory=lambda: [0] * len(ACCOUNTS))
    legs: list[int] = field(default_factory=lambda: [0] * len(ACCOUNTS))
    posted: list[str] = field(default_factory=list)
    """Keys."""
    bells: list[int] = field(default_factory=lambda: [0] * len(USERS))
    outcomes: Counter[str] = field(default_factory=Counter)

    def told(self, posting: Posting, outcome: Outcome, bell: int | None = None) -> None:
        self.outcomes[outcome.value] += 1
        if outcome is not Outcome.POSTED:
            return
        self.posted.append(posting.key)
        if bell is not None:
            self.bells[bell] += 1
        for transfer in posting.transfers:
            for account, side in ((transfer.debit, Side.DEBIT), (transfer.credit, Side.CREDIT)):
                self.balances[INDEX[account]] += transfer.units if account.kind.side is side else -transfer.units
                self.legs[INDEX[account]] += 1

    def add(self, other: "Record") -> None:
        self.balances = [a + b for a, b in zip(self.balances, other.balances, strict=True)]
        self.legs = [a + b for a, b in zip(self.legs, other.legs, strict=True)]
        self.bells = [a + b for a, b in zip(self.bells, other.bells, strict=True)]
        self.posted += other.posted
        self.outcomes += Counter(other.outcomes)


class Client:
    """Draws what it wants; remembers the keys it used."""

    def __init__(self, errand: Errand, number: int) -> None:
        self.name = f"{errand.process}.{number}"
        self.dice = random.Random(f"{errand.seed}:{self.name}")
        self.wanted = 0

    def draw(self) -> Posting:
        self.wanted += 1
        moves = self._moves()
        lot = self.dice.random()
        if lot < 0.03 and self.wanted > 1:  # one of its own again, with whatever
            key = f"{self.name}:{self.dice.randrange(1, self.wanted)}"
        elif lot < 0.06:
            key = f"contested:{self.dice.randrange(CONTESTED)}"
        else:
            key = f"{self.name}:{self.wanted}"
        return Posting(key, moves, "crowd", uuid.UUID(int=0))

    def _moves(self) -> tuple[Transfer, ...]:
        dice = self.dice
        asset, other = dice.sample(ASSETS, 2)
        user, friend = dice.sample(USERS, 2)
        available, held = customer(user, "available", asset), customer(user, "held", asset)
        units = dice.randrange(1, 50)
        lot = dice.random()
        if lot < 0.25:
            return transfers((HOT[asset], available, units, "deposit credited"))
        if lot < 0.50:
            return transfers((available, held, units, "withdrawal accepted"))
        if lot < 0.62:
            return transfers((held, available, units, "refund"))
        if lot < 0.72:
            return transfers((held, HOT[asset], units, "payout final"), (held, EARNED[asset], 1, "fee"))
        if lot < 0.84:
            return transfers((available, customer(friend, "available", asset), units, "internal transfer"))
        if lot < 0.96:
            return transfers(
                (available, OPEN[asset], units, "conversion executed"),
                (available, EARNED[asset], 1, "conversion executed"),
                (OPEN[other], customer(user, "available", other), 2 * units, "conversion executed"),
            )
        return transfers((available, held, 10**9, "more than anybody has"))


async def through_the_lane(lane: Lane, errand: Errand, number: int, record: Record) -> None:
    client = Client(errand, number)
    left = errand.submissions

    async def one(posting: Posting, bell: int | None) -> None:
        riders = [] if bell is None else [changed(USERS[bell], "balance", posting.object_id, 1)]
        record.told(posting, (await lane.submit(posting, riders)).outcome, bell)

    while left:
        drawn = [client.draw() for _ in range(min(AT_ONCE, left))]
        bells = [client.dice.randrange(len(USERS)) if client.dice.random() < 0.05 else None for _ in drawn]
        await asyncio.gather(*(one(posting, bell) for posting, bell in zip(drawn, bells, strict=True)))
        left -= len(drawn)


async def in_batches(errand: Errand, number: int, record: Record) -> None:
    client = Client(errand, number)
    connection = await asyncpg.connect(errand.url)
    left = errand.submissions
    while left:
        drawn = [client.draw() for _ in range(min(BATCH, left))]
        outcomes = await until_it_passes(lambda d=drawn: store.post(connection, d))  # type: ignore[misc]  # bound at definition
        for posting, outcome in zip(drawn, outcomes, strict=True):
            record.told(posting, outcome)
        left -= len(drawn)
    await connection.close()


async def until_it_passes(work: Callable[[], Awaitable[Sequence[Outcome]]]) -> Sequence[Outcome]:
    """Two that post one key at the same moment on other accounts meet at the key: one runs again."""
    while True:
        try:
            return await work()
        except asyncpg.PostgresError as error:
            found = ended(error)
            if not (isinstance(found, Ended) and found.transient):
                raise


async def take_all(lane: Lane, errand: Errand, number: int, record: Record) -> None:
    """In threes, and at the end one by one."""
    available, held = customer(USERS[0], "available", "BTC"), customer(USERS[0], "held", "BTC")
    units = 3
    for n in range(errand.submissions):
        posting = Posting(
            f"race:{errand.process}.{number}:{n}", transfers((available, held, units, "race")), "race", USERS[0]
        )
        outcome = (await lane.submit(posting)).outcome
        record.told(posting, outcome)
        if outcome is not Outcome.POSTED:
            if units == 1:
                return
            units = 1
    raise AssertionError("the account is not empty yet")


async def run(errand: Errand) -> Record:
    record = Record()
    db = Database(errand.url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=2)
    lane = Lane(db)
    try:
        if errand.race:
            await asyncio.gather(*(take_all(lane, errand, n, record) for n in range(errand.clients)))
        else:
            await asyncio.gather(
                *(
                    in_batches(errand, n, record) if n % 4 == 3 else through_the_lane(lane, errand, n, record)
                    for n in range(errand.clients)
                )
            )
    finally:
        await db.close()
    return record


async def send(errands: Sequence[Errand]) -> Record:
    """Each errand in a process of its own; all records together. The children end when this one is cancelled."""
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __spec__.name,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        )
        for _ in errands
    ]
    try:
        printed = await asyncio.gather(
            *(
                child.communicate(json.dumps(asdict(errand)).encode())
                for child, errand in zip(children, errands, strict=True)
            )
        )
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
                await child.wait()
    assert [child.returncode for child in children] == [0] * len(children)
    whole = Record()
    for told, _ in printed:
        whole.add(Record(**json.loads(told)))
    return whole


if __name__ == "__main__":
    json.dump(vars(asyncio.run(run(Errand(**json.load(sys.stdin))))), sys.stdout)
