"""Exchange: one firm, all-in price, whose numbers add up to the unit and are kept."""

import asyncio
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Any

import pytest

from tests.customer import Customer, amount, fresh_key, until
from tests.stack import Stack

DECIMALS = {"BTC": 8, "ETH": 18, "USDT": 6, "USDC": 6}


@pytest.fixture(scope="module")
async def trader(stack: Stack) -> Customer:
    return await stack.customer(BTC="0.05", ETH="0.5", USDT="500")


@pytest.fixture
async def destination(stack: Stack) -> str:
    return await stack.new_address("ethereum")


def rounded(value: Decimal, asset: str, direction: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-DECIMALS[asset]), rounding=direction)


def check_identities(quote: dict[str, Any], from_asset: str, to_asset: str) -> None:
    """API.md's equations, exactly."""
    with localcontext() as context:
        context.prec = 80
        debit, deliver = amount(quote["debit"]), amount(quote["deliver"])
        fees = sum((amount(fee["amount"]) for fee in quote["fees"]), Decimal(0))
        rate = Decimal(quote["rate"])
        assert {fee["amount"]["asset"] for fee in quote["fees"]} <= {from_asset}
        assert (quote["debit"]["asset"], quote["deliver"]["asset"]) == (from_asset, to_asset)
        assert len(rate.as_tuple().digits) <= 18
        assert amount(quote["total_cost"]["amount"]) == fees
        if from_asset == to_asset:
            assert quote["rate"] == "1"
            assert debit == deliver + fees
        elif quote["side"] == "exact_in":
            assert deliver == rounded((debit - fees) * rate, to_asset, ROUND_FLOOR)
        else:
            assert debit == fees + rounded(deliver / rate, from_asset, ROUND_CEILING)


@pytest.mark.parametrize("side", ["exact_in", "exact_out"])
@pytest.mark.parametrize(
    ("kind", "from_asset", "to_asset", "network", "given", "wanted"),
    [
        ("withdrawal", "BTC", "USDT", "ethereum", "0.001", "25"),
        ("withdrawal", "USDT", "BTC", "bitcoin", "60", "0.0005"),
        ("withdrawal", "ETH", "USDT", "ethereum", "0.02", "25"),
        ("withdrawal", "BTC", "BTC", "bitcoin", "0.002", "0.001"),
        ("withdrawal", "USDT", "USDT", "ethereum", "60", "25"),
        ("conversion", "BTC", "USDT", None, "0.001", "25"),
        ("conversion", "USDT", "ETH", None, "60", "0.01"),
    ],
)
async def test_debit_fees_rate_and_delivery_of_a_quote_agree_to_the_unit(
    trader: Customer,
    side: str,
    kind: str,
    from_asset: str,
    to_asset: str,
    network: str | None,
    given: str,
    wanted: str,
) -> None:
    fixed = given if side == "exact_in" else wanted
    asked = {"kind": kind, "from_asset": from_asset, "to_asset": to_asset, "side": side, "amount": fixed}
    if network:
        asked["network"] = network
    quote = await trader.quote(**asked)
    check_identities(quote, from_asset, to_asset)
    exact = quote["debit"] if side == "exact_in" else quote["deliver"]
    assert amount(exact) == Decimal(fixed)
    kinds = [fee["kind"] for fee in quote["fees"]]
    assert len(kinds) == len(set(kinds))
    if kind == "withdrawal":
        assert "network" in kinds
        assert quote["arrives_by"]["earliest"] < quote["arrives_by"]["latest"]
    if from_asset != to_asset:
        assert quote["route"]
        assert sum(Decimal(leg["share"]) for leg in quote["route"]) == 1
    assert quote["state"] == "open"


async def test_max_leaves_exactly_nothing(stack: Stack, destination: str) -> None:
    customer = await stack.customer(USDT="60")
    quote = await customer.quote(
        kind="withdrawal", from_asset="USDT", to_asset="USDT", network="ethereum", side="exact_in", amount="max"
    )
    assert amount(quote["debit"]) == Decimal(60)
    withdrawal = await customer.withdraw(quote, destination)
    assert await customer.available("USDT") == 0
    await customer.post(f"/transactions/withdrawals/{withdrawal['id']}/cancel")
    assert await customer.available("USDT") == 60


