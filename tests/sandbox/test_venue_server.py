"""The sandbox venue as a process: its refusals on the wire, its memory over a kill, its control door."""

import asyncio
import hmac
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.venues.running import ACCOUNTS, Running, running_venue
from tidegate.http import Answer, NoAnswer, Outbound
from tidegate.sandbox.process import run
from tidegate.sandbox.venue.journal import Journal

KEY, SECRET = ACCOUNTS[1]["api_key"], ACCOUNTS[1]["secret"]
BUY = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.01&price=70000"
REST = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000"


@pytest.fixture(scope="module")
async def venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_venue(tmp_path_factory.mktemp("venue")) as running:
        yield running


def stamped(text: str, *, at: int | None = None) -> str:
    return f"{text}&timestamp={at or time.time_ns() // 1_000_000}".lstrip("&")


def signature(payload: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), payload.encode(), sha256).hexdigest()


def signed(text: str, *, at: int | None = None) -> str:
    text = stamped(text, at=at)
    return f"{text}&signature={signature(text)}"


async def ask(
    venue: Running, method: str, path: str, query: str = "", body: str | None = None, key: str = KEY
) -> Answer:
    out = Outbound(venue.url, headers={"x-mbx-apikey": key} if key else {})
    try:
        return await out.call(
            method, f"{path}?{query}" if query else path, content=None if body is None else body.encode()
        )
    finally:
        await out.close()


def code(answer: Answer) -> tuple[int, int]:
    value = json.loads(answer.body)
    assert set(value) == {"code", "msg"}
    return answer.status, value["code"]


async def order(venue: Running, text: str) -> Any:
    answer = await ask(venue, "POST", "/api/v3/order", body=signed(text))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


async def test_an_order_may_come_in_the_query_in_the_body_or_in_both(venue: Running) -> None:
    for split in (0, 3, 6):
        pairs = stamped(BUY).split("&")
        query, body = "&".join(pairs[:split]), "&".join(pairs[split:])
        sealed = f"{body}&signature={signature(query + body)}"
        answer = await ask(venue, "POST", "/api/v3/order", query, sealed)
        assert answer.status == 200, answer.body
        assert json.loads(answer.body)["status"] == "FILLED"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BUY.replace("BTCUSDT", "BTCEUR"), (400, -1121)),
        (BUY.replace("symbol=BTCUSDT&", ""), (400, -1102)),
        (BUY.replace("BUY", "HOLD"), (400, -1117)),
        (BUY.replace("LIMIT", "STOP"), (400, -1116)),
        (BUY.replace("IOC", "DAY"), (400, -1115)),
        (BUY.replace("&timeInForce=IOC", ""), (400, -1102)),
        (BUY.replace("&price=70000", ""), (400, -1102)),
        (BUY.replace("quantity=0.01", "quantity=1e-2"), (400, -1100)),
        (BUY.replace("quantity=0.01", "quantity=-1"), (400, -1100)),
        (BUY.replace("quantity=0.01", "quantity=%EF%BC%91"), (400, -1100)),
        (BUY.replace("quantity=0.01", "quantity=0.0100000001"), (400, -1111)),
        (BUY.replace("quantity=0.01", "quantity=0"), (400, -1013)),
        (BUY.replace("quantity=0.01", "quantity=0.010001"), (400, -1013)),
        (BUY.replace("price=70000", "price=70000.001"), (400, -1013)),
        (BUY.replace("quantity=0.01", "quantity=0.00002"), (400, -1013)),
        (BUY.replace("quantity=0.01", "quantity=50"), (400, -2010)),
        (BUY + "&newClientOrderId=a.b", (400, -1100)),
        (BUY + "&newClientOrderId=" + "a" * 37, (400, -1100)),
        (BUY + "&newOrderRespType=LONG", (400, -1130)),
        (BUY + "&quoteOrderQty=5", (400, -1106)),
        (BUY + "&symbol=BTCUSDT", (400, -1101)),
        (BUY + "&recvWindow=60001", (400, -1131)),
        (BUY + "&recvWindow=soon", (400, -1100)),
    ],
)
async def test_a_malformed_order_gets_the_code_binance_gives(
    venue: Running, text: str, expected: tuple[int, int]
) -> None:
    before = await venue.books()
    assert code(await ask(venue, "POST", "/api/v3/order", body=signed(text))) == expected
    assert await venue.books() == before


