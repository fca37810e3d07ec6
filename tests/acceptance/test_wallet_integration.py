"""Wallets: addresses that the node derives too, deposits that are seen at once and credited when they are final."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from eth_utils.address import is_checksum_address

from tests.customer import until
from tests.stack import Stack


@pytest.fixture
async def still_chains(stack: Stack) -> AsyncIterator[None]:
    """No block comes by itself, so that the moments between blocks can be looked at."""
    for network in ("bitcoin", "ethereum"):
        await stack.sandbox("chaos", {"fault": "mining_paused", "on": True, "network": network})
    yield
    for network in ("bitcoin", "ethereum"):
        await stack.sandbox("chaos", {"fault": "mining_paused", "on": False, "network": network})


async def derived_by_the_node(stack: Stack, address: str) -> dict[str, Any] | None:
    """What the node's own watch-only wallet knows of an address: its descriptor and its derivation path."""
    for name in await stack.bitcoin("listwallets"):
        found = await stack.bitcoin_in(name, "getaddressinfo", address)
        if found["ismine"]:
            wallet = await stack.bitcoin_in(name, "getwalletinfo")
            if not wallet["private_keys_enabled"]:
                return dict(found)
    return None


async def test_a_bitcoin_deposit_address_is_the_one_that_the_node_derives(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    address = await customer.address("BTC", "bitcoin")
    found = await derived_by_the_node(stack, address)
    assert found is not None, "the node's watch-only wallet does not know it"
    assert found["iswitness"] is True
    assert found["witness_version"] == 0
    purpose, coin, account, chain, index = found["hdkeypath"].replace("'", "h").split("/")[1:]
    assert (purpose, coin, account, chain) == ("84h", "1h", "0h", "0")
    assert await stack.bitcoin("deriveaddresses", found["parent_desc"], [int(index)] * 2) == [address]


async def test_ether_and_token_deposit_addresses_carry_their_checksum_and_belong_to_one_customer(stack: Stack) -> None:
    seen: set[str] = set()
    for _ in range(2):
        customer = await stack.customer(enrolled=False)
        mine = {await customer.address("ETH", "ethereum"), await customer.address("USDT", "ethereum")}
        assert all(is_checksum_address(address) for address in mine)
        assert not mine & seen
        seen |= mine


async def test_a_bitcoin_deposit_is_seen_at_0_confirmations_and_credited_at_2(stack: Stack, still_chains: None) -> None:
    customer = await stack.customer(enrolled=False)
    address = await customer.address("BTC", "bitcoin")
    txid = await stack.faucet("BTC", "bitcoin", address, "0.015")

    seen = await customer.deposit_in(txid, "detected", "confirming")
    assert (seen["confirmations"], seen["confirmations_required"]) == (0, 2)
    assert Decimal(seen["amount"]) == Decimal("0.015")
    assert (await customer.balance("BTC"))["incoming"] == Decimal("0.015")
    assert await customer.available("BTC") == 0

    await stack.mine("bitcoin", 1)

    async def one_deep() -> dict[str, Any] | None:
        found = await customer.deposit_in(txid, "detected", "confirming", "credited")
        return found if found["confirmations"] == 1 else None

    assert (await until(one_deep, "one confirmation"))["state"] == "confirming"
    assert await customer.available("BTC") == 0

    await stack.mine("bitcoin", 1)
    credited = await customer.deposit_in(txid, "credited")
    assert credited["credited_at"]
    assert await customer.available("BTC") == Decimal("0.015")
    assert (await customer.balance("BTC"))["incoming"] == 0


@pytest.mark.parametrize(("asset", "sent"), [("ETH", "0.25"), ("USDT", "40.000001")])
async def test_an_ethereum_deposit_is_credited_to_the_unit_at_3_confirmations(
    stack: Stack, asset: str, sent: str
) -> None:
    customer = await stack.customer(enrolled=False)
    deposit = await stack.fund(customer, asset, sent)
    assert deposit["confirmations_required"] == 3
    assert await customer.available(asset) == Decimal(sent)


async def test_a_deposit_below_the_minimum_is_shown_and_not_credited(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    address = await customer.address("BTC", "bitcoin")
    txid = await stack.faucet("BTC", "bitcoin", address, "0.000006")
    await stack.mine("bitcoin", 3)
    await customer.deposit_in(txid, "below_minimum")
    assert await customer.available("BTC") == 0


async def test_two_outputs_of_one_transaction_to_one_customer_are_two_deposits(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    first, second = await customer.address("BTC", "bitcoin"), await customer.address("BTC", "bitcoin")
    assert first != second
    txid = await stack.bitcoin("sendmany", "", {first: "0.001", second: "0.002"}, wallet=True)
    await stack.mine("bitcoin", 3)

    async def both() -> list[dict[str, Any]] | None:
        found = [item for item in (await customer.get("/wallets/deposits"))["items"] if item["txid"] == txid]
        return found if [item["state"] for item in found] == ["credited"] * 2 else None

    await until(both, "two deposits")
    assert await customer.available("BTC") == Decimal("0.003")


async def test_every_balance_is_what_is_available_and_what_is_held(stack: Stack) -> None:
    ana = await stack.sign_in(stack.person("customer"))
    balances = (await ana.get("/wallets/balances"))["items"]
    assert {"BTC", "ETH", "USDT"} <= {item["asset"] for item in balances}
    for item in balances:
        assert Decimal(item["total"]) == Decimal(item["available"]) + Decimal(item["held"])


async def test_a_payment_request_is_understood_with_its_amount(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    btc, eth = await stack.new_address("bitcoin"), await stack.new_address("ethereum")
    contract = stack.ready["usdt_contract"]
    for uri, asset, network, wanted in (
        (f"bitcoin:{btc}?amount=0.02&label=Invoice%2012", "BTC", "bitcoin", "0.02"),
        (f"ethereum:{contract}@31337/transfer?address={eth}&uint256=25000000", "USDT", "ethereum", "25"),
        (f"ethereum:{eth}@31337?value=1000000000000000000", "ETH", "ethereum", "1"),
    ):
        body = {"asset": asset, "address": uri}
        found = await customer.post("/wallets/addresses/validate", body)
        assert found["valid"] is True, uri
        assert network in found["networks"]
        assert Decimal(found["payment"]["amount"]) == Decimal(wanted), uri


async def test_assets_say_what_each_network_asks_for(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    found = {item["asset"]: item for item in (await customer.get("/wallets/assets"))["items"]}
    assert (found["BTC"]["decimals"], found["ETH"]["decimals"], found["USDT"]["decimals"]) == (8, 18, 6)
    required = {
        (asset, network["network"]): network["confirmations_required"]
        for asset, item in found.items()
        for network in item["networks"]
    }
    assert required[("BTC", "bitcoin")] == 2
    assert required[("ETH", "ethereum")] == required[("USDT", "ethereum")] == 3