async def test_max_of_what_arrives_is_no_amount(trader: Customer) -> None:
    asked = {"kind": "conversion", "from_asset": "BTC", "to_asset": "USDT", "side": "exact_out", "amount": "max"}
    answer = await trader.call("POST", "/exchange/quotes", asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_amount")


async def test_a_conversion_books_exactly_its_quote(stack: Stack) -> None:
    customer = await stack.customer(BTC="0.01")
    quote = await customer.quote(kind="conversion", from_asset="BTC", to_asset="USDT", side="exact_out", amount="25")
    conversion = await customer.post(
        "/exchange/conversions", {"quote_id": quote["id"], "reference": "rent"}, key=fresh_key()
    )
    assert conversion["state"] in ("executing", "completed")
    assert await customer.available("BTC") == Decimal("0.01") - amount(quote["debit"])
    assert await customer.available("USDT") == 25

    async def done() -> dict[str, Any] | None:
        found = await customer.get(f"/exchange/conversions/{conversion['id']}")
        return found if found["state"] == "completed" else None

    await until(done, "the conversion completed")
    history = (await customer.get("/transactions"))["items"]
    assert [item["id"] for item in history if item["kind"] == "conversion"] == [conversion["id"]]


async def test_a_used_quote_is_refused(stack: Stack) -> None:
    customer = await stack.customer(USDT="100")
    quote = await customer.quote(kind="conversion", from_asset="USDT", to_asset="BTC", side="exact_in", amount="20")
    await customer.post("/exchange/conversions", {"quote_id": quote["id"]}, key=fresh_key())
    answer = await customer.call("POST", "/exchange/conversions", {"quote_id": quote["id"]}, key=fresh_key())
    assert (answer.status_code, answer.json()["code"]) == (409, "quote_used")
    assert await customer.available("USDT") == 80


async def test_a_quote_that_ran_out_is_refused_and_never_priced_anew(trader: Customer) -> None:
    before = await trader.available("USDT")
    quote = await trader.quote(kind="conversion", from_asset="USDT", to_asset="BTC", side="exact_in", amount="20")

    async def expired() -> dict[str, Any] | None:
        found = await trader.get(f"/exchange/quotes/{quote['id']}")
        return found if found["state"] == "expired" else None

    found = await until(expired, "the quote expired", within=30)
    assert (found["debit"], found["deliver"], found["rate"]) == (quote["debit"], quote["deliver"], quote["rate"])
    answer = await trader.call("POST", "/exchange/conversions", {"quote_id": quote["id"]}, key=fresh_key())
    assert (answer.status_code, answer.json()["code"]) == (409, "quote_expired")
    assert await trader.available("USDT") == before


async def test_a_quote_for_one_destination_pays_no_other(trader: Customer, stack: Stack, destination: str) -> None:
    quote = await trader.quote(
        kind="withdrawal",
        from_asset="USDT",
        to_asset="USDT",
        network="ethereum",
        side="exact_out",
        amount="25",
        address=destination,
    )
    other = await stack.new_address("ethereum")
    body = {"quote_id": quote["id"], "address": other}
    answer = await trader.call("POST", "/transactions/withdrawals", body, key=fresh_key())
    assert (answer.status_code, answer.json()["code"]) == (422, "quote_kind_mismatch")


async def test_a_rate_says_how_old_it_is_and_where_it_comes_from(trader: Customer) -> None:
    found = await trader.get("/exchange/rates/BTC/USDT")
    assert Decimal(found["mid"]) > 0
    assert found["as_of"].endswith("Z")
    assert found["sources"]


async def test_with_the_venue_down_converting_quotes_are_refused_and_plain_ones_go_on(
    trader: Customer, stack: Stack
) -> None:
    converting = {
        "kind": "withdrawal",
        "from_asset": "BTC",
        "to_asset": "USDT",
        "network": "ethereum",
        "side": "exact_out",
        "amount": "25",
    }
    with stack.stopped("venue"):

        async def refused() -> dict[str, Any] | None:
            answer = await trader.call("POST", "/exchange/quotes", converting)
            if answer.status_code == 201:
                return None
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
            return dict(answer.json())

        assert (await until(refused, "503", within=40, every=0.5))["code"] == "venue_unavailable"
        await trader.quote(
            kind="withdrawal", from_asset="USDT", to_asset="USDT", network="ethereum", side="exact_out", amount="25"
        )

    async def back() -> bool | None:
        return (await trader.call("POST", "/exchange/quotes", converting)).status_code == 201 or None

    await until(back, "quotes again", within=40, every=0.5)


async def test_two_acceptances_of_one_quote_at_once_are_one_conversion(stack: Stack) -> None:
    customer = await stack.customer(USDT="100")
    quote = await customer.quote(kind="conversion", from_asset="USDT", to_asset="BTC", side="exact_in", amount="20")
    answers = await asyncio.gather(
        *(customer.call("POST", "/exchange/conversions", {"quote_id": quote["id"]}, key=fresh_key()) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"quote_used", "conflict"}
    assert await customer.available("USDT") == 80
