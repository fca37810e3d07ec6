"""The convert screen: a firm price with its route, its receipt, and what stands there when there is no price."""

import json
import re
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import NewVisitor
from tests.browser.test_every_screen import inspect
from tests.browser.visitor import PHONE, Visitor
from tests.customer import until
from tests.stack import Stack
from tidegate.http import tls

SHARP = {"device_scale_factor": 2}
FIRM = "this price is firm"
HIDDEN = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s})"


async def venues_fault(stack: Stack, fault: str, on: bool) -> None:
    """Break every exchange the house trades on, or mend it."""
    async with httpx.AsyncClient(verify=tls(), timeout=10, trust_env=False) as http:
        for url in {one["rest_url"] for one in stack.ready["venues"].values()}:
            answer = await http.post(f"{url}/_sandbox/faults", json={"fault": fault, "on": on})
            assert answer.status_code == 200, answer.text


async def seconds_left(page: Page) -> int:
    text = await page.locator("aside [role=timer]").inner_text()
    found = re.match(r"(\d+):(\d\d)", text)
    assert found is not None, text
    return int(found[1]) * 60 + int(found[2])


async def test_a_firm_price_counts_down_shows_its_route_and_leaves_a_receipt(
    visitor: Visitor, stack: Stack, tmp_path: Path
) -> None:
    customer = await stack.customer(enrolled=False, USDT="300")
    page = visitor.page
    await visitor.enter(customer.email, customer.password, None)
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Convert").click()
    await page.get_by_label("To", exact=True).select_option("ETH")
    await expect(page.locator("[data-market=ETH-USDT][data-standing=live]")).to_contain_text("1 ETH = ")

    visitor.expected.add(422)
    await page.get_by_label("You give").fill("0.000001")
    least = page.locator("[data-code=below_minimum]")
    await expect(least).to_contain_text("The smallest conversion is")
    await least.get_by_role("button").click()
    await expect(page.get_by_text(FIRM).first).to_be_visible()

    await page.get_by_label("You give").fill("120.5")
    await expect(visitor.button(re.compile("^Convert 120.50 USDT"))).to_be_visible()
    first = await seconds_left(page)
    assert 0 < first <= 15
    await expect(page.locator("[data-route] [data-venue]").first).to_contain_text("1 ETH at ")
    for fee in ("service", "spread"):
        await expect(page.locator(f"aside [data-fee={fee}]")).to_have_text(re.compile(r"^0\.\d{6}$"))
    await expect(page.get_by_role("complementary").get_by_text("none", exact=True)).to_be_visible()
    await expect(page.locator("aside [role=timer]")).not_to_contain_text(f":{first:02d}")
    assert await seconds_left(page) < first
    async with page.expect_response(lambda answer: answer.url.endswith("/exchange/conversions")) as answered:
        await visitor.button(re.compile("^Convert 120.50 USDT")).click()
    made = await (await answered.value).json()

    await expect(visitor.heading()).to_have_text(re.compile(r"120\.50 USDT became 0\.\d+ ETH\."))
    assert await customer.available("USDT") == Decimal("179.5")
    # The house's own trade comes in while one looks, without a reload.
    await expect(page.locator("[data-order=filled], [data-order=partly_filled]").first).to_be_visible()
    await expect(page.locator("[data-fills] tbody tr").first).to_be_visible()
    await expect(page.locator("[data-saving]")).not_to_be_empty()
    await expect(page.locator("[data-way=taken]")).to_contain_text("the best to be had")
    await expect(page.locator("[data-book]").first).to_contain_text(re.compile(r"\d s"))
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="Receipt, JSON").click()
    await (await saved.value).save_as(tmp_path / "receipt.json")
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    shown = (await customer.get(f"/exchange/conversions/{made['id']}"))["receipt"]["execution"]
    assert receipt["receipt"]["execution"]["books"] == shown["books"]
    faults = await inspect(visitor, "a conversion's receipt")
    assert not faults, "\n".join(faults)


@pytest.mark.slow
async def test_a_price_that_ran_out_is_renewed_in_place_and_in_an_empty_room_only_when_asked_for(
    visitor: Visitor, stack: Stack
) -> None:
    customer = await stack.customer(enrolled=False, USDT="300")
    page = visitor.page
    await visitor.enter(customer.email, customer.password, None)
    await page.clock.install()
    await visitor.open("/convert?from=USDT&to=BTC")
    await page.get_by_label("You get").fill("0.001")
    await expect(visitor.button(re.compile("^Convert [0-9.]+ USDT"))).to_be_visible()
    first = await page.get_by_label("You give").input_value()

    async def moved() -> bool | None:
        """Only the page's clock runs ahead: the market has to move by itself before a price can be another one."""
        asked = {"from_asset": "USDT", "to_asset": "BTC", "side": "exact_out", "amount": "0.001"}
        quote = await customer.quote(kind="conversion", **asked)
        return True if Decimal(quote["debit"]["amount"]) != Decimal(first) else None

    await until(moved, "a market that moved", every=0.5)
    await page.clock.fast_forward(16_000)
    # In six decimals of a market that moved no two prices are alike.
    await expect(page.get_by_label("You give")).not_to_have_value(first)
    await expect(page.get_by_text("New price:")).to_be_visible()
    await page.evaluate(HIDDEN % "true")
    await page.clock.fast_forward(16_000)
    await expect(page.get_by_role("complementary").get_by_text("this price has expired")).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="This price has expired.")).to_be_attached()
    await page.evaluate(HIDDEN % "false")
    await visitor.button("Ask for a new price").click()
    await expect(visitor.button(re.compile("^Convert [0-9.]+ USDT"))).to_be_visible()
    assert (await customer.get("/exchange/conversions"))["items"] == []


