"""The three stream procedures: formats to exact Decimals, and books that end as the venue's own whatever was lost on the way."""

import json
import os
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.corpus import KRAKEN_PAIR, envelope
from tests.venues.streaming import LINES, NAMES, Carried, Market
from tidegate.venues.binance.stream import MOST_WAITING, BinanceTalk
from tidegate.venues.body import Malformed
from tidegate.venues.coinbase.stream import CoinbaseTalk
from tidegate.venues.kraken.stream import KrakenTalk, Line, checksum, lines
from tidegate.venues.ladder import Ladder
from tidegate.venues.port import Book, Level
from tidegate.venues.talk import MOST_LOSSES, QUIET_SECONDS, OutOfStep, Talk

SEEDS = int(os.environ.get("TIDEGATE_STREAM_SEEDS", "4"))
VENUES = ["binance", "coinbase", "kraken"]
NOW = 1_700_000_000.0


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


# --- whatever is lost on the way


@pytest.mark.parametrize("venue", VENUES)
def test_a_book_ends_as_the_venues_own_though_messages_are_lost_cut_and_spoilt(venue: str) -> None:
    harmed = 0
    for seed in range(SEEDS):
        chance = random.Random(f"{venue}{seed}")
        carried = Carried(venue, Market(chance), chance)
        for _ in range(30):
            carried.step()
            assert carried.same(), seed
        for _ in range(60):
            carried.harm = 0.08
            carried.step()
            harmed += not carried.same()
        carried.harm = 0.0
        for _ in range(40):
            carried.step()
        assert carried.whole() and carried.same(), seed
    # What is lost is noticed by the next message, not by magic: until then, and only until then, a book may be old. At
    # Kraken nothing proves what is below the tenth level: what is wrong there is noticed when it comes up.
    assert harmed <= SEEDS * 60 / (3 if venue == "kraken" else 4)


@pytest.mark.parametrize("venue", VENUES)
def test_a_single_lost_change_is_noticed_by_the_next_message(venue: str) -> None:
    chance = random.Random(venue)
    carried = Carried(venue, Market(chance), chance)
    for _ in range(20):
        carried.step()
    assert carried.whole() and carried.same()
    carried.market.move()
    assert carried.feed.moved()  # and nobody hears it
    before, fetched = carried.connections, carried.fetched
    for _ in range(20):
        carried.step()
        assert carried.same()
    assert carried.whole()
    assert (carried.connections > before) == (venue == "coinbase")
    assert (carried.fetched > fetched) == (venue == "binance")


def test_a_whole_book_that_was_asked_for_and_never_came_is_asked_for_again() -> None:
    chance = random.Random("late")
    carried = Carried("kraken", Market(chance), chance)
    carried.harm = 1.0
    carried.connect()
    assert carried.talk.steps.missing == ["XBTUSDT", "ETHUSDT"]
    carried.harm, connections = 0.0, carried.connections
    for _ in range(3):
        carried.step()
    assert carried.whole() and carried.same()
    assert carried.connections == connections


def test_what_kraken_proves_nothing_about_is_told_anew_within_five_minutes() -> None:
    chance = random.Random("deep")
    carried = Carried("kraken", Market(chance), chance)
    carried.step()
    ladder = carried.talk.steps.ladders["XBTUSDT"]
    deep = ladder.asks.first(30)[-1]
    ladder.change([], [(deep.price, deep.quantity + 1)])
    assert not carried.same()
    carried.market.move(changes=0)
    for _ in range(25):
        carried.market.updates += 1
        carried.now += 15
        carried.carry(carried.feed.beat())
    assert carried.whole() and carried.same()
    assert carried.connections == 1


@pytest.mark.parametrize("venue", VENUES)
def test_out_of_step_there_is_no_book_and_in_step_its_age_is_that_of_the_last_message(venue: str) -> None:
    chance = random.Random(venue)
    carried = Carried(venue, Market(chance), chance)
    for _ in range(20):
        carried.step()
    symbol = NAMES[venue]["BTCUSDT"]
    steps = carried.talk.steps
    found = steps.book(symbol)
    assert found is not None and carried.now - 15 <= found.received <= carried.now
    steps.heard = carried.now + 10  # another book's change, or a heartbeat: this one stands
    later = steps.book(symbol)
    assert later is not None and later.received == carried.now + 10 and later.bids is found.bids
    steps.heard += 1000
    last = steps.book(symbol)
    assert last is not None and last.received <= carried.now + QUIET_SECONDS
    steps.lost(symbol, carried.now)
    assert steps.book(symbol) is None and symbol in steps.missing


