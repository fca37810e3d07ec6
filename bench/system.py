"""A running sandbox measured from outside, through its public API: the section `system`.

Everything (nodes, venue, database, clients) is on this machine, so the numbers say what this machine did. Targets that
need other machines are not judged here.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.results import Measure, measured, section_command
from bench.windows import Stopwatch, percentile
from tests.customer import Customer, fresh_key
from tests.stack import Stack, load, start, stop

SECTION = "system"
QUOTES = 200
WITHDRAWALS = 100
AT_ONCE = 8
PLAIN = {"kind": "withdrawal", "from_asset": "USDT", "to_asset": "USDT", "network": "ethereum", "side": "exact_out"}
CONVERTING = {**PLAIN, "from_asset": "BTC"}


async def timed(work: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Seconds of each of `times` calls, one after the other, ascending."""
    found = []
    for _ in range(times):
        before = time.perf_counter()
        await work()
        found.append(time.perf_counter() - before)
    return sorted(found)


async def flood(work: Callable[[], Awaitable[object]], times: int, at_once: int) -> float:
    """Calls a second with `at_once` callers."""
    left = iter(range(times))

    async def caller() -> None:
        for _ in left:
            await work()

    before = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return times / (time.perf_counter() - before)


async def quotes(customer: Customer) -> list[Measure]:
    """A converting quote beside the cheapest read that is signed in: what the pricing adds to a request."""

    async def read() -> None:
        await customer.get("/auth/me")

    async def quote() -> None:
        await customer.quote(**CONVERTING, amount="5")

    await timed(read, 20)
    await timed(quote, 20)
    base, priced = await timed(read, QUOTES), await timed(quote, QUOTES)
    p99 = percentile(priced, 0.99)
    return [
        _measure("read_p50", percentile(base, 0.5) * 1000, "ms"),
        _measure("quote_p50", percentile(priced, 0.5) * 1000, "ms"),
        _measure("quote_p99", p99 * 1000, "ms"),
        _measure("quote_p99_to_read_p99", p99 / percentile(base, 0.99), "ratio"),
        _measure("quotes_per_second", await flood(quote, QUOTES, AT_ONCE), "1/s", digits=1),
    ]


async def withdrawals(stack: Stack, customer: Customer) -> list[Measure]:
    """Acceptances (hold, key, row and event in one commit) a second, each with its own quote made beforehand."""
    address = await stack.new_address("ethereum")
    made = [await customer.quote(**PLAIN, amount="5") for _ in range(WITHDRAWALS)]
    ready = iter(made)
    accepted: list[str] = []

    async def accept() -> None:
        body = {"quote_id": next(ready)["id"], "address": address}
        accepted.append((await customer.post("/transactions/withdrawals", body, key=fresh_key()))["id"])

    rate = await flood(accept, WITHDRAWALS, AT_ONCE)
    assert len(accepted) == WITHDRAWALS, "every acceptance counts once"
    await asyncio.gather(*(customer.post(f"/transactions/withdrawals/{id_}/cancel") for id_ in accepted))
    return [
        _measure("withdrawals_per_second", rate, "1/s", digits=1),
    ]


async def payout(stack: Stack) -> list[Measure]:
    """Verify to `completed`, blocks coming as they do in the sandbox: 3 confirmations of 2 s blocks."""
    customer = await stack.customer(USDT="60")
    customer.hurry = None
    withdrawal = await customer.withdraw(await customer.quote(**PLAIN, amount="5"), await stack.new_address("ethereum"))
    await customer.verify(withdrawal)
    before = time.perf_counter()
    await customer.withdrawal_when(withdrawal["id"], lambda found: bool(found["attempts"]), "sent")
    sent = time.perf_counter() - before
    await customer.completed(withdrawal["id"])
    return [
        _measure("verify_to_broadcast", sent, "s"),
        _measure("verify_to_completed", time.perf_counter() - before, "s"),
    ]


def resident(stack: Stack) -> list[Measure]:
    """Resident memory of our own Python processes together; the issue promises 600 MiB."""
    ours = [
        int(stack.ready["pid"]),
        *(pid for part in ("api", "worker", "signer", "venue") for pid in stack.processes(part)),
    ]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in set(ours))
    mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    command = section_command(SECTION)
    return [
        Measure("python_resident", round(mib), "MiB", "at most 600", mib <= 600, command, "resident memory of Python")
    ]


async def measure(data: Path) -> list[Measure]:
    stack = load(data)
    try:
        customer = await stack.customer(BTC="0.05", USDT="1000")
        found = await quotes(customer)
        found += await withdrawals(stack, customer)
        found += await payout(stack)
        found += resident(stack)
        code, _ = await stack.audit()
        exact = code == 0
        command = section_command(SECTION)
        found.append(Measure("books_exact_after", float(exact), "(1: exact)", "1", exact, command, "books exact after"))
        return found
    finally:
        await stack.close()


def system(data: Path | None) -> list[Measure]:
    """Start a sandbox of its own, or measure the one whose data folder is given."""
    if data is not None:
        return asyncio.run(measure(data))
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        watch = Stopwatch()
        process = start(Path(folder))
        ready = _measure("ready_after", watch.seconds, "s", digits=1)
        try:
            return [ready, *asyncio.run(measure(Path(folder)))]
        finally:
            stop(process)


def _measure(id: str, value: float, unit: str, *, digits: int = 2) -> Measure:
    return measured(id, value, unit, SECTION, what=id.replace("_", " "), digits=digits)
