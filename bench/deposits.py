"""How soon a deposit is there: the section `deposits`, on a sandbox of its own.

`many`: a thousand payments that the node learns of with their block, among 1,000 and then among 10,000 addresses. From
the moment the scan began that saw them to the last credit, beside the node's own `listsinceblock` over the same block.
`page`: a payment that the node has taken, until a Chromium that looks at the deposit page shows it.
"""

import asyncio
import statistics
import subprocess
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from playwright.async_api import async_playwright
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from bench.results import Measure, judged, measured, ratio
from bench.sandbox import node_of, sandbox, settings_of
from bench.windows import Spread, Stopwatch, percentile
from tests.browser.conftest import FLAGS
from tests.browser.visitor import ROOT, Visitor
from tests.customer import Customer, until
from tests.stack import Stack
from tidegate.chains.open import close_chains, open_chains
from tidegate.chains.public import load_public
from tidegate.config import NetworkSettings
from tidegate.wallets import addresses

SECTION = "deposits"
WATCH_WALLET = "tidegate"


_SHOWN = """
(amount) => new Promise((done) => {
  const look = () => document.querySelector('main').textContent.includes(amount) && done(Date.now());
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  look();
})
"""


# `detected_at` is when the scan began that stored the row; a posting's time is the ledger's own.
_CREDITED = """
SELECT count(*) AS n, extract(epoch FROM max(t.posted_at) - min(d.detected_at)) AS seconds FROM deposits d
JOIN ledger_transfers t ON t.key >= 'deposit:' || d.id || ':' AND t.key < 'deposit:' || d.id || ';'
WHERE d.block_hash = $1 AND d.credited_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    few: int = 1000
    many: int = 10_000
    paid: int = 1000
    rounds: int = 5
    seen: int = 100


QUICK = Sizes(few=5, many=10, paid=5, rounds=1, seen=2)


async def deposits(sizes: Sizes, console: Console) -> list[Measure]:
    """Every measure of this section."""
    # As often as an installation looks: the tests' systems look less often.
    often = str(NetworkSettings.model_fields["poll_seconds"].default)
    async with sandbox({"CONFIRMATIONS": "1", "BLOCK_SECONDS": "5", "POLL_SECONDS": often}) as stack:
        customer = await stack.customer()
        found = await _page(stack, customer, sizes.seen, console)
        await stack.sandbox("chaos", {"fault": "mining_paused", "on": True, "network": "bitcoin"})
        ours: dict[int, Spread] = {}
        node: dict[int, Spread] = {}
        handed: list[str] = []
        for count in (sizes.few, sizes.many):
            handed += await _hand_out(stack, customer, count - len(handed))
            ours[count], node[count] = Spread(), Spread()
            for _ in range(sizes.rounds):
                seconds, own = await _thousand(stack, handed[-sizes.paid :])
                ours[count].values.append(seconds)
                node[count].values.append(own)
            console.print(
                f"{sizes.paid} deposits among {count:,} addresses: {ours[count].text(2)} s, node {node[count].text(2)} s"
            )
        what = f"{sizes.paid:,} deposits in a block among {sizes.many:,} addresses: seen to credited / listsinceblock"
        found.append(
            ratio("deposits_many_vs_node", ours[sizes.many], node[sizes.many], "at most 3", SECTION, what=what)
        )
        what = f"the same among {sizes.many:,} addresses / among {sizes.few:,}"
        found.append(ratio("deposits_flat", ours[sizes.many], ours[sizes.few], "at most 1.25", SECTION, what=what))
        for name, spread in (("deposits_many", ours[sizes.many]), ("deposits_node", node[sizes.many])):
            told = f"{sizes.paid:,} deposits: " + ("seen to credited" if name == "deposits_many" else "listsinceblock")
            found.append(measured(name, spread.median * 1000, "ms", SECTION, what=told, digits=0))
        code, report = await stack.audit()
        assert code == 0, report
        return found


# ---------------------------------------------------------------- many at once


async def _hand_out(stack: Stack, customer: Customer, count: int) -> list[str]:
    """So many addresses of one customer, from the product's own sequence: the API's limits are not the matter here."""
    settings = settings_of(stack)
    chains = open_chains(settings, load_public(settings.signer.public_file))
    user_id = (await customer.get("/auth/me"))["id"]
    engine = create_async_engine(stack.ready["database_url"].replace("postgresql://", "postgresql+asyncpg://", 1))
    found: list[str] = []
    try:
        while len(found) < count:
            async with AsyncSession(engine) as session, session.begin():
                for _ in range(min(250, count - len(found))):
                    address, _handout = await addresses.give(
                        session,
                        chain=chains["bitcoin"],
                        terms=settings.networks["bitcoin"],
                        user_id=user_id,
                        asset="BTC",
                    )
                    found.append(address.address)
            await _watched(stack)
    finally:
        await engine.dispose()
        await close_chains(chains)
    return found


async def _watched(stack: Stack) -> None:
    """Until the worker has the node watch far enough ahead for the next addresses."""
    connection = await stack.database()

    async def ahead() -> int | None:
        found: int = await connection.fetchval("SELECT max(watched_upto) - max(next_index) FROM address_index")
        return found if found >= 300 else None

    try:
        await until(ahead, "addresses to be watched ahead", within=120)
    finally:
        await connection.close()


async def _thousand(stack: Stack, paid: Sequence[str]) -> tuple[float, float]:
    """Pay these addresses in one block that nobody knew of: our seconds to the last credit, and the node's own."""
    before = await stack.bitcoin("getbestblockhash")
    raws = [await _signed(stack, paid[start : start + 100]) for start in range(0, len(paid), 100)]
    nobody = await stack.bitcoin("getnewaddress", "", "bech32", wallet=True)
    block = (await stack.bitcoin("generateblock", nobody, raws))["hash"]
    connection = await stack.database()

    async def credited() -> Any:
        row = await connection.fetchrow(
            _CREDITED,
            block,
        )
        return row if row is not None and row["n"] == len(paid) else None

    try:
        row = await until(credited, "all to be credited", within=120)
    finally:
        await connection.close()
    own = []
    async with node_of(stack, WATCH_WALLET) as node:
        for _ in range(6):
            watch = Stopwatch()
            answer = await node("listsinceblock", before, 2, True, True, False)
            own.append(watch.seconds)
            assert len([one for one in answer["transactions"] if one.get("blockhash") == block]) >= len(paid)
    return float(row["seconds"]), statistics.median(own[1:])  # the first one connects


