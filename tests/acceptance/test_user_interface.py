"""The page: it asks nothing of anybody else, and says where the money is, live, at every step."""

import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.customer import Customer
from tests.stack import Stack

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    chromium = (
        os.environ.get("TIDEGATE_CHROMIUM")
        or subprocess.run([ROOT / "tools" / "get-chromium"], capture_output=True, text=True, check=True).stdout.strip()
    )
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, chromium_sandbox=False)
        yield started
        await started.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh visitor. The test fails when the page complains on its console."""
    context = await browser.new_context()
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    await context.close()
    # A 401 is how the page learns that nobody is signed in, a 404 that there is nothing; Chromium writes both down by itself.
    assert [said for said in complaints if not re.search(r"status of 40[14]", said)] == []


async def sign_in(page: Page, stack: Stack, customer: Customer) -> None:
    """By the form, as a person does it."""
    await page.goto(f"{stack.url}/sign-in")
    await page.locator("input[name=email]").fill(customer.email)
    await page.locator("input[name=password]").fill(customer.password)
    await page.locator("form button[type=submit]").click()
    code = page.locator("input[autocomplete=one-time-code]")
    await code.fill(await customer.code())
    if await code.is_visible():
        await page.locator("form button[type=submit]").click()
    await page.wait_for_url(f"{stack.url}/")


async def withdrawal_of_5(stack: Stack, customer: Customer) -> str:
    quote = await customer.quote(
        kind="withdrawal", from_asset="USDT", to_asset="USDT", network="ethereum", side="exact_out", amount="5"
    )
    return str((await customer.withdraw(quote, await stack.new_address("ethereum")))["id"])


async def test_no_request_leaves_the_origin(page: Page, stack: Stack) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/sign-in", "/register", "/docs", "/redoc"):
        await page.goto(stack.url + path)
        await page.wait_for_load_state("load")
    # `blob:` and `data:` are made inside the page.
    foreign = [url for url in asked if not url.startswith((f"{stack.url}/", f"blob:{stack.url}", "data:"))]
    assert len(asked) > 10
    assert foreign == []


async def test_the_page_says_where_the_money_is_at_every_step(page: Page, stack: Stack) -> None:
    customer = await stack.customer(USDT="60")
    await sign_in(page, stack, customer)
    id_ = await withdrawal_of_5(stack, customer)
    state = page.locator("[data-state]").first
    heading = page.get_by_role("heading", level=1)

    await page.goto(f"{stack.url}/withdrawals/{id_}")
    await expect(state).to_have_attribute("data-state", "pending_verification")

    await stack.sandbox("chaos", {"fault": "mining_paused", "on": True, "network": "ethereum"})
    try:
        with stack.signer_unreachable():
            await customer.verify({"id": id_})
            await expect(state).to_have_attribute("data-sub-status", "awaiting_signer", timeout=20_000)
            waits = await heading.inner_text()
        await expect(state).to_have_attribute("data-state", re.compile("broadcasting|confirming"), timeout=30_000)
        await expect(state).to_have_attribute("data-state", "confirming", timeout=30_000)
        sent = await heading.inner_text()
    finally:
        await stack.sandbox("chaos", {"fault": "mining_paused", "on": False, "network": "ethereum"})
    await stack.mine("ethereum", 4)
    await expect(state).to_have_attribute("data-state", "completed", timeout=20_000)
    arrived = await heading.inner_text()
    assert len({waits, sent, arrived}) == 3, "the sentence did not follow the money"
    assert "5" in arrived


async def test_what_others_own_has_no_page(page: Page, stack: Stack) -> None:
    owner, visitor = await stack.customer(USDT="60"), await stack.customer()
    id_ = await withdrawal_of_5(stack, owner)
    await sign_in(page, stack, visitor)
    async with page.expect_response(lambda answer: id_ in answer.url and "/api/" in answer.url) as answered:
        await page.goto(f"{stack.url}/withdrawals/{id_}")
    assert (await answered.value).status == 404
    await expect(page.locator("[data-state=pending_verification]")).to_have_count(0)
    await owner.post(f"/transactions/withdrawals/{id_}/cancel")
