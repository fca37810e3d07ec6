"""What became of a run, asked of those who know: blocks, the exchange's own list, rows and sums. No code of the product.

Whose money a transaction moved is read from every block since the run began, so a payment that the house has forgotten
is found all the same.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.crash.model import Order, World
from tests.crash.system import System

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

Paid = dict[str, list[tuple[str, int]]]
Heard = dict[int, set[str]]


@dataclass(frozen=True, slots=True)
class Start:
    """Where chains and exchange stood when the run began."""

    bitcoin: int
    evm: int
    orders: int


@dataclass
class Hooks:
    """A receiver of everybody's webhooks: by customer (the URL's path), what came, under which ids."""

    port: int = 0
    heard: dict[str, Heard] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    deliveries: int = 0

    async def serve(self, reader: Any, writer: Any) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            names = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = json.loads(await reader.readexactly(int(names["content-length"])))
            who = head[0].split()[1].strip("/")
            self.heard[who][body["data"]["sequence"]].add(names["webhook-id"])
            self.deliveries += 1
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
        except (OSError, EOFError):
            pass  # the sender died while it spoke: it says it again
        finally:
            writer.close()


async def start(made: System) -> Start:
    last = (await made.venue.control("GET", f"/_sandbox/orders?since={10**12}"))["last"]
    return Start(await made.bitcoin.height(), await made.evm.height(), int(last))


async def blocks(made: System, since: Start) -> Paid:
    """Every payment in every block since then, by who got it."""
    paid: Paid = defaultdict(list)
    for height in range(since.bitcoin + 1, await made.bitcoin.height() + 1):
        block = await made.bitcoin.rpc.call("getblock", await made.bitcoin.rpc.call("getblockhash", height), 2)
        for transaction in block["tx"]:
            for output in transaction["vout"]:
                address = output["scriptPubKey"].get("address")
                if address and output["value"]:
                    paid[address].append(("BTC", int(Decimal(str(output["value"])) * 10**8)))
    await _evm(made, since, paid)
    return paid


async def _evm(made: System, since: Start, paid: Paid) -> None:
    last = await made.evm.height()
    if last == since.evm:
        return
    wanted = {"fromBlock": hex(since.evm + 1), "toBlock": hex(last), "topics": [TRANSFER]}
    codes = {contract.lower(): code for code, contract in made.evm.tokens.items()}
    for one in await made.evm.rpc.call("eth_getLogs", wanted):
        paid[_plain(one["topics"][2])].append((codes[one["address"].lower()], int(one["data"], 16)))
    for height in range(since.evm + 1, last + 1):
        block = await made.evm.rpc.call("eth_getBlockByNumber", hex(height), True)
        for transaction in block["transactions"]:
            if int(transaction["value"], 16) and transaction["to"]:
                receipt = await made.evm.rpc.call("eth_getTransactionReceipt", transaction["hash"])
                if int(receipt["status"], 16) == 1:
                    paid[transaction["to"].lower()].append(("ETH", int(transaction["value"], 16)))


def _plain(topic: str) -> str:
    return "0x" + topic[-40:].lower()


async def world(
    made: System, since: Start, people: Sequence[uuid.UUID], addresses: Sequence[str], heard: Heard, hooked: int
) -> World:
    """Everything that the model has an opinion about; the first of the people has a webhook since event `hooked`."""
    free, held = await _accounts(made, people)
    paid = await blocks(made, since)
    orders, strangers = await _orders(made, since, people)
    rows = await made.admin.fetch(
        "SELECT asset, sum(CASE side WHEN 'debit' THEN balance ELSE -balance END)::numeric AS left"
        " FROM ledger_accounts GROUP BY asset"
    )
    return World(
        free=free,
        held=held,
        paid={one: paid.get(one if one.startswith("bc") else one.lower(), []) for one in addresses},
        orders=orders,
        strangers=strangers,
        sums={row["asset"]: int(row["left"]) for row in rows},
        delivered={str(people[0]): {number: set(ids) for number, ids in heard.items()}},
        events={str(people[0]): [one for one in await events(made, people[0]) if one > hooked]},
    )


async def events(made: System, who: uuid.UUID) -> list[int]:
    """The numbers of everything that the outbox has of somebody."""
    rows = await made.admin.fetch("SELECT sequence FROM events WHERE user_id = $1 ORDER BY sequence", who)
    return [row["sequence"] for row in rows]


async def _accounts(
    made: System, people: Sequence[uuid.UUID]
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    found: dict[str, dict[tuple[str, str], int]] = {"available": {}, "held": {}}
    rows = await made.admin.fetch(
        "SELECT owner, name, asset, balance::numeric FROM ledger_accounts WHERE owner = ANY($1)", list(people)
    )
    for row in rows:
        found[row["name"]][str(row["owner"]), row["asset"]] = int(row["balance"])
    return found["available"], found["held"]


async def _orders(made: System, since: Start, people: Sequence[uuid.UUID]) -> tuple[tuple[Order, ...], tuple[str, ...]]:
    placed = (await made.venue.control("GET", f"/_sandbox/orders?since={since.orders}"))["items"]
    by_client: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for one in placed:
        by_client[one["client_id"]].append(tuple(trade["id"] for trade in one["trades"]))
    rows = await made.admin.fetch(
        "SELECT o.client_order_id, o.state, coalesce(array_agg(f.trade_id) FILTER (WHERE f.trade_id IS NOT NULL), '{}')"
        " AS booked FROM orders o JOIN conversions c ON c.id = o.conversion_id LEFT JOIN fills f ON f.order_id = o.id"
        " WHERE c.user_id = ANY($1) GROUP BY o.id",
        list(people),
    )
    orders = tuple(
        Order(
            row["client_order_id"],
            row["state"],
            tuple(row["booked"]),
            tuple(by_client.pop(row["client_order_id"], [])),
        )
        for row in rows
    )
    return orders, tuple(by_client)
