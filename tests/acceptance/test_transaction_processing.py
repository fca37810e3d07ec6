"""Transaction processing: what was agreed arrives exactly, once, and everything else waits and says for what."""

import asyncio
import contextlib
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.customer import Customer, amount, fresh_key, until
from tests.stack import Stack

WITHDRAWALS = "/transactions/withdrawals"
EXPORT = "/transactions/export"
TRIAL = "/audit/trial-balance"
WALKED = ["pending_verification", "pending_screening", "queued", "signing", "broadcasting", "confirming", "completed"]
"""The states every payout passes that needs no person; `pending_approval` may be passed through too."""


async def received(stack: Stack, asset: str, address: str) -> Decimal:
    """What an address of an asset holds on chain, asked of the node."""
    if asset == "BTC":
        return await stack.bitcoin_received(address)
    if asset == "ETH":
        return Decimal(await stack.ether(address)).scaleb(-18)
    return Decimal(await stack.usdt(address)).scaleb(-6)


def network_of(asset: str) -> str:
    return "bitcoin" if asset == "BTC" else "ethereum"


@pytest.fixture(scope="module")
async def payer(stack: Stack) -> Customer:
    """Shared by what needs no code: a customer's authenticator has one code in 30 seconds."""
    return await stack.customer(USDT="500")


def plain(asset: str, delivered: str) -> dict[str, Any]:
    return {
        "kind": "withdrawal",
        "from_asset": asset,
        "to_asset": asset,
        "network": network_of(asset),
        "side": "exact_out",
        "amount": delivered,
    }


@pytest.mark.parametrize(
    ("asset", "delivered"), [("BTC", "0.00123456"), ("ETH", "0.012345678901234567"), ("USDT", "12.345678")]
)
async def test_a_plain_withdrawal_arrives_exactly_and_costs_exactly_its_quote(
    stack: Stack, asset: str, delivered: str
) -> None:
    customer = await stack.customer()
    await stack.fund(customer, asset, {"BTC": "0.01", "ETH": "0.1", "USDT": "100"}[asset])
    before = await customer.available(asset)
    address = await stack.new_address(network_of(asset))
    quote = await customer.quote(**plain(asset, delivered))
    withdrawal = await customer.withdraw(quote, address)
    assert withdrawal["state"] == "pending_verification"
    assert await customer.balance(asset) == {
        "available": before - amount(quote["debit"]),
        "held": amount(quote["debit"]),
        "incoming": 0,
        "total": before,
    }
    await customer.verify(withdrawal)
    done = await customer.completed(withdrawal["id"])

    assert await received(stack, asset, address) == Decimal(delivered)
    assert (done["debit"], done["deliver"], done["fees"]) == (quote["debit"], quote["deliver"], quote["fees"])
    assert await customer.available(asset) == before - amount(quote["debit"])
    assert (await customer.balance(asset))["held"] == 0
    assert len([attempt for attempt in done["attempts"] if attempt["state"] == "final"]) == 1


async def test_25_usdt_paid_with_bitcoin_arrive_exactly(stack: Stack) -> None:
    customer = await stack.customer(BTC="0.01")
    address = await stack.new_address("ethereum")
    quote = await customer.quote(
        kind="withdrawal",
        from_asset="BTC",
        to_asset="USDT",
        network="ethereum",
        side="exact_out",
        amount="25",
        address=address,
    )
    assert {fee["kind"] for fee in quote["fees"]} == {"network", "service", "spread"}
    withdrawal = await customer.withdraw(quote, address, reference="invoice-25")
    await customer.verify(withdrawal)
    done = await customer.completed(withdrawal["id"])

    assert await stack.usdt(address) == 25_000_000
    assert await stack.usdt_transfers(address) == [25_000_000]
    assert await customer.available("BTC") == Decimal("0.01") - amount(quote["debit"])
    assert (await customer.balance("BTC"))["held"] == 0
    assert (await customer.balance("USDT"))["total"] == 0
    assert done["reference"] == "invoice-25"

    # The hash in the answer is the transaction whose log says so.
    receipt = await stack.evm("eth_getTransactionReceipt", done["attempts"][-1]["txid"])
    assert receipt["status"] == "0x1"
    assert [int(log["data"], 16) for log in receipt["logs"]] == [25_000_000]


