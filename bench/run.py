"""Measures a running system from outside and writes bench/results.json.

`make bench` starts a system of its own; `--data DIR` measures one that runs. Every number comes from the public API, on
this machine, with everything (nodes, venue, database, clients) on it: it says what this machine did, not what another
one can do. Targets that need other machines are not judged here.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.customer import Customer, fresh_key
from tests.stack import Stack, load, start, stop

RESULTS = Path(__file__).parent / "results.json"
COMMAND = "make bench"
QUOTES = 200
WITHDRAWALS = 100
AT_ONCE = 8
PLAIN = {"kind": "withdrawal", "from_asset": "USDT", "to_asset": "USDT", "network": "ethereum", "side": "exact_out"}
CONVERTING = {**PLAIN, "from_asset": "BTC"}


@dataclass(frozen=True)
class Measure:
    """One number; `target` and `holds` are null where nothing was promised for a machine like this."""

    id: str
    value: float
    unit: str
    target: str | None
    holds: bool | None
    command: str = COMMAND


def machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cpus": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "system": platform.system(),
        "commit": commit.stdout.strip() or None,
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


def percentile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


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
        Measure("read_p50", round(percentile(base, 0.5) * 1000, 2), "ms", None, None),
        Measure("quote_p50", round(percentile(priced, 0.5) * 1000, 2), "ms", None, None),
        Measure("quote_p99", round(p99 * 1000, 2), "ms", None, None),
        Measure("quote_p99_to_read_p99", round(p99 / percentile(base, 0.99), 2), "ratio", None, None),
        Measure("quotes_per_second", round(await flood(quote, QUOTES, AT_ONCE), 1), "1/s", None, None),
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
        Measure("withdrawals_per_second", round(rate, 1), "1/s", None, None),
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
        Measure("verify_to_broadcast", round(sent, 2), "s", None, None),
        Measure("verify_to_completed", round(time.perf_counter() - before, 2), "s", None, None),
    ]


def resident(stack: Stack) -> list[Measure]:
    """Resident memory of our own Python processes together; the issue promises 600 MiB."""
    ours = [
        int(stack.ready["pid"]),
        *(pid for part in ("api", "worker", "signer", "venue") for pid in stack.processes(part)),
    ]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in set(ours))
    mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return [Measure("python_resident", round(mib), "MiB", "at most 600", mib <= 600)]


async def measure(data: Path) -> list[Measure]:
    stack = load(data)
    try:
        customer = await stack.customer(BTC="0.05", USDT="1000")
        found = await quotes(customer)
        found += await withdrawals(stack, customer)
        found += await payout(stack)
        found += resident(stack)
        code, _ = await stack.audit()
        found.append(Measure("books_exact_after", float(code == 0), "1 is exact", "1", code == 0))
        return found
    finally:
        await stack.close()


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--data", type=Path, help="the data folder of a running `tidegate up`")
    reader.add_argument("--out", type=Path, default=RESULTS)
    asked = reader.parse_args()
    if asked.data:
        found = asyncio.run(measure(asked.data))
    else:
        with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
            started = time.perf_counter()
            process = start(Path(folder))
            ready = Measure("ready_after", round(time.perf_counter() - started, 1), "s", None, None)
            try:
                found = [ready, *asyncio.run(measure(Path(folder)))]
            finally:
                stop(process)
    document = {"machine": machine(), "measures": [asdict(one) for one in found]}
    asked.out.write_text(json.dumps(document, indent=1) + "\n")
    for one in found:
        print(
            f"{one.id:28} {one.value:>10} {one.unit:24} {'' if one.holds is None else ('holds' if one.holds else 'does not hold')}"
        )
    return 0 if all(one.holds is not False for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