def test_a_book_that_is_lost_again_and_again_ends_the_connection() -> None:
    talk = KrakenTalk(LINES)
    for number in range(MOST_LOSSES):
        talk.steps.lost("XBTUSDT", NOW + number)
    with pytest.raises(OutOfStep):
        talk.steps.lost("XBTUSDT", NOW + 10)
    patient = KrakenTalk(LINES)
    for number in range(3 * MOST_LOSSES):
        patient.steps.lost("XBTUSDT", NOW + 20 * number)


# --- Binance


DEPTH_UPDATE = {
    "e": "depthUpdate",
    "E": 1672515782136,
    "s": "BTCUSDT",
    "U": 157,
    "u": 160,
    "b": [["64000.01000000", "0.00100000"]],
    "a": [["64000.02000000", "100.00000000"]],
}


def at_157() -> BinanceTalk:
    talk = BinanceTalk(["BTCUSDT"])
    assert talk.greeting().fetch == ("BTCUSDT",)
    side = (Level(Decimal("63999.99"), Decimal(1)),), (Level(Decimal("64000.50"), Decimal(1)),)
    talk.fetched(Book("BTCUSDT", *side, sequence=156, received=NOW), NOW)
    return talk


def test_binance_a_change_in_its_documented_form_is_applied_exactly() -> None:
    talk = at_157()
    assert talk.path == "/stream?streams=btcusdt@depth@100ms"
    for wrapped in (False, True):
        value: Any = {**DEPTH_UPDATE, "something": "new"}
        talk.hear(dump({"stream": "btcusdt@depth@100ms", "data": value} if wrapped else value), NOW)
        book = talk.steps.book("BTCUSDT")
        assert book is not None and book.sequence == 160
        assert [str(book.bids[0].price), str(book.bids[0].quantity)] == ["64000.01000000", "0.00100000"]
        assert [len(book.bids), len(book.asks)] == [2, 2]


def event(first: int, last: int, bid: str = "1") -> bytes:
    return dump({**DEPTH_UPDATE, "U": first, "u": last, "b": [["60000", bid]], "a": []})


def test_binance_what_the_book_already_holds_is_dropped_and_what_joins_is_applied() -> None:
    talk = BinanceTalk(["BTCUSDT"])
    for first, last in ((90, 99), (100, 104), (105, 108)):
        assert talk.hear(event(first, last, str(last)), NOW).fetch == ()
    side = (Level(Decimal(59_000), Decimal(1)),), (Level(Decimal(70_000), Decimal(1)),)
    # Older than the first that was heard, with a hole between: it is asked for again.
    assert talk.fetched(Book("BTCUSDT", *side, sequence=88, received=NOW), NOW).fetch == ("BTCUSDT",)
    assert talk.steps.book("BTCUSDT") is None
    assert talk.fetched(Book("BTCUSDT", *side, sequence=102, received=NOW), NOW).fetch == ()
    book = talk.steps.book("BTCUSDT")
    assert book is not None and book.sequence == 108 and book.bids[0].quantity == 108
    assert talk.hear(event(109, 109, "109"), NOW).fetch == ()
    assert talk.hear(event(107, 109, "0"), NOW).fetch == ()  # the past again
    book = talk.steps.book("BTCUSDT")
    assert book is not None and book.sequence == 109 and book.bids[0].quantity == 109


def test_binance_a_hole_is_a_new_start_and_is_not_shown_meanwhile() -> None:
    talk = at_157()
    assert talk.hear(event(158, 160), NOW).fetch == ("BTCUSDT",)
    assert talk.steps.book("BTCUSDT") is None
    assert talk.hear(event(161, 165, "7"), NOW).fetch == ()
    side = (Level(Decimal(59_000), Decimal(1)),), (Level(Decimal(70_000), Decimal(1)),)
    assert talk.fetched(Book("BTCUSDT", *side, sequence=159, received=NOW), NOW).fetch == ()
    book = talk.steps.book("BTCUSDT")
    assert book is not None and book.sequence == 165 and book.bids[0].quantity == 7


