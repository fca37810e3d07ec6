"""The pages of one browser share one stream, and each of them hears of what changed."""

import re
from decimal import Decimal

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import NewVisitor
from tests.customer import Customer
from tests.stack import Stack

PAGES = 8
"""Two more than the connections that a browser opens to one server."""


async def streams(stack: Stack) -> int:
    """How many streams of events the server itself counts."""
    async with stack.http() as client:
        text = (await client.get(f"{stack.url}/metrics")).text
    found = re.search(r"^tidegate_event_streams (\S+)$", text, re.MULTILINE)
    assert found is not None
    return int(Decimal(found[1]))


async def credit(stack: Stack, customer: Customer, amount: str) -> None:
    """Bitcoin from outside, final."""
    address = await customer.address("BTC", "bitcoin")
    await stack.faucet("BTC", "bitcoin", address, amount)
    await stack.mine("bitcoin", 2)


async def sees(page: Page, available: str) -> None:
    await expect(page.locator(f"[data-asset=BTC] [data-available='{available}']")).to_be_visible(timeout=30_000)


@pytest.mark.slow
async def test_eight_pages_hold_one_stream_and_another_one_takes_it_over(visit: NewVisitor, stack: Stack) -> None:
    visitor = await visit()
    customer = await stack.customer(enrolled=False)
    others = await streams(stack)
    await visitor.enter(customer.email, customer.password, None)
    pages = [visitor.page]
    for _ in range(PAGES - 1):
        page = await visitor.context.new_page()
        await page.goto(stack.url)
        pages.append(page)
    for page in pages:
        await expect(page.get_by_role("heading", name="Balances")).to_be_visible()
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert await streams(stack) == others + 1
    await credit(stack, customer, "0.001")
    for page in pages:
        await sees(page, "0.00100000")
    assert await streams(stack) == others + 1
    # The page that holds it is closed; nobody asks anybody.
    await pages.pop(0).close()
    await credit(stack, customer, "0.002")
    for page in pages:
        await sees(page, "0.00300000")
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert await streams(stack) == others + 1