async def test_a_withdrawal_tells_every_state_it_went_through_in_order_and_cannot_be_cancelled_then(
    stack: Stack,
) -> None:
    payer = await stack.customer(USDT="60")
    address = await stack.new_address("ethereum")
    done = await payer.pay(address, **{key: value for key, value in plain("USDT", "5").items() if key != "kind"})
    told = [event["state"] for event in sorted(done["events"], key=lambda event: event["at"])]
    walked = [state for index, state in enumerate(told) if told[index - 1 : index] != [state]]
    assert [state for state in walked if state != "pending_approval"] == WALKED
    assert all(event["by"] for event in done["events"])
    assert done["waiting_for"] is None

    before = await payer.balance("USDT")
    assert done["can_cancel"] is False
    answer = await payer.call("POST", f"{WITHDRAWALS}/{done['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_cancel")
    assert await payer.balance("USDT") == before


async def test_the_history_has_every_kind_of_movement_newest_first(stack: Stack, payer: Customer) -> None:
    quote = await payer.quote(kind="conversion", from_asset="USDT", to_asset="ETH", side="exact_in", amount="20")
    await payer.post("/exchange/conversions", {"quote_id": quote["id"]}, key=fresh_key())
    found = (await payer.get("/transactions"))["items"]
    assert {"deposit", "conversion"} <= {item["kind"] for item in found}
    assert [item["at"] for item in found] == sorted((item["at"] for item in found), reverse=True)
    first = await payer.get("/transactions", limit="1")
    rest = await payer.get("/transactions", limit="200", cursor=first["next_cursor"])
    assert [item["id"] for item in first["items"] + rest["items"]] == [item["id"] for item in found]


async def test_the_history_as_a_file_has_what_the_pages_have(stack: Stack, payer: Customer) -> None:
    listed = (await payer.get("/transactions", limit="200", kind="deposit"))["items"]
    document = await payer.get(EXPORT, kind="deposit")
    assert [item["id"] for item in document["items"]] == [item["id"] for item in listed] != []
    table = await payer.call("GET", EXPORT, params={"kind": "deposit", "format": "csv"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="transactions.csv"'
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [(row["id"], row["credit"], row["credit_asset"]) for row in rows] == [
        (item["id"], item["credit"]["amount"], item["credit"]["asset"]) for item in listed
    ]
    assert (await payer.get(EXPORT, **{"from": "2999-01-01T00:00:00Z"}))["items"] == []


async def test_the_trial_balance_is_for_those_who_audit_and_balances(stack: Stack, payer: Customer) -> None:
    answer = await payer.call("GET", TRIAL)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    administrator = await stack.sign_in(stack.person("administrator"))
    found = await administrator.get(TRIAL)
    assert found["balances"] is True
    assert {one["asset"] for one in found["totals"]} >= {"BTC", "ETH", "USDT"}
    for total in found["totals"]:
        for side in ("debit", "credit"):
            lines = [one for one in found["items"] if (one["asset"], one["side"]) == (total["asset"], side)]
            assert sum(Decimal(one["balance"]) for one in lines) == Decimal(total[side]) > 0
    # The same moment as a file: whatever moved meanwhile is in neither.
    table = await administrator.call("GET", TRIAL, params={"at": found["at"], "format": "csv"})
    assert table.headers["content-disposition"].startswith('attachment; filename="trial-balance-')
    same = await administrator.get(TRIAL, at=found["at"])
    assert list(csv.DictReader(io.StringIO(table.text, newline=""))) == same["items"]
    before = await administrator.get(TRIAL, at="2009-01-03T18:15:05Z")
    assert not any(Decimal(one["balance"]) for one in before["items"])


async def test_everybody_signed_in_is_told_when_the_books_were_checked(stack: Stack, payer: Customer) -> None:
    administrator = await stack.sign_in(stack.person("administrator"))
    for someone in (payer, administrator):
        assert (await someone.get("/audit/books"))["checked_at"] is not None


async def test_a_withdrawal_that_was_not_verified_can_be_cancelled_and_gives_all_back(
    stack: Stack, payer: Customer
) -> None:
    before = await payer.balance("USDT")
    withdrawal = await payer.withdraw(await payer.quote(**plain("USDT", "5")), await stack.new_address("ethereum"))
    assert withdrawal["can_cancel"] is True
    cancelled = await payer.post(f"{WITHDRAWALS}/{withdrawal['id']}/cancel")
    assert cancelled["state"] == "cancelled"
    assert await payer.balance("USDT") == before


async def test_of_20_withdrawals_at_once_with_money_for_10_exactly_10_are_accepted(stack: Stack) -> None:
    customer = await stack.customer(BTC="0.01")
    asked = {**plain("BTC", "0.001"), "side": "exact_in"}
    quotes = await asyncio.gather(*(customer.quote(**asked) for _ in range(20)))
    address = await stack.new_address("bitcoin")
    answers = await asyncio.gather(
        *(
            customer.call("POST", WITHDRAWALS, {"quote_id": quote["id"], "address": address}, key=fresh_key())
            for quote in quotes
        )
    )
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 10}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"insufficient_funds"}
    assert await customer.balance("BTC") == {
        "available": 0,
        "held": Decimal("0.01"),
        "incoming": 0,
        "total": Decimal("0.01"),
    }
    await settled(stack)
    code, report = await stack.audit()
    assert code == 0, report
    accepted = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    await asyncio.gather(*(customer.post(f"{WITHDRAWALS}/{id_}/cancel") for id_ in accepted))
    assert await customer.available("BTC") == Decimal("0.01")