async def _signed(stack: Stack, addresses_: Sequence[str]) -> str:
    """A payment to each, signed by the faucet's wallet and told to nobody; its coins are set aside."""
    outputs = [{address: "0.0005"} for address in addresses_]
    options = {"lockUnspents": True, "fee_rate": 20}
    funded = await stack.bitcoin("walletcreatefundedpsbt", [], outputs, 0, options, wallet=True)
    signed = await stack.bitcoin("walletprocesspsbt", funded["psbt"], wallet=True)
    done = await stack.bitcoin("finalizepsbt", signed["psbt"])
    return str(done["hex"])


# ---------------------------------------------------------------- on the page


async def _page(stack: Stack, customer: Customer, count: int, console: Console) -> list[Measure]:
    """Seconds from the node's own word to the page, one payment at a time."""
    found = await asyncio.to_thread(
        subprocess.run, [ROOT / "tools" / "get-chromium"], capture_output=True, text=True, check=True
    )
    address = await customer.address("BTC", "bitcoin")
    seconds: list[float] = []
    async with async_playwright() as playwright, AsyncExitStack() as within:
        browser = await playwright.chromium.launch(
            executable_path=found.stdout.strip(), chromium_sandbox=False, args=FLAGS
        )
        context = await browser.new_context(locale="en-GB", timezone_id="Europe/Lisbon")
        visitor = Visitor(await context.new_page(), context, stack)
        await visitor.enter(customer.email, customer.password, customer.authenticator)
        await visitor.open("/deposit")
        await visitor.page.get_by_role("heading", name="Coming in").wait_for()
        faucet = await within.enter_async_context(node_of(stack, stack.ready["bitcoin_wallet"]))
        for number in range(count):
            amount = f"0.{100_001 + 10 * number:08d}"  # lists leave trailing zeros out
            watching = asyncio.create_task(visitor.page.evaluate(_SHOWN, amount))
            # The node tells its listeners before it answers: what it needs to take the payment counts against us.
            begun = time.time()
            await faucet("sendtoaddress", address, amount)
            seconds.append(await asyncio.wait_for(watching, 60) / 1000 - begun)
        await browser.close()
    seconds.sort()
    p50, p99 = percentile(seconds, 0.5), percentile(seconds, 0.99)
    console.print(f"on the page: p50 {p50:.2f} s, p99 {p99:.2f} s of {count}")
    what = "deposit taken by the node to shown in Chromium"
    return [
        judged("deposit_on_page_p99", p99, "s", "at most 1", SECTION, what=f"{what}, p99", digits=2),
        measured("deposit_on_page_p50", p50, "s", SECTION, what=f"{what}, p50"),
    ]