def test_binance_what_waits_for_a_book_is_bounded() -> None:
    talk = BinanceTalk(["BTCUSDT"])
    for number in range(MOST_WAITING + 50):
        talk.hear(event(number, number), NOW)
    assert len(talk._waiting["BTCUSDT"]) == MOST_WAITING


def test_binance_a_shutdown_that_is_announced_ends_the_connection_in_time() -> None:
    talk = at_157()
    assert talk.hear(dump({"e": "serverShutdown", "E": 1}), NOW).ends
    assert not talk.hear(dump({"result": None, "id": 1}), NOW).ends
    with pytest.raises(Malformed):
        talk.hear(dump({"error": {"code": 2, "msg": "no"}, "id": 1}), NOW)


# --- Kraken


def kraken_side(told: list[tuple[str, str]]) -> str:
    return "[" + ",".join(f'{{"price":{price},"qty":{quantity}}}' for price, quantity in told) + "]"


def kraken_book(kind: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]], proof: int) -> bytes:
    sides = f'"bids":{kraken_side(bids)},"asks":{kraken_side(asks)}'
    head = f'"channel":"book","type":"{kind}"'
    return f'{{{head},"data":[{{"symbol":"BTC/USD",{sides},"checksum":{proof},"new":1}}]}}'.encode()


def side(told: str) -> list[tuple[str, str]]:
    return [(price, quantity) for price, _, quantity in (one.partition(" ") for one in told.split(", "))]


GUIDE = (  # the worked example of Kraken's guide
    side(
        "45283.5 0.10000000, 45283.4 1.54582015, 45282.1 0.10000000, 45281.0 0.10000000, 45280.3 1.54592586, "
        "45279.0 0.07990000, 45277.6 0.03310103, 45277.5 0.30000000, 45277.3 1.54602737, 45276.6 0.15445238"
    ),
    side(
        "45285.2 0.00100000, 45286.4 1.54571953, 45286.6 1.54571109, 45289.6 1.54560911, 45290.2 0.15890660, "
        "45291.8 1.54553491, 45294.7 0.04454749, 45296.1 0.35380000, 45297.5 0.09945542, 45299.5 0.18772827"
    ),
    3310070434,
)
RECORDED = (  # a real snapshot; its numbers come without their last zeros
    side(
        "29430.2 0.18967538, 29429.6 0.00011621, 29427.4 0.001, 29426.7 4.0, 29425.7 0.67945399, "
        "29423.5 0.67950478, 29422.1 0.16314267, 29421.8 0.06797895, 29421.7 0.23401846, 29421.5 0.28639276"
    ),
    side(
        "29430.3 8.25215653, 29430.4 2.55637606, 29430.5 0.2997598, 29430.9 2.56473216, 29431.0 0.00011662, "
        "29431.1 0.001, 29432.3 0.0241, 29432.4 0.02210682, 29432.5 3.39761477, 29433.1 0.01021497"
    ),
    2785033588,
)
USD = Line("BTC/USD", 1, 8)


@pytest.mark.parametrize("case", [GUIDE, RECORDED], ids=["guide", "recorded"])
def test_kraken_the_published_checksums_are_ours(case: tuple[Any, Any, int]) -> None:
    bids, asks, proof = case
    talk = KrakenTalk({"XXBTZUSD": USD})
    (asked,) = talk.greeting().say
    assert json.loads(asked)["params"] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 500, "snapshot": True}
    assert talk.hear(kraken_book("snapshot", bids, asks, proof), NOW).say == ()
    book = talk.steps.book("XXBTZUSD")
    assert book is not None and (book.bids[0].price, book.asks[0].quantity) == (
        Decimal(bids[0][0]),
        Decimal(asks[0][1]),
    )
    again = KrakenTalk({"XXBTZUSD": USD})
    said = [json.loads(one) for one in again.hear(kraken_book("snapshot", bids, asks, proof + 1), NOW).say]
    assert [one["method"] for one in said] == ["unsubscribe", "subscribe"]
    assert again.steps.book("XXBTZUSD") is None


