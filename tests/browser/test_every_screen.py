"""Every screen in both schemes, wide and narrow: nothing axe objects to, one h1, a title, nothing cut off."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.visitor import NARROW, WIDE, Visitor, invoice
from tests.stack import Stack


async def inspect(visitor: Visitor, name: str) -> list[str]:
    """What is wrong with the screen that is open now."""
    page, found = visitor.page, []
    for size in (WIDE, NARROW):
        await page.set_viewport_size({"width": size["width"], "height": size["height"]})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
            found += [f"{name}, {scheme}, {size['width']}: {fault}" for fault in await visitor.axe()]
        wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wider > 0:
            found.append(f"{name}, {size['width']}: {wider} px wider than the screen")
    if await page.locator("h1").count() != 1:
        found.append(f"{name}: not one h1")
    if not (await page.title()).endswith("· Tidegate"):
        found.append(f"{name}: its title is {await page.title()!r}")
    await page.set_viewport_size({"width": WIDE["width"], "height": WIDE["height"]})
    return found


async def test_no_screen_of_a_stranger_has_a_fault(visitor: Visitor) -> None:
    page, found = visitor.page, []
    await visitor.open("/")
    await expect(page.locator("li[data-email]").first).to_be_visible()
    found += await inspect(visitor, "sign in")
    await visitor.sign_in("nobody@example.com", "not the password of anybody")
    await expect(page.get_by_role("alert")).to_be_visible()
    found += await inspect(visitor, "sign in, refused")
    await visitor.open("/register")
    await visitor.button("Register").click()
    await expect(page.get_by_text("Write an e-mail address")).to_be_visible()
    found += await inspect(visitor, "register, with faults")
    assert not found, "\n".join(found)


@pytest.mark.slow
async def test_no_screen_of_a_new_customer_has_a_fault(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    page, found = visitor.page, []
    await visitor.enter(customer.email, customer.password, None)
    await expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    found += await inspect(visitor, "home, empty")
    await page.get_by_role("button", name=re.compile("Account of")).click()
    await expect(page.get_by_role("menuitem", name="Sign out")).to_be_visible()
    found += await inspect(visitor, "the account menu")
    await page.keyboard.press("Escape")
    await visitor.open("/security")
    await visitor.button("Set up authenticator").click()
    await expect(page.locator("[data-secret]")).to_be_visible()
    await visitor.button("Change password").click()
    await visitor.button("Change it").click()
    found += await inspect(visitor, "security, enrolling")
    secret = await page.locator("[data-secret]").get_attribute("data-secret")
    assert secret is not None
    await page.get_by_label("Code it shows now").fill("00000")
    await visitor.open("/history")
    await expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    found += await inspect(visitor, "history, empty")
    await visitor.open("/convert")
    await expect(page.get_by_text("There is nothing to convert yet.")).to_be_visible()
    found += await inspect(visitor, "convert, empty")
    await visitor.open("/balances/ETH")
    await expect(page.get_by_text("Nothing has moved yet.")).to_be_visible()
    found += await inspect(visitor, "statement, empty")
    await visitor.open("/no/such/page")
    await expect(visitor.heading()).to_have_text("There is no such page")
    found += await inspect(visitor, "no such page")
    visitor.expected.add(404)
    await visitor.open("/withdrawals/00000000-0000-7000-8000-000000000000")
    await expect(page.get_by_role("alert")).to_be_visible()
    found += await inspect(visitor, "a payment that is not there")
    assert not found, "\n".join(found)


async def test_no_screen_of_a_paying_customer_has_a_fault(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(BTC="0.05", USDT="10")
    page, found = visitor.page, []
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    await visitor.open("/deposit?asset=USDT")
    await expect(page.get_by_role("img", name="QR code of your USDT address")).to_be_visible()
    found += await inspect(visitor, "deposit")
    await page.locator("li[data-state=credited] a").first.click()
    await expect(visitor.heading()).to_contain_text("in your balance")
    found += await inspect(visitor, "a deposit")
    await visitor.open("/")
    await page.get_by_role("link", name="Bitcoin", exact=True).click()
    await expect(page.locator("main tr[data-event='deposit credited']")).to_be_visible()
    found += await inspect(visitor, "statement")
    await page.get_by_label("Up to").fill("2020-01-31")
    await expect(page.get_by_text("Nothing moved on these days.")).to_be_visible()
    assert page.url.endswith("?to=2020-01-31")
    found += await inspect(visitor, "statement, nothing on these days")
    await visitor.open("/convert")
    await page.get_by_label("You give").fill("0.01")
    await expect(page.get_by_text("this price is firm").first).to_be_visible()
    found += await inspect(visitor, "convert")
    await visitor.open("/")
    await page.get_by_label("Pay an invoice or an address").fill(invoice(stack, 25_000_000))
    await visitor.button("Pay").click()
    await expect(page.locator("[data-address]")).to_be_visible()
    found += await inspect(visitor, "pay: they get")
    await visitor.button("See what it costs").click()
    await expect(page.get_by_text("Short by", exact=False).first).to_be_visible()
    await visitor.choose("BTC")
    found += await inspect(visitor, "pay: you pay with")
    await visitor.button("Check every detail").click()
    await expect(visitor.heading()).to_have_text("Check every detail")
    found += await inspect(visitor, "pay: check")
    await visitor.button("Confirm with your code").click()
    await expect(visitor.heading()).to_have_text("Send 25.00 USDT?")
    found += await inspect(visitor, "pay: confirm")
    await stack.sandbox("chaos", {"fault": "mining_paused", "on": True, "network": "ethereum"})
    try:
        await visitor.confirm(await customer.code())
        await expect(visitor.state()).to_have_attribute("data-state", "confirming", timeout=30_000)
        found += await inspect(visitor, "status, confirming")
        await visitor.open("/")
        await expect(page.get_by_role("heading", name="On the move")).to_be_visible()
        found += await inspect(visitor, "home, moving")
    finally:
        await stack.sandbox("chaos", {"fault": "mining_paused", "on": False, "network": "ethereum"})
    await visitor.open("/history")
    await expect(page.locator("main li[data-kind=withdrawal]")).to_be_visible()
    found += await inspect(visitor, "history")
    await page.locator("main li[data-kind=withdrawal] a").click()
    await expect(visitor.state()).to_have_attribute("data-state", "completed", timeout=30_000)
    found += await inspect(visitor, "status, completed")
    await visitor.open("/break")
    await expect(page.get_by_role("switch").first).to_be_visible()
    await expect(page.get_by_text("Payouts per withdrawal, at most")).to_be_visible()
    found += await inspect(visitor, "break it")
    assert not found, "\n".join(found)
