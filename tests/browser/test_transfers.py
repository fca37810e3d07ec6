"""Paying another user here: by e-mail address and by their deposit address, as both of them see it."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewVisitor
from tests.browser.test_every_screen import inspect
from tests.browser.visitor import PHONE, RESULTS, Visitor
from tests.stack import Stack


@pytest.mark.slow
async def test_somebody_is_paid_by_e_mail_and_both_find_it_in_their_history(visit: NewVisitor, stack: Stack) -> None:
    ana, ben = await stack.customer(USDT="60"), await stack.customer(enrolled=False)
    theirs, visitor = await visit(), await visit()
    await theirs.enter(ben.email, ben.password, None)
    await theirs.open("/history")
    await expect(theirs.page.get_by_text("Nothing has happened yet.")).to_be_visible()
    page = visitor.page
    await visitor.enter(ana.email, ana.password, ana.authenticator)
    await visitor.open("/pay")
    await page.get_by_label("Invoice, payment link or address").fill(ben.email)
    await expect(page.get_by_text(f"Another user here: {ben.email}")).to_be_visible()
    await page.get_by_label(re.compile("^Tether")).check()
    await page.get_by_label(re.compile("Exactly this much")).fill("25")
    await visitor.button("Check it").click()
    await expect(visitor.heading()).to_have_text("Send 25.00 USDT?")
    await visitor.confirm(await ana.code())
    await expect(visitor.state()).to_have_attribute("data-state", "completed")
    await expect(visitor.heading()).to_have_text(f"{ben.email} has your 25.00 USDT.")
    # Theirs came by itself.
    row = theirs.page.locator("li[data-kind=transfer]")
    await expect(row).to_contain_text(f"From {ana.email}")
    await expect(row).to_contain_text("+25")
    await row.get_by_role("link").click()
    await expect(theirs.heading()).to_have_text(f"25.00 USDT came from {ana.email}.")
    await visitor.open("/history?kind=transfer")
    await expect(page.locator("li[data-kind=transfer]")).to_contain_text(f"Paid {ben.email}")
    await expect(page.locator("li[data-kind=transfer]")).to_contain_text("−25")


async def picture(visitor: Visitor, name: str) -> None:
    """For whoever looks at the results; the README has no need of it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    await visitor.settle()
    await visitor.page.screenshot(path=RESULTS / name, full_page=True)


async def faults_of_each_screen(visitor: Visitor, address: str, code: str) -> list[str]:
    page, found = visitor.page, []
    await visitor.open("/pay")
    await page.get_by_label("Invoice, payment link or address").fill("nobody@example.com")
    await page.get_by_label(re.compile("^Tether")).check()
    await page.get_by_label(re.compile("Exactly this much")).fill("1000")
    await visitor.button("Check it").click()
    await expect(page.get_by_text("You have 60.000000 USDT.")).to_be_visible()
    await page.get_by_label(re.compile("Exactly this much")).fill("5")
    await visitor.button("Check it").click()
    await expect(page.get_by_text("Nobody here can be paid at this e-mail address.")).to_be_visible()
    found += await inspect(visitor, "another user, with a fault")
    await page.get_by_label("Invoice, payment link or address").fill(address)
    await expect(page.get_by_text("This deposit address belongs to somebody here.")).to_be_visible()
    await page.get_by_label(re.compile("^Tether")).check()
    await page.get_by_label(re.compile("Exactly this much")).fill("12.5")
    found += await inspect(visitor, "another user by address")
    await picture(visitor, "inside.png")
    await visitor.button("Check it").click()
    await expect(visitor.heading()).to_have_text("Send 12.50 USDT?")
    found += await inspect(visitor, "another user, confirm")
    await picture(visitor, "inside-confirm.png")
    await visitor.confirm(code)
    await expect(visitor.heading()).to_have_text("The owner of that address has your 12.50 USDT.")
    found += await inspect(visitor, "another user, completed")
    return found


@pytest.mark.slow
async def test_the_screens_of_an_internal_transfer_have_no_fault(visit: NewVisitor, stack: Stack) -> None:
    ana, ben = await stack.customer(USDT="60"), await stack.customer(enrolled=False)
    address = await ben.address("USDT", "ethereum")
    visitor = await visit()
    visitor.expected |= {404, 422}
    await visitor.enter(ana.email, ana.password, ana.authenticator)
    found = await faults_of_each_screen(visitor, address, await ana.code())
    await picture(visitor, "inside-done.png")
    theirs = await visit(viewport=PHONE)
    await theirs.enter(ben.email, ben.password, None)
    await theirs.open("/history")
    await expect(theirs.page.get_by_text("From somebody here")).to_be_visible()
    await picture(theirs, "inside-history-phone.png")
    # One that is left waiting says so, and comes back when it is cancelled.
    await visitor.open("/pay")
    await visitor.page.get_by_label("Invoice, payment link or address").fill(ben.email)
    await visitor.page.get_by_label(re.compile("^Tether")).check()
    await visitor.page.get_by_label(re.compile("Exactly this much")).fill("1")
    await visitor.button("Check it").click()
    await expect(visitor.heading()).to_have_text("Send 1.00 USDT?")
    await visitor.open("/")
    await visitor.page.locator("li[data-kind=transfer]").get_by_role("link", name="Where is my money?").click()
    await expect(visitor.heading()).to_have_text("1.00 USDT wait for your code.")
    found += await inspect(visitor, "internal transfer, waiting")
    await visitor.button("Do not send it").click()
    await expect(visitor.heading()).to_have_text("Not sent. 1.00 USDT are back in your balance.")
    found += await inspect(visitor, "internal transfer, cancelled")
    assert found == []