def test_kraken_what_falls_out_of_the_depth_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.venues.kraken.stream.DEPTH", 10)
    talk = KrakenTalk({"XXBTZUSD": USD})
    bids, asks, proof = GUIDE
    talk.hear(kraken_book("snapshot", bids, asks, proof), NOW)
    ladder = Ladder()
    ladder.replace(*([Level(Decimal(p), Decimal(q)) for p, q in side] for side in (bids, asks)))
    better = [("45284.0", "1.00000000")]
    ladder.change([(Decimal("45284.0"), Decimal(1))], [])
    talk.hear(kraken_book("update", better, [], checksum(ladder, USD)), NOW)
    book = talk.steps.book("XXBTZUSD")
    assert book is not None and len(book.bids) == 10 and book.bids[-1].price == Decimal("45277.3")
    # The eleventh comes back only when it is told again.
    ladder.cut(10)
    ladder.change([(Decimal("45284.0"), Decimal(0))], [])
    talk.hear(kraken_book("update", [("45284.0", "0")], [], checksum(ladder, USD)), NOW)
    book = talk.steps.book("XXBTZUSD")
    assert book is not None and len(book.bids) == 9


def test_kraken_what_still_comes_of_a_subscription_that_was_given_up_is_not_applied() -> None:
    talk = KrakenTalk({"XXBTZUSD": USD})
    bids, asks, proof = GUIDE
    talk.hear(kraken_book("snapshot", bids, asks, proof + 1), NOW)
    assert talk.hear(kraken_book("update", [("45000.0", "1")], [], 1), NOW).say == ()
    talk.hear(kraken_book("snapshot", bids, asks, proof), NOW)
    book = talk.steps.book("XXBTZUSD")
    assert book is not None and len(book.bids) == 10


def test_kraken_a_pair_that_it_refuses_is_left_and_the_others_go_on() -> None:
    talk = KrakenTalk({"XXBTZUSD": USD, "XETHZUSD": Line("ETH/USD", 2, 8)})
    refused = {"method": "subscribe", "error": "Currency pair not supported", "success": False, "symbol": "ETH/USD"}
    talk.hear(dump(refused), NOW)
    assert talk.steps.missing == ["XXBTZUSD"]
    talk.hear(kraken_book("snapshot", *GUIDE), NOW)
    assert talk.steps.missing == []
    with pytest.raises(Malformed):
        talk.hear(dump({"method": "subscribe", "error": "Event(s) not found", "success": False}), NOW)


def test_kraken_names_and_precisions_are_taken_from_its_pairs() -> None:
    dogs = {**KRAKEN_PAIR, "wsname": "XDG/USD", "pair_decimals": 7}
    nameless = {key: value for key, value in KRAKEN_PAIR.items() if key != "wsname"}
    found = lines(dump(envelope({"XBTUSDT": KRAKEN_PAIR, "XDGUSD": dogs, "OLD": nameless})))
    assert found == {"XBTUSDT": Line("BTC/USDT", 1, 8), "XDGUSD": Line("DOGE/USD", 7, 8)}


@pytest.mark.parametrize("price", ["-1", "NaN", "1e40", '"1"', "true", "0", "null"])
def test_kraken_what_is_no_number_of_a_book_is_refused(price: str) -> None:
    talk = KrakenTalk({"XXBTZUSD": USD})
    with pytest.raises(Malformed):
        talk.hear(kraken_book("snapshot", [(price, "1")], [], 0), NOW)


# --- Coinbase


def coinbase(number: int, kind: str, updates: list[tuple[str, str, str]], product: str = "BTC-USDT") -> bytes:
    told = [
        {"side": side, "event_time": "2023-02-09T20:32:50Z", "price_level": price, "new_quantity": quantity}
        for side, price, quantity in updates
    ]
    event = {"type": kind, "product_id": product, "updates": told, "new": {}}
    head = {"channel": "l2_data", "client_id": "", "timestamp": "2023-02-09T20:32:50Z", "sequence_num": number}
    return dump({**head, "events": [event]})


