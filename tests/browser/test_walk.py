"""The walk of a new customer, from nothing to a payment that arrived, by the page alone."""

import re
import uuid
from decimal import Decimal

from playwright.async_api import Page, expect

from tests.browser.visitor import Visitor, invoice
from tests.customer import Authenticator
from tests.stack import Stack

PASSWORD = "a harbour before the storm"
NEXT_PASSWORD = "a lighthouse after the storm"


async def register(visitor: Visitor, email: str) -> None:
    page = visitor.page
    await visitor.open("/")
    await expect(visitor.heading()).to_have_text("Sign in")
    await page.get_by_role("link", name="Register").click()
    # Both pages have a field for the address.
    await expect(visitor.heading()).to_have_text("Register")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password", exact=True).fill("too short")
    await visitor.button("Register").click()
    await expect(page.get_by_text("At least 15 characters.")).to_be_visible()
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await visitor.button("Register").click()
    await expect(visitor.heading()).to_have_text("Your account has one lock. Add the second.")


async def enrol(visitor: Visitor) -> Authenticator:
    page = visitor.page
    await visitor.button("Set up authenticator").click()
    await expect(page.get_by_role("img", name=re.compile("QR code for your authenticator"))).to_be_visible()
    secret = await page.locator("[data-secret]").get_attribute("data-secret")
    assert secret is not None
    authenticator = Authenticator(secret)
    await page.get_by_label("Code it shows now").fill(await authenticator.code())
    await visitor.button("Confirm").click()
    await expect(page.locator("[data-recovery-codes] li")).to_have_count(10)
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="Download").click()
    assert (await saved.value).suggested_filename == "tidegate-recovery-codes.txt"
    await visitor.button("Done").click()
    await expect(page.get_by_text("Keep them first, then tick the box.")).to_be_visible()
    await page.get_by_label("I have kept them in a safe place.").check()
    await visitor.button("Done").click()
    await expect(page.get_by_role("heading", name="Balances")).to_be_visible()
    return authenticator


async def change_password(visitor: Visitor, authenticator: Authenticator) -> None:
    page = visitor.page
    await page.get_by_role("button", name=re.compile("Account of")).click()
    await page.get_by_role("menuitem", name="Security").click()
    await expect(visitor.heading()).to_have_text("Your account has two locks.")
    await visitor.button("Change password").click()
    await page.get_by_label("Present password").fill(PASSWORD)
    await page.get_by_label("New password").fill(NEXT_PASSWORD)
    await page.get_by_label("Code of your authenticator").fill(await authenticator.code())
    await visitor.button("Change it").click()
    await expect(page.locator("main").get_by_text("Your password is changed.")).to_be_visible()
    await visitor.button("Sign out everywhere").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()


async def deposit(page: Page, visitor: Visitor, stack: Stack) -> None:
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Deposit").click()
    await expect(visitor.heading()).to_have_text("Deposit Bitcoin")
    await expect(page.get_by_role("img", name=re.compile("QR code of your BTC address"))).to_be_visible()
    coming = page.get_by_role("complementary")
    await stack.sandbox("chaos", {"fault": "mining_paused", "on": True, "network": "bitcoin"})
    try:
        await visitor.button("Send 0.01 BTC of test coins").click()
        # Seen before any block has it, live.
        await expect(coming.get_by_text("0 of 2 confirmations")).to_be_visible()
        await stack.mine("bitcoin")
        await expect(coming.get_by_text("1 of 2 confirmations")).to_be_visible()
    finally:
        await stack.sandbox("chaos", {"fault": "mining_paused", "on": False, "network": "bitcoin"})
    await stack.mine("bitcoin")
    await expect(coming.locator("li[data-state=credited]")).to_have_count(1)


async def test_a_new_customer_walks_from_registration_to_a_payment_that_arrived(visitor: Visitor, stack: Stack) -> None:
    page = visitor.page
    email = f"walker-{uuid.uuid4().hex[:10]}@example.com"
    await register(visitor, email)
    authenticator = await enrol(visitor)
    await change_password(visitor, authenticator)
    await visitor.sign_in(email, NEXT_PASSWORD, await authenticator.code())
    await expect(page.get_by_role("heading", name="Balances")).to_be_visible()
    await deposit(page, visitor, stack)

    recipient = await stack.new_address("ethereum")
    await page.get_by_role("link", name="Tidegate, home").click()
    await visitor.pay(invoice(stack, 25_000_000, recipient), pay_with="BTC")
    for fee in ("network", "service", "spread"):
        await expect(page.locator(f"[data-fee={fee}]")).to_have_text(re.compile(r"^0\.\d{8}$"))
    await expect(page.locator("main [data-address]")).to_have_attribute("data-address", recipient)
    await visitor.button("Confirm with your code").click()
    await expect(visitor.heading()).to_have_text("Send 25.00 USDT?")
    await visitor.confirm(await authenticator.code())

    await expect(page.get_by_text("Where is my money?").first).to_be_visible()
    await expect(visitor.state()).to_have_attribute("data-state", "completed", timeout=60_000)
    await expect(visitor.heading()).to_have_text("25.00 USDT have arrived.")
    await expect(page.get_by_text("As quoted, to the last unit.")).to_be_visible()
    assert await stack.usdt_transfers(recipient) == [25_000_000]

    await page.get_by_role("navigation", name="Main").get_by_role("link", name="History").click()
    rows = page.locator("main li[data-kind]")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("Paid 25.00 USDT")
    await expect(rows.last).to_contain_text("Deposit on Bitcoin")


async def test_a_conversion_inside_the_account_happens_at_its_quote(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False, USDT="300")
    await visitor.enter(customer.email, customer.password, None)
    page = visitor.page
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Convert").click()
    await page.get_by_label("To", exact=True).select_option("ETH")
    await page.get_by_label("You give").fill("120.5")
    await expect(page.get_by_text("this price is firm").first).to_be_visible()
    async with page.expect_response(lambda answer: answer.url.endswith("/exchange/conversions")) as answered:
        await visitor.button(re.compile("^Convert 120.50 USDT")).click()
    made = await (await answered.value).json()
    assert made["debit"] == {"asset": "USDT", "amount": "120.500000"}
    await expect(visitor.heading()).to_have_text(re.compile(r"120\.50 USDT became 0\.\d+ ETH\."))
    assert str(await customer.available("ETH")) == made["deliver"]["amount"]
    assert await customer.available("USDT") == Decimal("179.5")


async def test_a_plain_payment_of_a_bitcoin_link_arrives(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(BTC="0.05")
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    recipient = await stack.new_address("bitcoin")
    await visitor.pay(f"bitcoin:{recipient}?amount=0.002&label=Quay%20Seven", pay_with="BTC")
    await visitor.button("Confirm with your code").click()
    await visitor.confirm(await customer.code())
    await expect(visitor.state()).to_have_attribute("data-state", re.compile("confirming|completed"), timeout=30_000)
    await stack.mine("bitcoin", 2)
    await expect(visitor.heading()).to_have_text("0.002 BTC have arrived.", timeout=30_000)
    assert str(await stack.bitcoin_received(recipient)) == "0.00200000"
