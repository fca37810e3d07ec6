"""Two real sandbox venues: one price over both books, one order at each, and what is left when one of them goes away."""

import uuid
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.exchange.conftest import Room
from tests.exchange.test_converting import identity_holds, units
from tests.venues.running import Running
from tidegate.exchange import history
from tidegate.ledger.rules import customer, house
from tidegate.markets.books import Markets


@pytest.mark.parametrize("side", ["exact_in", "exact_out"])
async def test_one_price_is_made_of_two_books_and_hedged_at_both(wide: Room, side: str) -> None:
    user = await wide.user(BTC="2")
    amount = "1.4" if side == "exact_in" else "89000"
    shown = await wide.quote(user, from_asset="BTC", to_asset="USDT", side=side, amount=amount)
    identity_holds(shown)
    assert {part["venue"] for part in shown["route"]} == {"binance", "other"}
    assert {part["market"] for part in shown["route"]} == {"BTC-USDT"}
    assert sum(Decimal(part["share"]) for part in shown["route"]) == 1
    made = await wide.convert(user, shown["id"])
    assert await wide.holds(customer(user, "available", "USDT")) == units(shown["deliver"])
    position = -await wide.holds(house("liquidity", "BTC"))
    ordered = await wide.rows("SELECT venue, side, base_units, state FROM orders ORDER BY venue")
    assert [(row[0], row[1], row[3]) for row in ordered] == [
        ("binance", "sell", "intended"),
        ("other", "sell", "intended"),
    ]
    assert sum(row[2] for row in ordered) == abs(position)
    assert await wide.hedge() == 2
    assert await wide.rows("SELECT state FROM orders") == [("filled",), ("filled",)]
    # What no lot was left for, at either.
    assert abs(await wide.holds(house("liquidity", "BTC"))) < 2 * 1000
    detail = await history.conversion(wide.desk, user_id=user, conversion_id=uuid.UUID(made["id"]))
    assert detail.receipt.hedge == "done"
    assert detail.receipt.hedge_price is not None
    assert abs(Decimal(detail.receipt.hedge_price) / Decimal(shown["rate"]) - 1) < Decimal("0.0001")
    assert {fill.venue for fill in detail.fills} == {"binance", "other"}
    await wide.books_balance()


async def test_two_books_are_cheaper_than_either_alone(wide: Room) -> None:
    asked = {"from_asset": "USDT", "to_asset": "BTC", "side": "exact_out", "amount": "1.1"}
    both = units((await wide.quote(await wide.user(USDT="200000"), **asked))["debit"])
    for name in ("binance", "other"):
        alone = {name: wide.desk.venues[name]}
        single = replace(wide, desk=replace(wide.desk, venues=alone, markets=Markets(alone, wide.desk.settings)))
        shown = await single.quote(await wide.user(USDT="200000"), **asked)
        assert {part["venue"] for part in shown["route"]} == {name}
        assert both < units(shown["debit"])


async def test_with_one_venue_down_the_price_comes_from_the_other(wide: Room, other_venue: Running) -> None:
    user = await wide.user()
    await other_venue.fault("venue_down")
    shown = await wide.quote(user, from_asset="BTC", to_asset="USDT", amount="1.4")
    identity_holds(shown)
    assert [(part["venue"], part["share"]) for part in shown["route"]] == [("binance", "1")]


@pytest.mark.parametrize(("side", "amount"), [("exact_in", "2"), ("exact_out", "5000")])
async def test_two_assets_that_nobody_trades_directly_meet_at_a_third(wide: Room, side: str, amount: str) -> None:
    user = await wide.user(ETH="5")
    await wide.desk.markets.sources()
    for key in [key for key in wide.desk.markets._tracked if key[1] in ("ETHUSDC", "ETHBTC", "BTCUSDC")]:
        del wide.desk.markets._tracked[key]
    shown = await wide.quote(user, from_asset="ETH", to_asset="USDC", side=side, amount=amount)
    identity_holds(shown)
    assert [part["market"] for part in shown["route"]] == sorted(part["market"] for part in shown["route"])
    assert {part["market"] for part in shown["route"]} == {"ETH-USDT", "USDC-USDT"}
    made = await wide.convert(user, shown["id"])
    while await wide.hedge():
        pass
    rows = await wide.rows("SELECT DISTINCT base_asset, quote_asset, side, state FROM orders ORDER BY 1")
    assert [tuple(row) for row in rows] == [("ETH", "USDT", "sell", "filled"), ("USDC", "USDT", "buy", "filled")]
    # What was sold for the bridge was spent from it, but for what no lot was left for and what the prices moved.
    assert abs(await wide.holds(house("liquidity", "USDT"))) < 10 * 10**6
    assert abs(await wide.holds(house("liquidity", "USDC"))) < 3 * 10**6
    detail = await history.conversion(wide.desk, user_id=user, conversion_id=uuid.UUID(made["id"]))
    assert detail.receipt.hedge_price is not None
    assert abs(Decimal(detail.receipt.hedge_price) / Decimal(shown["rate"]) - 1) < Decimal("0.001")
    await wide.books_balance()