@pytest.mark.parametrize(("off_ms", "expected"), [(-5_500, -1021), (1_500, -1021), (-3_000, None), (500, None)])
async def test_a_stamp_counts_from_the_window_before_to_a_second_ahead(
    venue: Running, off_ms: int, expected: int | None
) -> None:
    answer = await ask(venue, "GET", "/api/v3/account", signed("", at=time.time_ns() // 1_000_000 + off_ms))
    assert (answer.status == 200) if expected is None else (code(answer) == (400, expected))


async def test_a_signature_covers_every_byte_as_sent(venue: Running) -> None:
    whole = signed(BUY)
    for forged in (
        whole.replace("quantity=0.01", "quantity=0.02"),
        whole.replace("symbol=BTCUSDT&side=BUY", "side=BUY&symbol=BTCUSDT"),
        whole.replace("BTCUSDT", "%42TCUSDT"),
        whole[:-1],
        stamped(BUY) + "&signature=" + signature(stamped(BUY), "another secret"),
    ):
        assert code(await ask(venue, "POST", "/api/v3/order", body=forged)) == (400, -1022)
    assert code(await ask(venue, "POST", "/api/v3/order", body=stamped(BUY))) == (400, -1102)
    raw = stamped(BUY + '&note="quoted"')
    assert code(await ask(venue, "POST", "/api/v3/order", body=f"{raw}&signature={signature(raw)}")) == (400, -1022)


async def test_keys_are_refused_by_their_code(venue: Running) -> None:
    assert code(await ask(venue, "GET", "/api/v3/account", signed(""), key="")) == (401, -2014)
    assert code(await ask(venue, "GET", "/api/v3/account", signed(""), key="a b")) == (401, -2014)
    assert code(await ask(venue, "GET", "/api/v3/account", signed(""), key="unknown")) == (401, -2015)
    assert code(await ask(venue, "GET", "/api/v3/account", signed(""), key=ACCOUNTS[0]["api_key"])) == (400, -1022)


async def test_an_unknown_symbol_fails_the_whole_list(venue: Running) -> None:
    one = await ask(venue, "GET", "/api/v3/exchangeInfo", "symbols=%5B%22BTCUSDT%22,%22ETHBTC%22%5D")
    assert [entry["symbol"] for entry in json.loads(one.body)["symbols"]] == ["BTCUSDT", "ETHBTC"]
    answer = await ask(venue, "GET", "/api/v3/exchangeInfo", "symbols=%5B%22BTCUSDT%22,%22NOSUCH%22%5D")
    assert code(answer) == (400, -1121)


async def test_cancelling_names_both_ids_and_needs_an_open_order(venue: Running) -> None:
    placed = await order(venue, REST + "&newClientOrderId=resting-1")
    query = signed("symbol=BTCUSDT&origClientOrderId=resting-1&newClientOrderId=cancel-1")
    cancelled = json.loads((await ask(venue, "DELETE", "/api/v3/order", query)).body)
    assert (cancelled["orderId"], cancelled["status"]) == (placed["orderId"], "CANCELED")
    assert (cancelled["origClientOrderId"], cancelled["clientOrderId"]) == ("resting-1", "cancel-1")
    again = signed("symbol=BTCUSDT&origClientOrderId=resting-1")
    assert code(await ask(venue, "DELETE", "/api/v3/order", again)) == (400, -2011)
    both = signed(f"symbol=BTCUSDT&origClientOrderId=another&orderId={placed['orderId']}")
    assert code(await ask(venue, "GET", "/api/v3/order", both)) == (400, -2039)
    neither = signed("symbol=BTCUSDT")
    assert code(await ask(venue, "GET", "/api/v3/order", neither)) == (400, -1102)


async def test_the_kinds_of_answer_to_a_new_order(venue: Running) -> None:
    acknowledged = await order(venue, BUY + "&newOrderRespType=ACK")
    assert set(acknowledged) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    result = await order(venue, BUY + "&newOrderRespType=RESULT")
    assert result["status"] == "FILLED"
    assert "fills" not in result
    full = await order(venue, BUY)
    assert sum(Decimal(fill["qty"]) for fill in full["fills"]) == Decimal("0.01")


async def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    async with running_venue(tmp_path) as venue:
        filled = await order(venue, BUY + "&newClientOrderId=filled-1")
        resting = await order(venue, REST + "&newClientOrderId=resting-1")
        await venue.move("BTCUSDT", "61000")
        before = await venue.books()
        await venue.restart(signal.SIGKILL)
        assert await venue.books() == before
        for number in (filled["orderId"], resting["orderId"]):
            answer = await ask(venue, "GET", "/api/v3/order", signed(f"symbol=BTCUSDT&orderId={number}"))
            assert answer.status == 200
        trades = json.loads((await ask(venue, "GET", "/api/v3/myTrades", signed("symbol=BTCUSDT"))).body)
        assert sum(Decimal(trade["qty"]) for trade in trades) == Decimal("0.01")
        # The resting order still holds its funds, is still there to cancel, and ids go on upwards.
        later = await order(venue, BUY)
        assert later["orderId"] > resting["orderId"]
        assert later["fills"][0]["tradeId"] > max(trade["id"] for trade in trades)
        cancel = signed("symbol=BTCUSDT&origClientOrderId=resting-1")
        assert (await ask(venue, "DELETE", "/api/v3/order", cancel)).status == 200


async def test_an_order_whose_answer_was_withheld_survives_a_kill(tmp_path: Path) -> None:
    async with running_venue(tmp_path) as venue:
        await venue.fault("venue_timeout_after_accept", seconds=0)
        with pytest.raises(NoAnswer):
            await ask(venue, "POST", "/api/v3/order", body=signed(BUY + "&newClientOrderId=lost-1"))
        await venue.restart(signal.SIGKILL)
        answer = await ask(venue, "GET", "/api/v3/order", signed("symbol=BTCUSDT&origClientOrderId=lost-1"))
        assert json.loads(answer.body)["status"] == "FILLED"


async def test_a_second_venue_on_the_same_directory_is_refused(venue: Running) -> None:
    words = ["--port", "0", "--data", str(venue.directory / "data"), "--config", str(venue.directory / "config.json")]
    with pytest.raises(Exception, match="another venue runs"):
        await run([sys.executable, "-m", "tidegate.sandbox.venue", *words])


async def test_terminating_it_ends_it_soon_even_while_it_withholds_an_answer(tmp_path: Path) -> None:
    async with running_venue(tmp_path) as venue:
        await venue.fault("venue_timeout_after_accept", seconds=60)
        lost = asyncio.create_task(ask(venue, "POST", "/api/v3/order", body=signed(BUY)))
        await _wait_for_order(venue)
        began = time.monotonic()
        assert await venue.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
        assert time.monotonic() - began < 6
        with pytest.raises(NoAnswer):
            await lost


async def _wait_for_order(venue: Running) -> None:
    until = time.monotonic() + 10
    while (await venue.books())["orders"] == 0:
        assert time.monotonic() < until


async def test_prices_move_by_themselves(tmp_path: Path) -> None:
    async with running_venue(tmp_path, interval_ms=20) as venue:
        first = await venue.control("GET", "/_sandbox/market")
        until = time.monotonic() + 10
        while (second := await venue.control("GET", "/_sandbox/market")) == first:
            assert time.monotonic() < until
        assert second["BTCUSDT"] != first["BTCUSDT"] or second["ETHUSDT"] != first["ETHUSDT"]
        depths = [json.loads((await ask(venue, "GET", "/api/v3/depth", "symbol=ETHBTC")).body) for _ in range(2)]
        assert depths[0]["lastUpdateId"] <= depths[1]["lastUpdateId"]


async def test_a_paused_market_stands_still(venue: Running) -> None:
    await venue.control("POST", "/_sandbox/market", {"steps": 5})
    first = await venue.control("GET", "/_sandbox/market")
    assert await venue.control("GET", "/_sandbox/market") == first


async def test_weight_beyond_the_minute_is_429_and_going_on_is_418(tmp_path: Path) -> None:
    async with running_venue(tmp_path, weight=60) as venue:
        answers = [await ask(venue, "GET", "/api/v3/exchangeInfo") for _ in range(8)]
        # The minute may turn once in between.
        refused = [answer for answer in answers if answer.status != 200]
        assert [answer.status for answer in refused][:1] == [429]
        assert [answer.status for answer in refused] == sorted((a.status for a in refused), reverse=True)
        assert all(code(answer)[1] == -1003 and int(answer.headers["retry-after"]) <= 60 for answer in refused)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b'{"fault":"no_such","on":true}', 422),
        ({"content-type": "application/json"}, b"not json", 422),
        ({"content-type": "application/json"}, b"[]", 422),
        ({"content-type": "text/plain"}, b'{"fault":"venue_down","on":true}', 422),
        ({"content-type": "application/json", "host": "evil.example"}, b'{"fault":"venue_down","on":true}', 403),
    ],
)
async def test_the_control_door_refuses_strangers_and_nonsense(
    venue: Running, headers: dict[str, str], body: bytes, status: int
) -> None:
    out = Outbound(venue.url)
    assert (await out.call("POST", "/_sandbox/faults", content=body, headers=headers)).status == status
    await out.close()
    assert not any(entry["on"] for entry in (await venue.control("GET", "/_sandbox/faults"))["items"])


def test_a_torn_last_line_never_happened(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append({"a": 1, "b": 1})
    journal.append({"b": 2})
    journal.close()
    with (tmp_path / "venue.journal").open("ab") as file:
        file.write(b'{"b":3,"c')
    again = Journal(tmp_path)
    assert again.cells == {"a": 1, "b": 2}
    again.append({"c": 4})
    again.close()
    assert Journal(tmp_path).cells == {"a": 1, "b": 2, "c": 4}


async def test_the_running_books_hold_exactly_what_the_accounts_were_opened_with(venue: Running) -> None:
    for side, price in (("BUY", "70000"), ("SELL", "60000"), ("BUY", "50000")):
        await order(venue, f"symbol=BTCUSDT&side={side}&type=LIMIT&timeInForce=GTC&quantity=0.01234&price={price}")
    books = await venue.books()
    opened: dict[str, Decimal] = {}
    for account in ACCOUNTS:
        for asset, amount in account["balances"].items():
            opened[asset] = opened.get(asset, Decimal(0)) + Decimal(amount)
    assert {asset: Decimal(total) for asset, total in books["totals"].items()} == opened
    assert Decimal(books["fees"]["BTC"]) > 0
    assert Decimal(books["fees"]["USDT"]) > 0