# ---------------------------------------------------------------- Idempotency-Key


async def test_the_same_key_and_body_get_the_first_answer_again(stack: Stack, payer: Customer) -> None:
    before = await payer.available("USDT")
    quote = await payer.quote(**plain("USDT", "5"))
    body = {"quote_id": quote["id"], "address": await stack.new_address("ethereum")}
    key = fresh_key()
    first = await payer.call("POST", WITHDRAWALS, body, key=key)
    again = await payer.call("POST", WITHDRAWALS, dict(reversed(body.items())), key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert await payer.available("USDT") == before - amount(quote["debit"])
    await payer.post(f"{WITHDRAWALS}/{first.json()['id']}/cancel")


async def test_the_same_key_with_another_body_is_refused(stack: Stack, payer: Customer) -> None:
    quote = await payer.quote(**plain("USDT", "5"))
    body = {"quote_id": quote["id"], "address": await stack.new_address("ethereum")}
    key = fresh_key()
    first = await payer.post(WITHDRAWALS, body, key=key)
    other = await payer.call("POST", WITHDRAWALS, {**body, "reference": "another"}, key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    await payer.post(f"{WITHDRAWALS}/{first['id']}/cancel")


async def test_without_a_key_nothing_is_accepted(stack: Stack, payer: Customer) -> None:
    before = await payer.balance("USDT")
    quote = await payer.quote(**plain("USDT", "5"))
    body = {"quote_id": quote["id"], "address": await stack.new_address("ethereum")}
    answer = await payer.call("POST", WITHDRAWALS, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert await payer.balance("USDT") == before


async def test_a_refusal_does_not_use_the_key_up(stack: Stack) -> None:
    customer = await stack.customer(USDT="60")
    address = await stack.new_address("ethereum")
    key = fresh_key()
    too_much = await customer.quote(**plain("USDT", "500"))
    refused = await customer.call("POST", WITHDRAWALS, {"quote_id": too_much["id"], "address": address}, key=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
    quote = await customer.quote(**plain("USDT", "5"))
    await customer.post(WITHDRAWALS, {"quote_id": quote["id"], "address": address}, key=key)


async def test_one_key_sent_many_times_at_once_makes_one_withdrawal(stack: Stack, payer: Customer) -> None:
    before = await payer.available("USDT")
    quote = await payer.quote(**plain("USDT", "5"))
    body = {"quote_id": quote["id"], "address": await stack.new_address("ethereum")}
    key = fresh_key()
    answers = await asyncio.gather(*(payer.call("POST", WITHDRAWALS, body, key=key) for _ in range(8)))
    good = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in good}) == 1
    assert await payer.available("USDT") == before - amount(quote["debit"])
    await payer.post(f"{WITHDRAWALS}/{good[0].json()['id']}/cancel")


# ---------------------------------------------------------------- parts that are down


async def accepted_while_well(stack: Stack, payer: Customer, asset: str, delivered: str) -> tuple[dict[str, Any], str]:
    address = await stack.new_address(network_of(asset))
    return await payer.withdraw(await payer.quote(**plain(asset, delivered)), address), address


@pytest.mark.parametrize(
    ("part", "sub_status", "waiting_for"),
    [
        ("signer", "awaiting_signer", "signer"),
        ("anvil", "awaiting_node", "node"),
        pytest.param("hanging signer", "awaiting_signer", "signer", marks=pytest.mark.slow),
    ],
)
async def test_with_a_part_down_a_withdrawal_waits_says_for_what_and_goes_on_by_itself(
    stack: Stack, part: str, sub_status: str, waiting_for: str
) -> None:
    payer = await stack.customer(USDT="60")
    withdrawal, address = await accepted_while_well(stack, payer, "USDT", "6")
    down = stack.signer_unreachable() if part == "signer" else stack.stopped(part.removeprefix("hanging "))
    with down:
        await payer.verify(withdrawal)
        waiting = await payer.withdrawal_when(
            withdrawal["id"], lambda found: found["sub_status"] == sub_status, sub_status, within=60
        )
        assert waiting["waiting_for"] == waiting_for
        # The recipient is looked at on chain before anything is reserved: that may be what waits.
        assert waiting["state"] in ("pending_screening", "queued", "signing", "broadcasting")
    await payer.completed(withdrawal["id"], within=60)
    assert await stack.usdt(address) == 6_000_000
    assert await stack.usdt_transfers(address) == [6_000_000]


async def test_with_the_venue_down_after_acceptance_the_payout_goes_on_from_inventory(stack: Stack) -> None:
    customer = await stack.customer(BTC="0.01")
    address = await stack.new_address("ethereum")
    quote = await customer.quote(
        kind="withdrawal", from_asset="BTC", to_asset="USDT", network="ethereum", side="exact_out", amount="7"
    )
    withdrawal = await customer.withdraw(quote, address)
    with stack.stopped("venue"):
        await customer.verify(withdrawal)
        await customer.completed(withdrawal["id"], within=60)
    assert await stack.usdt_transfers(address) == [7_000_000]


async def killed_at(stack: Stack, place: str, payer: Customer, withdrawal: dict[str, Any]) -> None:
    """Verify the withdrawal; the worker dies by SIGKILL when it comes to `place`, and another one is started."""
    before = stack.processes("worker")
    armed = stack.data / "failpoint"
    armed.write_text(place)
    await payer.verify(withdrawal)

    async def another() -> bool | None:
        return (not armed.exists() and stack.processes("worker") not in ([], before)) or None

    await until(another, f"a worker that died at {place}, and the next one", within=30)


async def test_a_worker_killed_between_signature_and_broadcast_pays_exactly_once(stack: Stack) -> None:
    """Twice: with the bytes stored and not sent, and with the bytes signed and not stored."""
    payer = await stack.customer(USDT="60", BTC="0.005")
    token, to_token = await accepted_while_well(stack, payer, "USDT", "8")
    coins, to_coins = await accepted_while_well(stack, payer, "BTC", "0.0008")
    await killed_at(stack, "P12.store:after", payer, token)
    await killed_at(stack, "P12.store:before", payer, coins)
    # Their leases run out, and the next worker takes both up where they stood.
    done, done_too = await asyncio.gather(
        payer.completed(token["id"], within=90), payer.completed(coins["id"], within=90)
    )
    assert await stack.usdt_transfers(to_token) == [8_000_000]
    assert await stack.bitcoin_received(to_coins) == Decimal("0.0008")
    for paid in (done, done_too):
        assert len({attempt["txid"] for attempt in paid["attempts"]}) == 1


# ---------------------------------------------------------------- the books


@contextlib.asynccontextmanager
async def falsified(stack: Stack, falsify: str, restore: str) -> AsyncIterator[None]:
    """One row changed behind the guards, as somebody could who owns the database."""
    connection = await stack.database()
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            assert await connection.execute(falsify) == "UPDATE 1"
        yield
    finally:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(restore)
        await connection.close()


async def settled(stack: Stack) -> None:
    """Until the books are exact, or for as long as moves in flight may take; whoever asks next sees which it was."""

    async def exact() -> bool | None:
        # What is on its way has arrived some blocks later.
        for network in ("bitcoin", "ethereum"):
            await stack.mine(network, 3)
        return (await stack.audit())[0] == 0 or None

    with contextlib.suppress(AssertionError):
        await until(exact, "exact books", within=30, every=2)


async def test_the_books_are_exact_after_all_of_it(stack: Stack) -> None:
    await settled(stack)
    code, report = await stack.audit()
    assert code == 0, report
    said, printed = await stack.command("audit", "books")
    assert said == 0, printed
    assert "BTC" in printed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "column", "key"),
    [
        ("ledger_accounts", "balance", "id"),
        pytest.param("ledger_transfers", "units", "credit_account", marks=pytest.mark.slow),
    ],
)
async def test_the_books_say_so_when_a_row_was_falsified_after_all_of_it(
    stack: Stack, table: str, column: str, key: str
) -> None:
    connection = await stack.database()
    account = await connection.fetchval(
        "SELECT id FROM ledger_accounts WHERE name = 'available' AND balance > 0 ORDER BY id LIMIT 1"
    )
    found = await connection.fetchval(f"SELECT id FROM {table} WHERE {key} = {account} ORDER BY id LIMIT 1")
    await connection.close()
    change = f"UPDATE {table} SET {column} = {column} {{}} 1 WHERE id = '{found}'"
    async with falsified(stack, change.format("+"), change.format("-")):
        code, report = await stack.audit()
        assert code == 1, report
    await settled(stack)
    assert (await stack.audit())[0] == 0
