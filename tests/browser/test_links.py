"""Mails of a living sandbox, and the pages behind their links: cancel, freeze and lift, follow, receipt."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.test_every_screen import inspect
from tests.browser.visitor import RECIPIENT, Visitor
from tests.customer import Customer, fresh_key, until
from tests.stack import Stack


async def link(customer: Customer, purpose: str, *, to: str | None = None) -> str:
    """Where the newest mail that has such a link points."""

    async def look() -> str | None:
        mails = await customer.get("/sandbox/mails", to=to or customer.email)
        found = [one for mail in mails["items"] for one in mail["links"] if f"/{purpose}#" in one]
        return found[0] if found else None

    return await until(look, f"a mail with a link to {purpose}")


async def asked(customer: Customer) -> str:
    quote = await customer.quote(
        kind="withdrawal", from_asset="USDT", to_asset="USDT", network="ethereum", side="exact_out", amount="5"
    )
    body = {"quote_id": quote["id"], "address": RECIPIENT}
    return str((await customer.post("/transactions/withdrawals", body, key=fresh_key()))["id"])


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_mail_cancels_freezes_and_a_recipient_follows(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(USDT="50")
    page, found = visitor.page, []
    await asked(customer)

    await page.goto(await link(customer, "cancel"))
    await expect(visitor.heading()).to_have_text("Cancel 5.00 USDT?")
    await expect(page.locator("[data-address]")).to_be_visible()
    found += await inspect(visitor, "cancel by mail")
    await visitor.button("Cancel this payment").click()
    await expect(visitor.heading()).to_have_text("Cancelled. The money is back in your balance.")
    found += await inspect(visitor, "cancelled by mail")

    await page.goto(await link(customer, "freeze"))
    await expect(visitor.heading()).to_have_text("Stop everything that would leave this account?")
    found += await inspect(visitor, "freeze by mail")
    await visitor.button("Freeze this account").click()
    await expect(visitor.heading()).to_have_text("Frozen. Nothing leaves this account.")
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    await visitor.open("/security")
    await expect(page.locator("[data-frozen=yours]")).to_be_visible()
    found += await inspect(visitor, "security, frozen")
    await page.get_by_label("Code of your authenticator").fill(await customer.code())
    await visitor.button("Lift the freeze").click()
    await expect(page.locator("[data-frozen]")).to_have_count(0)

    payment = await asked(customer)
    await customer.verify({"id": payment})
    await visitor.open(f"/withdrawals/{payment}")
    await visitor.button("Make a link").click()
    url = await page.locator("[data-tracking]").get_attribute("data-tracking")
    assert url is not None
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Receipt (PDF)").click()
    assert (await (await download.value).path()).read_bytes().startswith(b"%PDF-")
    found += await inspect(visitor, "status, shared")
    await page.goto(url)
    await customer.completed(payment)
    await expect(page.locator("[data-stage=arrived]")).to_be_visible(timeout=15_000)
    await expect(visitor.heading()).to_have_text("5.00 USDT have arrived.")
    found += await inspect(visitor, "followed")

    await visitor.open("/break")
    await expect(page.locator("li[data-mail]").first).to_be_visible()
    await page.get_by_text(re.compile("have arrived")).first.click()
    found += await inspect(visitor, "sandbox, mailbox")
    visitor.expected.add(404)
    await visitor.open("/track#nothing")
    await expect(visitor.heading()).to_have_text("This link leads nowhere")
    found += await inspect(visitor, "a link that leads nowhere")
    assert not found, "\n".join(found)