def test_coinbase_books_and_changes_in_their_documented_form_are_exact() -> None:
    talk = CoinbaseTalk(["BTC-USDT"])
    assert [json.loads(one)["channel"] for one in talk.greeting().say] == ["heartbeats", "level2"]
    talk.hear(coinbase(0, "snapshot", [("bid", "21921.73", "0.06317902"), ("offer", "21921.98", "0.25")]), NOW)
    talk.hear(coinbase(1, "update", [("bid", "21921.73", "0"), ("bid", "21921.5", "1.5")]), NOW)
    book = talk.steps.book("BTC-USDT")
    assert book is not None and book.sequence == 1
    assert book.bids == (Level(Decimal("21921.5"), Decimal("1.5")),)
    assert book.asks == (Level(Decimal("21921.98"), Decimal("0.25")),)
    for number, channel in ((2, "subscriptions"), (3, "heartbeats"), (4, "something_new")):
        talk.hear(dump({"channel": channel, "sequence_num": number, "events": []}), NOW + number)
    book = talk.steps.book("BTC-USDT")
    assert book is not None and book.received == NOW + 4


@pytest.mark.parametrize("number", [0, 2, 7])
def test_coinbase_a_number_that_is_missing_or_comes_twice_ends_the_connection(number: int) -> None:
    talk = CoinbaseTalk(["BTC-USDT"])
    talk.hear(coinbase(0, "snapshot", [("bid", "1", "1"), ("offer", "2", "1")]), NOW)
    with pytest.raises(OutOfStep):
        talk.hear(dump({"channel": "heartbeats", "sequence_num": number, "events": []}), NOW)


def test_coinbase_a_product_that_shares_a_book_is_answered_under_the_others_name() -> None:
    talk = CoinbaseTalk(["BTC-USDC"])
    talk.hear(coinbase(0, "snapshot", [("bid", "1", "1"), ("offer", "2", "1")], "BTC-USD"), NOW)
    assert talk.steps.book("BTC-USDC") is not None


def test_coinbase_a_change_of_what_was_never_told_and_an_error_end_the_connection() -> None:
    with pytest.raises(OutOfStep):
        CoinbaseTalk(["BTC-USDT"]).hear(coinbase(0, "update", [("bid", "1", "1")]), NOW)
    with pytest.raises(Malformed):
        CoinbaseTalk(["BTC-USDT"]).hear(dump({"type": "error", "message": "no"}), NOW)


# --- what is missing


def _binance() -> Talk:
    return at_157()


def _kraken() -> Talk:
    return KrakenTalk({"XXBTZUSD": USD})


def _coinbase() -> Talk:
    return CoinbaseTalk(["BTC-USDT"])


FORMS: list[tuple[Callable[[], Talk], bytes, tuple[str, ...]]] = [
    (_binance, dump(DEPTH_UPDATE), ("s", "U", "u", "b", "a")),
    (_kraken, kraken_book("snapshot", *GUIDE), ("type", "data", "symbol", "bids", "asks", "price", "qty", "checksum")),
    (
        _coinbase,
        coinbase(0, "snapshot", [("bid", "1", "1"), ("offer", "2", "1")]),
        ("channel", "sequence_num", "events", "type", "product_id", "updates", "side", "price_level", "new_quantity"),
    ),
]


def without(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: without(one, name) for key, one in value.items() if key != name}
    return [without(one, name) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("made", "message", "needs"), FORMS, ids=VENUES)
def test_a_field_that_is_missing_is_refused(made: Callable[[], Talk], message: bytes, needs: tuple[str, ...]) -> None:
    made().hear(message, NOW)
    for name in needs:
        with pytest.raises(Malformed):
            made().hear(dump(without(json.loads(message), name)), NOW)
    for cut in range(0, len(message) - 1, 7):
        with pytest.raises(Malformed):
            made().hear(message[:cut], NOW)


@pytest.mark.parametrize("made", [_binance, _kraken, _coinbase], ids=VENUES)
@pytest.mark.parametrize("message", [b"", b"[]", b"1", b"null", b"{", b"\x1f\x8b\x08", b"[" * 100_000, b"<html>"])
def test_what_is_not_the_protocol_is_refused(made: Callable[[], Talk], message: bytes) -> None:
    with pytest.raises(Malformed):
        made().hear(message, NOW)
