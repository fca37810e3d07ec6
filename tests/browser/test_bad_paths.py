"""What can go wrong at the page: each ends with the money where the screen says it is."""

import asyncio
import json
import re

from playwright.async_api import Route, expect

from tests.browser.visitor import RECIPIENT, Visitor, invoice
from tests.stack import Stack


async def test_what_cannot_be_paid_is_named_before_anything_is_asked_for(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False, USDT="100")
    own = await customer.address("USDT", "ethereum")
    await visitor.enter(customer.email, customer.password, None)
    page = visitor.page
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Pay").click()
    field = page.get_by_label("Invoice, payment link or address")
    for text, words in (
        ("hello", "That is not an address."),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "That is"),
        # Mixed case is a checksum; here its last letter is of the wrong case.
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "That is not an address."),
        ("0x0000000000000000000000000000000000000000", "Nothing may be sent to this address"),
        (stack.ready["usdt_contract"], "Nothing may be sent to this address"),
    ):
        await field.fill(text)
        await expect(page.get_by_text(words)).to_be_visible()
        await visitor.button("See what it costs").click()
        await expect(visitor.heading()).to_have_text("What should they get?")
        await expect(field).to_be_focused()
    # Nothing leaves by a network for an address of this house: what is offered costs nothing.
    await field.fill(own)
    await expect(page.get_by_text("This deposit address belongs to somebody here.")).to_be_visible()
    await expect(visitor.button("See what it costs")).to_have_count(0)


async def test_an_address_of_several_assets_is_asked_about_and_amounts_are_read_strictly(
    visitor: Visitor, stack: Stack
) -> None:
    customer = await stack.customer(enrolled=False, USDT="100")
    await visitor.enter(customer.email, customer.password, None)
    page = visitor.page
    await page.get_by_label("Pay an invoice or an address").fill(f"  {RECIPIENT[:10]} {RECIPIENT[10:]} ")
    await visitor.button("Pay").click()
    await expect(page.get_by_text("This is an address on Ethereum.")).to_be_visible()
    await expect(page.get_by_text("Removed one space that came along.")).to_be_visible()
    amount = page.get_by_label(re.compile("Exactly this much"))
    await amount.fill("25")
    await visitor.button("See what it costs").click()
    await expect(page.get_by_text("Choose what should arrive.")).to_be_visible()
    await page.get_by_role("radio", name=re.compile("Tether USD")).check()
    for text, words in (
        ("0", "More than zero"),
        ("-1", "Write digits and one point"),
        ("1e3", "Write digits and one point"),
        ("1,000", "Is that a thousand"),
        ("0.0000001", "This asset has 6 decimals"),
    ):
        await amount.fill(text)
        await visitor.button("See what it costs").click()
        await expect(page.get_by_text(words)).to_be_visible()
        await expect(amount).to_be_focused()
    await amount.fill("500")
    await visitor.button("See what it costs").click()
    row = page.locator("[data-asset=USDT]")
    await expect(row).to_contain_text("short by 400")
    await expect(row.get_by_role("radio")).to_be_disabled()