@pytest.mark.slow
async def test_without_an_exchange_the_screen_says_where_the_money_is_and_goes_on_when_one_is_back(
    visitor: Visitor, stack: Stack
) -> None:
    customer = await stack.customer(enrolled=False, USDT="300")
    page = visitor.page
    visitor.expected.add(503)
    visitor.offline_expected = True
    await visitor.enter(customer.email, customer.password, None)
    await visitor.open("/convert?from=USDT&to=BTC")
    await expect(page.locator("[data-market=BTC-USDT][data-standing=live]")).to_be_visible()
    await venues_fault(stack, "venue_down", True)
    try:
        # Older than five seconds nothing is priced from, and the page says how old it is.
        await expect(page.locator("[data-market=BTC-USDT][data-standing=old]")).to_contain_text("Too old to price from")
        await page.get_by_label("You give").fill("100")
        note = page.locator("[data-code=venue_unavailable]")
        await expect(note).to_contain_text("Your money is in your balance, untouched.")
        await expect(note.get_by_role("link", name="Pay somebody instead")).to_be_visible()
    finally:
        await venues_fault(stack, "venue_down", False)
    await expect(page.locator("[data-market=BTC-USDT][data-standing=live]")).to_be_visible()
    await expect(visitor.button(re.compile("^Convert 100.00 USDT"))).to_be_visible()
    await expect(page.locator("[data-code=venue_unavailable]")).to_have_count(0)
    await visitor.context.set_offline(True)
    await page.get_by_label("You give").fill("101")
    await expect(page.get_by_text("You are offline. Nothing was asked")).to_be_visible()
    await visitor.context.set_offline(False)
    await expect(visitor.button(re.compile("^Convert 101.00 USDT"))).to_be_visible()


@pytest.mark.slow
async def test_a_conversion_is_made_with_the_keyboard_alone_and_heard_once(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False, USDT="300")
    page = visitor.page
    await visitor.enter(customer.email, customer.password, None)
    await visitor.open("/convert?from=USDT&to=BTC")
    await page.get_by_label("You give").focus()
    await page.evaluate(
        "window.heard = []; new MutationObserver(() => window.heard.push("
        "document.querySelector('[role=status]').textContent)).observe("
        "document.querySelector('[role=status]'), {childList: true, characterData: true, subtree: true})"
    )
    await page.keyboard.insert_text("150")
    await expect(visitor.button(re.compile("^Convert 150.00 USDT"))).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="Firm price: 150.00 USDT become")).to_be_attached()
    # The market goes on beside it and says nothing.
    told = page.locator("[data-market=BTC-USDT]")
    before = await told.inner_text()
    await expect(told).not_to_have_text(before)
    assert len(await page.evaluate("window.heard")) <= 2
    await page.keyboard.press("Enter")
    await expect(visitor.heading()).to_have_text(re.compile("150.00 USDT became"))
    await expect(visitor.heading()).to_be_focused()


async def price(visitor: Visitor) -> None:
    """A fresh price of some size."""
    await visitor.open("/convert?from=USDT&to=BTC")
    await visitor.page.get_by_label("You give").fill("20000")
    await expect(visitor.page.get_by_text(FIRM).filter(visible=True).first).to_be_visible()
    await expect(visitor.page.locator("[data-route]")).to_be_visible()


@pytest.mark.slow
async def test_pictures_of_a_conversion_and_its_receipt(visit: NewVisitor, stack: Stack) -> None:
    """Four visitors of one demo person: at a desk and on a phone, in the light and in the dark."""
    ana = next(person for person in stack.demo if person.roles == ("customer",))
    desk = await visit(**SHARP)
    await desk.enter(ana.email, ana.password, ana.authenticator)
    kept = await desk.context.storage_state()
    dark = await visit(**SHARP, color_scheme="dark", storage_state=kept)
    phone = await visit(**SHARP, viewport=PHONE, storage_state=kept)
    night = await visit(**SHARP, viewport=PHONE, color_scheme="dark", storage_state=kept)
    names = ((desk, ""), (dark, "-dark"), (phone, "-phone"), (night, "-phone-dark"))
    for one, name in names:
        await price(one)
        await one.picture(f"convert{name}.png")
    await price(desk)
    await desk.button(re.compile("^Convert 20,000.00 USDT")).click()
    await expect(desk.page.locator("[data-fills] tbody tr").first).to_be_visible()
    path = desk.page.url.removeprefix(stack.url)
    for one, name in names:
        await one.open(path)
        await expect(one.page.locator("[data-fills]")).to_be_visible()
        await one.picture(f"receipt{name}.png")
