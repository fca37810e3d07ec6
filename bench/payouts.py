"""What paying out costs and how fast it goes: the section `payouts`, on a sandbox of its own, worker and signer included.

Two systems one after the other, alike but for one setting: batches of up to 100, and `batch_most = 1`, one transaction a
payout through the same code. Withdrawals are made over the API; their confirmation, which the house takes no part in,
is written by SQL for all at once, with the commit and the wake-up that a confirmation brings.
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import bdkpython as bdk
from rich.console import Console

from bench.bare import bare_payouts
from bench.results import Measure, judged, measured, ratio
from bench.sandbox import sandbox, settings_of
from bench.windows import Spread, percentile
from tests.customer import Customer, until
from tests.stack import Stack
from tidegate.outbox.events import WORK

SECTION = "payouts"
RATE = 50
"""sat/vB, that of the table in chains.md."""
COINS = 300
"""Coins of the hot wallet beforehand: a single payout must not wait for another one's change."""
AT_ONCE = 16
PAY = {"from_asset": "BTC", "to_asset": "BTC", "network": "bitcoin", "side": "exact_out", "kind": "withdrawal"}
ALONE = {
    "bitcoin": (PAY, "0.0002"),
    "ethereum": ({**PAY, "from_asset": "ETH", "to_asset": "ETH", "network": "ethereum"}, "0.002"),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    batched: int = 1000
    singly: int = 200
    alone: int = 40


QUICK = Sizes(batched=6, singly=3, alone=2)

_CONFIRM = """
WITH moved AS (
    UPDATE withdrawals SET state = 'pending_screening', version = version + 1, since = now(), due_at = now(),
        verified_at = now(), expected_by = now() + make_interval(secs => arrives_within),
        authorisation = jsonb_build_object('digest', digest, 'method', 'totp', 'user_id', user_id::text,
            'verified_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'evidence', 'bench')
    WHERE id = ANY($1::uuid[]) AND state = 'pending_verification' RETURNING id, version, since
), told AS (
    INSERT INTO withdrawal_events (withdrawal_id, version, at, state, by, state_before)
    SELECT id, version, since, 'pending_screening', 'you', 'pending_verification' FROM moved
)
SELECT count(*), pg_notify($2, 'withdrawal') FROM moved
"""
_SENT = """
SELECT extract(epoch FROM min(w.verified_at)) AS begun, extract(epoch FROM max(e.at)) AS ended, count(e.at) AS sent
FROM withdrawals w LEFT JOIN withdrawal_events e ON e.withdrawal_id = w.id AND e.state = 'confirming'
    AND e.version = (SELECT min(version) FROM withdrawal_events WHERE withdrawal_id = w.id AND state = 'confirming')
WHERE w.id = ANY($1::uuid[])
"""


async def payouts(sizes: Sizes, console: Console) -> list[Measure]:
    """Every measure of this section."""
    found: list[Measure] = []
    rates: dict[str, float] = {}
    for mode, most, count in (("batched", 100, sizes.batched), ("singly", 1, sizes.singly)):
        async with sandbox(
            {"BATCH_MOST": str(most), "BATCH_SECONDS__STANDARD": "5", "MIN_FEE_RATE": str(RATE)}
        ) as stack:
            customer = await stack.customer()
            await _coins(stack, customer)
            customer.hurry = None
            ids, addresses = await _accepted(stack, customer, count, PAY, "0.0002")
            rates[mode] = await _until_sent(stack, ids)
            console.print(f"{mode}: {count} payouts, {rates[mode]:,.1f} a second, {_memory_line(stack)}")
            found += await _sizes(stack, addresses, mode)
            found += _memory(stack, mode)
            if mode == "batched":
                found += await _alone(stack, customer, sizes.alone, console)
    batched, singly = Spread([rates["batched"]]), Spread([rates["singly"]])
    found.append(
        ratio(
            "payouts_batched_vs_singly",
            batched,
            singly,
            "at least 20",
            SECTION,
            what="BTC payouts/s, batched / one by one",
        )
    )
    found.append(
        measured("payouts_batched_rate", rates["batched"], "payouts/s", SECTION, what="BTC payouts, batches of 100")
    )
    found.append(
        measured("payouts_singly_rate", rates["singly"], "payouts/s", SECTION, what="BTC payouts, one a transaction")
    )
    return found


async def _coins(stack: Stack, customer: Customer) -> None:
    """Coins of 0.02 BTC at the customer's address, deep enough to be spent: many payments can be under way at once."""
    address = await customer.address("BTC", "bitcoin")
    for done in range(COINS):
        await stack.bitcoin("sendtoaddress", address, "0.02", wallet=True)
        if done % 20 == 19:
            await stack.mine("bitcoin")
    await stack.mine("bitcoin", 6)
    await until(lambda: _credited(customer), "the coins to be credited", within=120)


async def _credited(customer: Customer) -> Decimal | None:
    found = await customer.available("BTC")
    return found if found >= Decimal("0.02") * COINS else None


async def _accepted(
    stack: Stack, customer: Customer, count: int, asked: Mapping[str, str], amount: str
) -> tuple[list[str], list[str]]:
    """So many accepted withdrawals, each to an address of its own: their ids and addresses."""
    addresses = [await stack.new_address(asked["network"]) for _ in range(count)]
    ids: list[str] = []
    left = iter(addresses)

    async def accept() -> None:
        for address in left:
            quote = await customer.quote(**asked, amount=amount)
            ids.append((await customer.withdraw(quote, address))["id"])

    await asyncio.gather(*(accept() for _ in range(AT_ONCE)))
    return ids, addresses


async def _confirm(stack: Stack, ids: Sequence[str]) -> None:
    connection = await stack.database()
    try:
        moved = await connection.fetchval(_CONFIRM, ids, WORK)
        assert moved == len(ids), f"{moved} of {len(ids)} waited for a code"
    finally:
        await connection.close()


async def _until_sent(stack: Stack, ids: Sequence[str], *, within: float = 900) -> float:
    """Confirm them all in one commit; payouts a second from then until the last one was taken by the node.

    Blocks go on coming as they do in the sandbox: both ways of paying find the same chain.
    """
    await _confirm(stack, ids)
    connection = await stack.database()
    try:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            row = await connection.fetchrow(_SENT, ids)
            assert row is not None
            if row["sent"] == len(ids):
                return len(ids) / float(row["ended"] - row["begun"])
            await asyncio.sleep(0.2)
        waits = await connection.fetch(
            "SELECT state, sub_status, detail, count(*) FROM withdrawals WHERE id = ANY($1::uuid[]) GROUP BY 1, 2, 3",
            ids,
        )
        raise AssertionError(f"not all were sent: {[tuple(one) for one in waits]}")
    finally:
        await connection.close()


async def _sizes(stack: Stack, addresses: Sequence[str], mode: str) -> list[Measure]:
    """Virtual bytes a payout, from the signed bytes: of full batches, or of the payments of one."""
    scripts = {bytes(bdk.Address(one, bdk.Network.REGTEST).script_pubkey().to_bytes()) for one in addresses}
    connection = await stack.database()
    try:
        raws = await connection.fetch("SELECT raw FROM attempts WHERE network = 'bitcoin' AND raw IS NOT NULL")
    finally:
        await connection.close()
    each: list[float] = []
    for row in raws:
        transaction = bdk.Transaction(bytes(row["raw"]))
        paid = sum(bytes(output.script_pubkey.to_bytes()) in scripts for output in transaction.output())
        if paid and (mode == "singly" or paid == min(100, len(addresses))):
            each.append(transaction.vsize() / paid)
    assert each, f"no transaction of this kind among {len(raws)}"
    each.sort()
    median, limit = percentile(each, 0.5), 33 if mode == "batched" else 130
    what = f"virtual bytes a P2WPKH payout at {RATE} sat/vB, " + ("batch of 100" if mode == "batched" else "alone")
    span = (round(each[0], 1), round(each[-1], 1))
    return [judged(f"vbytes_{mode}", median, "vB", f"at most {limit}", SECTION, what=what, span=span)]


async def _alone(stack: Stack, customer: Customer, count: int, console: Console) -> list[Measure]:
    """One payout at a time, verify to broadcast; then the bare sum of the calls that it takes, on the same system."""
    await stack.fund(customer, "ETH", "2")
    ours: dict[str, list[float]] = {}
    for name, (asked, amount) in ALONE.items():
        ids, _ = await _accepted(stack, customer, count, {**asked, "speed": "fast"}, amount)
        ours[name] = sorted([1 / await _until_sent(stack, [one], within=60) for one in ids])
    found = await _exact(stack)
    settings = settings_of(stack)
    for name, above in ours.items():
        bare = sorted(await bare_payouts(stack, settings, name, count))
        console.print(f"{name}: ours {_ms(above)}, bare {_ms(bare)}")
        for share, target in ((0.5, "at most 3"), (0.99, "at most 6")):
            what = f"{name}: verify to broadcast, p{share * 100:.0f}, against the calls alone"
            measure = f"{name}_alone_p{share * 100:.0f}"
            found.append(
                ratio(
                    measure,
                    Spread([percentile(above, share)]),
                    Spread([percentile(bare, share)]),
                    target,
                    SECTION,
                    what=what,
                )
            )
        for kind, times in (("verify to broadcast", above), ("the calls alone", bare)):
            found.append(
                measured(
                    f"{name}_{kind[:3]}",
                    percentile(times, 0.5) * 1000,
                    "ms",
                    SECTION,
                    what=f"{name}: {kind}, p50",
                    digits=1,
                )
            )
    return found


async def _exact(stack: Stack) -> list[Measure]:
    code, report = await stack.audit()
    assert code == 0, report
    return [
        judged("payouts_books_exact", float(code == 0), "(1: exact)", "at least 1", SECTION, what="books exact after")
    ]


def _memory(stack: Stack, mode: str) -> list[Measure]:
    return [
        judged(f"{part}_resident_{mode}", _resident(stack, part), "MiB", "at most 250", SECTION,
               what=f"resident memory of the {part} after the payouts, {mode}")
        for part in ("worker", "signer")
    ]  # fmt: skip


def _resident(stack: Stack, part: str) -> float:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in stack.processes(part))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _memory_line(stack: Stack) -> str:
    return ", ".join(f"{part} {_resident(stack, part):.0f} MiB" for part in ("worker", "signer"))


def _ms(ascending: Sequence[float]) -> str:
    return f"p50 {percentile(ascending, 0.5) * 1000:.0f} ms, p99 {percentile(ascending, 0.99) * 1000:.0f} ms"