async def test_a_lost_answer_is_asked_for_again_and_one_payment_is_made(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(USDT="60")
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    page = visitor.page
    await visitor.pay(invoice(stack, 5_000_000), pay_with="USDT")
    lost: list[str] = []

    async def lose(route: Route) -> None:
        if route.request.method != "POST" or lost:
            await route.continue_()
        else:
            answer = await route.fetch()
            lost.append(str((await answer.json())["id"]))
            await route.abort("connectionreset")

    visitor.offline_expected = True
    await page.route("**/api/v1/transactions/withdrawals", lose)
    await visitor.button("Confirm with your code").dblclick()
    await expect(page.get_by_text("We are checking whether it was submitted. Do not send it again.")).to_be_visible()
    await expect(visitor.heading()).to_have_text("Send 5.00 USDT?")
    made = (await customer.get("/transactions/withdrawals"))["items"]
    assert [found["id"] for found in made] == lost
    await visitor.button("Do not send it").click()
    await expect(visitor.heading()).to_have_text("You pay with")
    assert (await customer.withdrawal(lost[0]))["state"] == "cancelled"
    assert await customer.available("USDT") == 60


async def test_wrong_and_used_codes_are_refused_and_the_right_one_still_counts(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(USDT="60")
    assert customer.authenticator is not None
    used = await customer.code()
    await visitor.open("/sign-in")
    await visitor.sign_in(customer.email, customer.password, used)
    page = visitor.page
    await expect(page.get_by_role("heading", name="Balances")).to_be_visible()
    await visitor.pay(invoice(stack, 5_000_000), pay_with="USDT")
    await visitor.button("Confirm with your code").click()
    visitor.expected.add(422)
    await visitor.confirm("12345")
    await expect(page.get_by_label("Code of your authenticator")).to_be_focused()
    await visitor.confirm(customer.authenticator.wrong())
    await expect(page.get_by_text("This code is not right.")).to_be_visible()
    await expect(page.get_by_label("Code of your authenticator")).to_be_focused()
    await visitor.confirm(used)
    await expect(page.get_by_text("This code was used before.")).to_be_visible()
    await visitor.confirm(await customer.code())
    await expect(visitor.state()).to_have_attribute("data-state", "completed", timeout=60_000)


async def test_a_session_that_ends_at_the_last_step_loses_nothing(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(USDT="60")
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    page = visitor.page
    await visitor.pay(invoice(stack, 5_000_000), pay_with="USDT")
    await visitor.button("Confirm with your code").click()
    await expect(visitor.heading()).to_have_text("Send 5.00 USDT?")
    await visitor.context.clear_cookies()
    await visitor.confirm("123456")
    await expect(page.get_by_text("Your session is over.")).to_be_visible()
    await visitor.sign_in(customer.email, customer.password, await customer.code())
    await expect(visitor.heading()).to_have_text("Send 5.00 USDT?")
    held = (await customer.balance("USDT"))["held"]
    assert held > 5
    await visitor.button("Do not send it").click()
    await expect(visitor.heading()).to_have_text("You pay with")
    assert await customer.available("USDT") == 60


async def test_an_expired_price_is_renewed_in_place_and_says_by_how_much_it_differs(
    visitor: Visitor, stack: Stack
) -> None:
    customer = await stack.customer(BTC="0.01")
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    page = visitor.page
    await page.clock.install()
    await visitor.pay(invoice(stack, 25_000_000), pay_with="BTC")
    first = await page.locator("[data-debit]").get_attribute("data-debit")
    async with page.expect_response(lambda answer: answer.url.endswith("/exchange/quotes")) as answered:
        await page.clock.fast_forward(61_000)
    second = (await (await answered.value).json())["debit"]["amount"]
    await expect(page.locator("main").get_by_text("New price.", exact=True)).to_be_visible()
    await expect(page.locator("[data-debit]")).to_have_attribute("data-debit", second)
    words = "It is the same as before." if first == second else re.compile(r"this one is 0\.\d{8} BTC (higher|lower)")
    await expect(page.get_by_text(words)).to_be_visible()
    assert (await customer.get("/transactions/withdrawals"))["items"] == []


async def test_without_the_stream_the_page_asks_every_five_seconds_and_says_so(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    visitor.offline_expected = True
    page = visitor.page
    await page.route("**/api/v1/events", lambda route: route.abort())
    await visitor.enter(customer.email, customer.password, None)
    await expect(page.get_by_text("Every 5 s")).to_be_visible()
    address = await customer.address("BTC", "bitcoin")
    await stack.faucet("BTC", "bitcoin", address, "0.003")
    await stack.mine("bitcoin", 2)
    await expect(page.locator("[data-asset=BTC] [data-available='0.00300000']")).to_be_visible(timeout=20_000)
    # The stream is back: the page says so, and hears of the next thing at once.
    await page.unroute("**/api/v1/events")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=20_000)


async def test_no_exchange_leaves_the_plain_way_open(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(BTC="0.01", USDT="60")
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    page = visitor.page
    visitor.expected.add(503)

    async def down(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")
        if asked.get("from_asset") == asked.get("to_asset"):
            await route.continue_()
            return
        problem = {"type": "/problems/venue-unavailable", "title": "-", "status": 503, "detail": "-", "instance": "-"}
        body = json.dumps({**problem, "code": "venue_unavailable", "request_id": "r", "retry_after": 5})
        await route.fulfill(status=503, content_type="application/problem+json", body=body)

    await page.route("**/api/v1/exchange/quotes", down)
    await page.get_by_label("Pay an invoice or an address").fill(invoice(stack, 5_000_000))
    await visitor.button("Pay").click()
    await visitor.button("See what it costs").click()
    await expect(page.locator("[data-asset=BTC]")).to_contain_text("No exchange can be asked for a price.")
    await expect(page.locator("[data-asset=USDT]").get_by_role("radio")).to_be_checked()
    await visitor.button("Check every detail").click()
    await expect(visitor.heading()).to_have_text("Check every detail")


async def test_while_the_system_starts_the_page_shows_what_is_missing_live(visitor: Visitor) -> None:
    page = visitor.page
    ready = asyncio.Event()

    async def starting(route: Route) -> None:
        parts = [
            {
                "name": "postgres",
                "what": "the database",
                "state": "ready",
                "detail": "",
                "since": "2026-01-01T00:00:00Z",
            },
            {"name": "seed", "what": "people", "state": "starting", "detail": "", "since": "2026-01-01T00:00:00Z"},
        ]
        body = {"started_at": "2026-01-01T00:00:00Z", "ready": ready.is_set(), "parts": parts}
        await route.fulfill(json=body)

    await page.route("**/api/v1/sandbox/start", starting)
    await visitor.open("/")
    await expect(page.locator("li[data-state=starting]")).to_contain_text("Demo people, funds, history")
    assert await visitor.axe() == []
    ready.set()
    await expect(visitor.heading()).to_have_text("Sign in")


async def test_the_keyboard_alone_pays(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(USDT="60")
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    page = visitor.page
    keys = page.keyboard
    await page.get_by_label("Pay an invoice or an address").focus()
    await keys.insert_text(invoice(stack, 5_000_000))
    await keys.press("Enter")
    await expect(page.locator("[data-address]")).to_be_visible()
    await expect(visitor.heading()).to_be_focused()
    for act, next_heading in (
        ("See what it costs", "You pay with"),
        ("Check every detail", "Check every detail"),
        ("Confirm with your code", "Send 5.00 USDT?"),
    ):
        button = visitor.button(act)
        await expect(button).to_be_enabled()
        if act == "Check every detail":
            await expect(page.locator("[data-asset=USDT]").get_by_role("radio")).to_be_checked()
        await tab_to(visitor, act)
        await keys.press("Enter")
        await expect(visitor.heading()).to_have_text(next_heading)
        await expect(visitor.heading()).to_be_focused()
    await keys.press("Tab")
    await expect(page.get_by_label("Code of your authenticator")).to_be_focused()
    await keys.insert_text(await customer.code())
    await keys.press("Enter")
    await expect(page.get_by_text("Where is my money?").first).to_be_visible()


async def tab_to(visitor: Visitor, name: str) -> None:
    """Tab until the button has the focus, as a person without a mouse does."""
    for _ in range(60):
        await visitor.page.keyboard.press("Tab")
        if await visitor.page.evaluate("document.activeElement.textContent") == name:
            return
    raise AssertionError(f"the keyboard does not reach {name!r}")
