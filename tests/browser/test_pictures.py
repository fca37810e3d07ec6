"""The README's pictures, made by a demo person's real payment in the running system."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewVisitor
from tests.browser.visitor import PHONE, RECIPIENT, Visitor, invoice
from tests.customer import Authenticator
from tests.stack import Stack

SHARP = {"device_scale_factor": 2}


@pytest.mark.slow
async def test_pictures_of_a_payment_from_its_price_to_its_arrival(visit: NewVisitor, stack: Stack) -> None:
    """Three visitors of one demo person: at a desk, in the dark, on a phone; they share one session."""
    mara = [person for person in stack.demo if person.roles == ("customer",)][1]
    desk = await visit(**SHARP)
    await desk.open("/")
    await expect(desk.page.locator("li[data-email]").first).to_be_visible()
    await desk.picture("sign-in.png")
    await desk.sign_in(mara.email, mara.password, await mara.authenticator.code())
    await expect(desk.page.get_by_role("heading", name="Balances")).to_be_visible()
    kept = await desk.context.storage_state()
    dark = await visit(**SHARP, color_scheme="dark", storage_state=kept)
    phone = await visit(**SHARP, viewport=PHONE, storage_state=kept)

    for visitor, name in ((desk, "pay.png"), (dark, "pay-dark.png"), (phone, "pay-phone.png")):
        await visitor.open("/")
        await visitor.page.get_by_label("Pay an invoice or an address").fill(invoice(stack, 500_000_000, RECIPIENT))
        await visitor.button("Pay").click()
        await visitor.button("See what it costs").click()
        await expect(visitor.page.get_by_text("Cheapest")).to_be_visible()
        await visitor.choose("BTC")
        await visitor.picture(name)
    await desk.button("Check every detail").click()
    await expect(desk.page.get_by_text("Left after")).to_be_visible()
    await desk.picture("check.png")
    await desk.button("Confirm with your code").click()
    await stack.sandbox("chaos", {"fault": "mining_paused", "on": True, "network": "ethereum"})
    try:
        await desk.confirm(await mara.authenticator.code())
        await expect(desk.state()).to_have_attribute("data-state", "confirming", timeout=60_000)
        await stack.mine("ethereum")
        await expect(desk.heading()).to_have_text("Your 500.00 USDT are on Ethereum, one of three blocks deep.")
        await desk.picture("status.png")
        path = desk.page.url.removeprefix(stack.url)
        for visitor, name in ((dark, "status-dark.png"), (phone, "status-phone.png")):
            await visitor.open(path)
            await expect(visitor.heading()).to_contain_text("one of three blocks deep")
            await visitor.picture(name)
        await desk.open("/")
        await expect(desk.page.get_by_role("heading", name="On the move")).to_be_visible()
        await expect(desk.page.locator("[data-asset=BTC] [data-available]")).to_be_visible()
        await desk.picture("home.png")
        await desk.open("/break")
        await expect(desk.page.get_by_text("Payouts per withdrawal, at most")).to_be_visible()
        await desk.picture("break.png")
    finally:
        await stack.sandbox("chaos", {"fault": "mining_paused", "on": False, "network": "ethereum"})
    await stack.mine("ethereum", 3)
    await desk.open("/deposit?asset=BTC")
    await expect(desk.page.get_by_role("img", name="QR code of your BTC address")).to_be_visible()
    await desk.picture("deposit.png")
    await desk.open(path)
    await expect(desk.state()).to_have_attribute("data-state", "completed", timeout=60_000)
    await pictures_of_addresses(desk, mara.authenticator)


SAVED = [
    ("Northline Supplies", "USDT", "ethereum", RECIPIENT),
    ("Cold storage, the blue one", "BTC", "bitcoin", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"),
]
TWIN = "0x5290c71d04a83bf6617e2d95b0fc48a13d729ee7"
SAVE = """async ([label, asset, network, address]) => {
    const headers = {'content-type': 'application/json', 'X-Tidegate': '1', 'Idempotency-Key': address};
    const body = JSON.stringify({label, asset, network, address});
    const answer = await fetch('/api/v1/wallets/beneficiaries', {method: 'POST', headers, body});
    if (!answer.ok) throw new Error(await answer.text());
}"""


async def pictures_of_addresses(desk: Visitor, authenticator: Authenticator) -> None:
    """The address book with one that was paid and one that waits, a lookalike beside it, and all deposit addresses."""
    page = desk.page
    for saved in SAVED:
        await page.evaluate(SAVE, list(saved))
    await desk.open("/addresses")
    await desk.button("Confirm Northline Supplies").click()
    await page.get_by_label("Code of your authenticator").fill(await authenticator.code())
    await desk.button("Confirm this address").click()
    await expect(desk.button("Pay Northline Supplies")).to_be_visible()
    await desk.picture("address-book.png")
    await desk.button("Save an address").click()
    await page.get_by_label("Address or payment link").fill(TWIN)
    await expect(page.locator("[data-compare]")).to_be_visible()
    await desk.picture("lookalike.png")
    await desk.open("/deposit/addresses?asset=BTC")
    await page.get_by_role("button", name="Show QR code").first.click()
    await expect(page.get_by_role("img", name="QR code of this BTC address")).to_be_visible()
    await desk.picture("addresses.png")
