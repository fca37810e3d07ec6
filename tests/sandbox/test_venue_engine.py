"""The matching engine: money is conserved, funds are locked and freed, prices are kept."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.sandbox.venue.coinbase.names import STYLE as COINBASE
from tidegate.sandbox.venue.engine import Engine
from tidegate.sandbox.venue.funding import Funding
from tidegate.sandbox.venue.kraken.names import STYLE as KRAKEN
from tidegate.sandbox.venue.orders import Ask, Denied, Order, Why
from tidegate.sandbox.venue.prices import BINANCE, E8, SYMBOLS, Prices, Style, e8

BALANCES = {"BTC": 3 * E8, "ETH": 30 * E8, "USDT": 100_000 * E8, "USDC": 50_000 * E8, "BNB": E8}
STYLES = (BINANCE, COINBASE, KRAKEN)


def engine(seed: int = 1, *, thin: int = 1, style: Style = BINANCE) -> Engine:
    made = Engine(Prices(seed, thin, style))
    for name in ("one", "two"):
        made.open_account(name, dict(BALANCES))
    return made


def ask(
    side: str,
    quantity: str,
    price: str = "0",
    *,
    symbol: str = "BTCUSDT",
    kind: str = "LIMIT",
    tif: str = "GTC",
    name: str = "x",
) -> Ask:
    return Ask(SYMBOLS[symbol], side == "BUY", kind, tif, e8(quantity), 0, e8(price), name)


def held(made: Engine, account: str, asset: str) -> tuple[int, int]:
    free, locked = made.balances[account][asset]
    return free, locked


orders = st.builds(
    lambda account, symbol, buys, kind, tif, size, per_mille, name: (
        account,
        symbol,
        buys,
        kind,
        tif if kind == "LIMIT" else "GTC",
        size,
        per_mille,
        name,
    ),
    st.sampled_from(["one", "two"]),
    st.sampled_from(sorted(SYMBOLS)),
    st.booleans(),
    st.sampled_from(["LIMIT", "LIMIT", "LIMIT", "LIMIT_MAKER", "MARKET", "WORTH"]),
    st.sampled_from(["GTC", "GTC", "IOC", "FOK"]),
    st.integers(1, 3000),
    st.integers(-30, 30),
    st.sampled_from("abcdefgh"),
)
moves = st.tuples(st.sampled_from(["BTCUSDT", "ETHUSDT", "USDCUSDT"]), st.integers(-40, 40))
deeds = st.lists(st.one_of(orders, orders, orders, moves, st.just("step"), st.integers(0, 9)), min_size=8, max_size=40)


def do(made: Engine, deed: object, now: int) -> None:
    """One deed; a refusal is as good as any other outcome, as long as nothing moves."""
    if deed == "step":
        made.prices.step()
        made.step(now)
    elif isinstance(deed, int):
        resting = [order for order in made.orders.values() if order.open]
        if resting:
            made.cancel(resting[deed % len(resting)], now)
    elif isinstance(deed, tuple) and len(deed) == 2:
        made.prices.move(deed[0], made.prices.mid(deed[0]) * (1000 + deed[1]) // 1000)
        made.step(now)
    else:
        assert isinstance(deed, tuple)
        account, name, buys, kind, tif, size, per_mille, client_id = deed
        symbol = made.prices.symbols[name]
        mid = made.prices.mid(name)
        price = 0 if kind in ("MARKET", "WORTH") else mid * (1000 + per_mille) // 1000 // symbol.tick * symbol.tick
        # `size` in dollars, on the lot.
        quantity = size * E8 * E8 // made.prices.mid(f"{symbol.base}USDT") // symbol.step * symbol.step
        worth = quantity * mid // E8 if kind == "WORTH" else 0
        quantity = 0 if kind == "WORTH" else quantity
        kind = "MARKET" if kind == "WORTH" else kind
        before = {who: {k: list(v) for k, v in cells.items()} for who, cells in made.balances.items()}
        try:
            wanted = Ask(symbol, buys, kind, tif, quantity, worth, price, client_id)
            made.fee_in_third = size % 3 == 0
            made.place(account, wanted, now, halved=size % 7 == 0)
        except Denied:
            assert before == made.balances


def check(made: Engine, total: dict[str, int]) -> None:
    now = made.totals()
    assert {asset: now[asset] for asset in total} == total
    locked: dict[tuple[str, str], int] = {}
    for order in made.orders.values():
        symbol = SYMBOLS[order.symbol]
        assert 0 <= order.executed <= order.quantity
        assert order.open or order.locked == 0
        asset = symbol.quote if order.buys else symbol.base
        locked[order.account, asset] = locked.get((order.account, asset), 0) + order.locked
    for account, cells in made.balances.items():
        for asset, (free, kept) in cells.items():
            assert free >= 0
            assert kept == locked.get((account, asset), 0)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 5), st.sampled_from([1, 50_000]), st.sampled_from(STYLES), deeds)
def test_whatever_happens_every_asset_is_conserved_and_locks_match_open_orders(
    seed: int, thin: int, style: Style, done: Sequence[object]
) -> None:
    made = engine(seed, thin=thin, style=style)
    total = made.totals()
    for now, deed in enumerate(done):
        do(made, deed, now)
        check(made, total)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), deeds)
def test_what_is_restored_from_the_changes_is_the_same_exchange(seed: int, done: Sequence[object]) -> None:
    made = engine(seed, thin=50_000)
    cells = dict(made.changes)
    for now, deed in enumerate(done):
        do(made, deed, now)
        cells.update(made.changes)
        made.changes.clear()
    again = Engine(Prices(seed, 50_000))
    again.restore(cells)
    assert again.balances == made.balances
    assert again.orders == made.orders
    assert sorted(again.trades, key=lambda one: (one.id, one.maker)) == sorted(
        made.trades, key=lambda one: (one.id, one.maker)
    )
    assert (again.house, again.fees) == (made.house, made.fees)
    assert (again.last_order, again.last_trade) == (made.last_order, made.last_trade)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 1000), st.integers(0, 200), st.sampled_from(STYLES))
def test_the_book_is_never_crossed_and_has_fifty_levels_a_side(seed: int, steps: int, style: Style) -> None:
    made = engine(seed, style=style)
    for now in range(steps):
        made.prices.step()
        made.step(now)
    for name, symbol in style.symbols.items():
        bids, asks = made.book(name)
        assert bids[0][0] < asks[0][0]
        assert min(len(bids), len(asks)) >= 50
        assert all(price % symbol.tick == 0 and quantity % symbol.step == 0 for price, quantity in bids + asks)


def test_the_same_seed_walks_the_same_way_and_another_one_does_not() -> None:
    walks = []
    for seed in (4, 4, 5):
        prices = Prices(seed)
        for _ in range(50):
            prices.step()
        walks.append((dict(prices.mids), prices.ladders("ETHBTC")))
    assert walks[0] == walks[1]
    assert walks[0] != walks[2]


def test_prices_stay_near_their_anchor_over_a_week() -> None:
    prices = Prices(3)
    for _ in range(60_000):
        prices.step()
    assert 50_000 * E8 < prices.mid("BTCUSDT") < 80_000 * E8
    assert e8("0.99") < prices.mid("USDCUSDT") < e8("1.01")
    cross = prices.mid("ETHUSDT") * E8 // prices.mid("BTCUSDT")
    assert prices.mid("ETHBTC") == cross


def test_a_taker_never_pays_more_than_its_limit_and_gets_the_better_price() -> None:
    made = engine()
    _, asks = made.book("BTCUSDT")
    limit = asks[3][0]
    order, trades = made.place("one", ask("BUY", "1", f"{limit // E8}.{limit % E8:08d}", tif="IOC"), 1)
    assert trades
    assert all(trade.price <= limit for trade in trades)
    assert [trade.price for trade in trades] == [price for price, _ in asks[: len(trades)]]
    assert order.quote_executed == sum(trade.quote for trade in trades)


def test_the_rest_of_an_ioc_expires_and_its_funds_are_free() -> None:
    made = engine(thin=100_000)
    order, trades = made.place("one", ask("SELL", "1", "63000", tif="IOC"), 1)
    assert order.status == "EXPIRED"
    assert 0 < order.executed == sum(trade.quantity for trade in trades) < E8
    assert held(made, "one", "BTC") == (3 * E8 - order.executed, 0)


def test_a_fok_that_cannot_be_filled_whole_takes_nothing() -> None:
    made = engine(thin=100_000)
    order, trades = made.place("one", ask("SELL", "1", "63000", tif="FOK"), 1)
    assert (order.status, order.executed, trades) == ("EXPIRED", 0, [])
    assert held(made, "one", "BTC") == (3 * E8, 0)


def test_a_resting_order_is_hit_at_its_own_price_when_the_book_moves_through_it() -> None:
    made = engine()
    order, _ = made.place("one", ask("BUY", "0.5", "60000"), 1)
    assert held(made, "one", "USDT")[1] == 30_000 * E8
    made.prices.move("BTCUSDT", 59_000 * E8)
    made.step(2)
    assert order.status == "FILLED"
    assert {trade.price for trade in made.trades} == {60_000 * E8}
    assert all(trade.maker for trade in made.trades)
    assert held(made, "one", "USDT") == (70_000 * E8, 0)
    assert held(made, "one", "BTC")[0] == 3 * E8 + E8 // 2 - sum(trade.fee for trade in made.trades)


def test_a_resting_order_is_shown_and_another_account_can_take_it() -> None:
    made = engine()
    bid, offer = (side[0][0] for side in made.book("BTCUSDT"))
    inside = (bid + offer) // 2 // 1_000_000 * 1_000_000
    text = f"{inside // E8}.{inside % E8:08d}"
    resting, _ = made.place("one", ask("SELL", "0.2", text), 1)
    assert made.book("BTCUSDT")[1][0] == (inside, e8("0.2"))
    order, (trade,) = made.place("two", ask("BUY", "0.2", text, tif="IOC"), 2)
    assert (order.status, resting.status, trade.price) == ("FILLED", "FILLED", inside)
    assert made.house == {}


def test_an_account_never_trades_with_itself() -> None:
    made = engine()
    bid, offer = (side[0][0] for side in made.book("BTCUSDT"))
    inside = (bid + offer) // 2 // 1_000_000 * 1_000_000
    text = f"{inside // E8}.{inside % E8:08d}"
    resting, _ = made.place("one", ask("SELL", "0.2", text, name="a"), 1)
    order, trades = made.place("one", ask("BUY", "0.2", text, tif="IOC", name="b"), 2)
    assert (resting.status, order.status, trades) == ("EXPIRED_IN_MATCH", "EXPIRED", [])


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (ask("BUY", "1", "64000.001"), Why.OFF_TICK),
        (ask("BUY", "1", "1"), Why.FAR_PRICE),
        (ask("BUY", "0.000001", "64000"), Why.OFF_LOT),
        (ask("BUY", "0.00001", "64000"), Why.WORTH),
        (ask("BUY", "2", "64000"), Why.FUNDS),
        (ask("SELL", "3.00001", "64000"), Why.FUNDS),
        (ask("SELL", "1", "63000", kind="LIMIT_MAKER"), Why.WOULD_MATCH),
    ],
)
def test_what_breaks_a_rule_is_denied_and_changes_nothing(wanted: Ask, why: Why) -> None:
    made = engine()
    made.changes.clear()
    with pytest.raises(Denied) as denied:
        made.place("one", wanted, 1)
    assert denied.value.why is why
    assert made.changes == {}
    assert made.orders == {}


def test_one_account_cannot_see_the_orders_of_another() -> None:
    made = engine()
    order: Order
    order, _ = made.place("one", ask("BUY", "0.1", "60000", name="mine"), 1)
    assert made.find("one", "BTCUSDT", order.id, "mine") is order
    assert made.find("two", "BTCUSDT", order.id, None) is None
    assert made.find("two", "BTCUSDT", None, "mine") is None
    assert made.find("one", "ETHUSDT", order.id, None) is None
    with pytest.raises(Denied) as denied:
        made.find("one", "BTCUSDT", order.id, "other")
    assert denied.value.why is Why.OTHER_ID


def test_venues_of_one_seed_walk_together_and_each_has_its_own_prices() -> None:
    walks = [Prices(4, style=style) for style in STYLES]
    differ = set()
    for _ in range(400):
        for prices in walks:
            prices.step()
        mids = [prices.mid("BTCUSDT") for prices in walks]
        assert max(mids) - min(mids) <= mids[0] * 2 * 80 // 1_000_000
        differ.add(mids.index(min(mids)))
    assert len(differ) == 3


def test_half_of_what_there_was_is_what_a_halved_order_gets() -> None:
    made = engine()
    whole = sum(quantity for _, quantity, _ in made.judge("one", ask("BUY", "1", "65000", tif="IOC")))
    order, trades = made.place("one", ask("BUY", "1", "65000", tif="IOC"), 1, halved=True)
    assert (order.status, order.executed) == ("EXPIRED", whole // 2 // 1000 * 1000)
    assert sum(trade.quantity for trade in trades) == order.executed > 0


def test_a_fee_is_taken_in_a_third_asset_while_the_account_has_enough_of_it() -> None:
    made = engine()
    made.fee_in_third = True
    order, trades = made.place("one", ask("BUY", "0.1", "65000", tif="IOC"), 1)
    assert {trade.fee_asset for trade in trades} == {"BNB"}
    assert held(made, "one", "BTC")[0] == 3 * E8 + order.executed
    assert held(made, "one", "BNB")[0] == E8 - sum(trade.fee for trade in trades)
    made.balances["two"]["BNB"][0] = 0
    _, others = made.place("two", ask("BUY", "0.1", "65000", tif="IOC"), 2)
    assert {trade.fee_asset for trade in others} == {"BTC"}


def test_where_fees_are_in_the_quote_asset_a_buyer_must_have_them_too() -> None:
    made = engine(style=KRAKEN)
    made.balances["one"]["USDT"][0] = 6_000 * E8
    with pytest.raises(Denied):
        made.place("one", ask("BUY", "0.1", "60000"), 1)
    made.balances["one"]["USDT"][0] += 6_000 * E8 * KRAKEN.fee_ppm // 1_000_000
    order, _ = made.place("one", ask("BUY", "0.1", "60000"), 1)
    assert held(made, "one", "USDT") == (0, order.locked)


def test_money_in_and_out_is_conserved_and_what_failed_comes_back() -> None:
    made = engine()
    funding, total, before = Funding(made), made.totals(), held(made, "one", "BTC")
    cells = dict(made.changes)
    inside = funding.withdraw("one", "BTC", "bitcoin", "bcrt1qhouse0000", E8, 1)
    on_top = funding.withdraw("one", "BTC", "bitcoin", "bcrt1qhouse0000", E8, 2, fee_on_top=True)
    assert (inside.amount, on_top.amount) == (E8 - inside.fee, E8)
    assert held(made, "one", "BTC")[0] == before[0] - 2 * E8 - on_top.fee
    funding.complete(inside.id, "f" * 64, 3)
    funding.fail(on_top.id, 4)
    with pytest.raises(KeyError):
        funding.fail(inside.id, 5)
    assert held(made, "one", "BTC")[0] == before[0] - E8
    for _ in range(2):  # the same transaction is one deposit
        funding.credit("one", "BTC", "bitcoin", E8, "e" * 64, 6)
    assert held(made, "one", "BTC") == before
    assert made.totals() == total
    cells.update(made.changes)
    again = Engine(Prices(1))
    again.restore(cells)
    restored = Funding(again)
    restored.restore(cells)
    assert (restored.withdrawals, restored.deposits) == (funding.withdrawals, funding.deposits)
    assert again.totals() == total


@pytest.mark.parametrize(
    ("asset", "network", "address", "units", "why"),
    [
        ("DOGE", "bitcoin", "bcrt1qhouse0000", E8, Why.NO_ASSET),
        ("BTC", "ethereum", "0x" + "a" * 40, E8, Why.NO_NETWORK),
        ("BTC", "bitcoin", "0x" + "a" * 40, E8, Why.ADDRESS),
        ("ETH", "ethereum", "bcrt1qhouse0000", E8, Why.ADDRESS),
        ("BTC", "bitcoin", "bcrt1qhouse0000", 10_000, Why.AMOUNT),
        ("BTC", "bitcoin", "bcrt1qhouse0000", 4 * E8, Why.FUNDS),
    ],
)
def test_a_withdrawal_that_cannot_be_takes_nothing(
    asset: str, network: str, address: str, units: int, why: Why
) -> None:
    made = engine()
    made.changes.clear()
    with pytest.raises(Denied) as denied:
        Funding(made).withdraw("one", asset, network, address, units, 1)
    assert denied.value.why is why
    assert made.changes == {}
