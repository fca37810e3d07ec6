"""The address book and the deposit addresses: saved, confirmed, paid by name; a lookalike stops; every state inspected."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewVisitor
from tests.browser.test_every_screen import inspect
from tests.browser.visitor import NARROW, RECIPIENT, Visitor
from tests.stack import Stack

TWIN = "0x5290c71d04a83bf6617e2d95b0fc48a13d729ee7"
"""Begins and ends like RECIPIENT; in small letters, so that no checksum gives it away."""


@pytest.mark.slow
async def test_an_address_is_saved_confirmed_paid_by_its_name_and_deleted(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(BTC="0.05")
    page, found = visitor.page, []
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    await page.get_by_role("link", name="Addresses").click()
    await expect(page.get_by_text("No address is saved yet.")).to_be_visible()
    found += await inspect(visitor, "address book, empty")
    await visitor.button("Save an address").click()
    await visitor.button("Save it").click()
    await expect(page.get_by_text("Paste an invoice, a payment link or an address.")).to_be_visible()
    await page.get_by_label("Address or payment link").fill("lightning:LNBC20U1PVJLUEZ")
    await expect(page.get_by_text("That is a Lightning invoice.")).to_be_visible()
    await page.get_by_label("Address or payment link").fill(RECIPIENT)
    await expect(page.locator(f"[data-address='{RECIPIENT}']")).to_be_visible()
    await visitor.button("Save it").click()
    await expect(page.get_by_text("Choose what you will send.")).to_be_visible()
    found += await inspect(visitor, "address book, form with faults")
    await page.get_by_label("USDT on Ethereum").check()
    await page.get_by_label("Call it").fill("Northline Supplies")
    await page.keyboard.press("Enter")
    row = page.locator("li[data-beneficiary]")
    await expect(row).to_have_attribute("data-state", "pending_confirmation")
    await expect(page.get_by_label("Code of your authenticator")).to_be_focused()
    found += await inspect(visitor, "address book, confirming")
    visitor.expected.add(422)
    assert customer.authenticator is not None
    await page.keyboard.type(customer.authenticator.wrong())
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("This code is not right.")).to_be_visible()
    await page.get_by_label("Code of your authenticator").fill(await customer.code())
    await page.keyboard.press("Enter")
    await expect(row).to_have_attribute("data-state", "active")
    await visitor.button("Rename Northline Supplies").click()
    await page.get_by_label("Call it").fill("Northline")
    await page.keyboard.press("Enter")
    await expect(visitor.button("Pay Northline")).to_be_visible()
    found += await inspect(visitor, "address book, active")

    await visitor.button("Pay Northline").click()
    await expect(page.get_by_text("This is Northline, on Ethereum.")).to_be_visible()
    await page.get_by_label(re.compile("Exactly this much")).fill("25")
    await visitor.button("See what it costs").click()
    await visitor.choose("BTC")
    await visitor.button("Check every detail").click()
    await expect(page.locator("dd").get_by_text("Northline", exact=True)).to_be_visible()
    await visitor.button("Confirm with your code").click()
    await visitor.confirm(await customer.code())
    await expect(visitor.state()).to_have_attribute("data-state", re.compile("confirming|completed"), timeout=60_000)
    paid = (await customer.get("/transactions/withdrawals"))["items"][0]
    assert (paid["label"], paid["address"], paid["beneficiary_id"] is None) == ("Northline", RECIPIENT, False)

    await visitor.open("/pay")
    await visitor.button(re.compile("^Northline")).click()
    await expect(page.locator(f"[data-address='{RECIPIENT}']")).to_be_visible()
    await visitor.open("/addresses")
    await visitor.button("Delete Northline").click()
    await expect(visitor.button("Keep it")).to_be_focused()
    found += await inspect(visitor, "address book, deleting")
    await visitor.button("Yes, delete it").click()
    await expect(page.get_by_text("No address is saved yet.")).to_be_visible()
    assert not found, "\n".join(found)


async def test_a_lookalike_is_neither_saved_nor_paid_before_both_were_compared(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(ETH="0.2")
    await customer.post(
        "/wallets/beneficiaries",
        {"label": "Northline Supplies", "asset": "ETH", "network": "ethereum", "address": RECIPIENT},
        key="northline",
    )
    page, found = visitor.page, []
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    await visitor.open("/addresses")
    await visitor.button("Save an address").click()
    await page.get_by_label("Address or payment link").fill(TWIN)
    await expect(page.get_by_text("This is not the address you saved.")).to_be_visible()
    assert await page.locator("[data-compare] [data-differs]").count() == 16
    found += await inspect(visitor, "address book, lookalike")
    await visitor.button("Save it").click()
    await expect(visitor.button("Choose another address")).to_be_focused()
    await visitor.button("It is somebody else, I checked with them").click()
    await expect(page.get_by_text("Compare first, then tick the box.")).to_be_visible()
    assert len((await customer.get("/wallets/beneficiaries"))["items"]) == 1
    await page.get_by_label("I compared the whole address").check()
    await visitor.button("It is somebody else, I checked with them").click()
    await page.get_by_label("ETH on Ethereum").check()
    await page.get_by_label("Call it").fill("Somebody else")
    await visitor.button("Save it").click()
    await expect(page.locator("li[data-beneficiary]")).to_have_count(2)

    await visitor.open("/pay")
    await page.get_by_label("Invoice, payment link or address").fill(f"ethereum:{TWIN}@31337?value=1e16")
    await visitor.button("See what it costs").click()
    await visitor.choose("ETH")
    await visitor.button("Check every detail").click()
    await expect(page.get_by_text("This is not the address you saved.")).to_be_visible()
    found += await inspect(visitor, "pay: lookalike")
    await expect(visitor.button("Confirm with your code")).to_have_count(0)
    await visitor.button("Use the address you saved").click()
    await expect(page.locator(f"[data-address='{RECIPIENT}']")).to_be_visible()
    assert not found, "\n".join(found)


@pytest.mark.slow
async def test_all_deposit_addresses_are_listed_with_what_came_to_them(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(BTC="0.05")
    page, found = visitor.page, []
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    await visitor.open("/deposit?asset=BTC")
    await page.get_by_role("link", name="All your addresses").click()
    rows = page.locator("li[data-mine]")
    await expect(rows).to_have_count(1)
    await expect(page.get_by_text(re.compile("^1 deposit, "))).to_be_visible()
    await page.get_by_role("link", name="BTC", exact=True).click()
    await visitor.button("New address for BTC on Bitcoin").click()
    await expect(rows).to_have_count(2)
    await expect(rows.first.get_by_text("nothing has come to it")).to_be_visible()
    await rows.first.get_by_role("button", name="Show QR code").click()
    await expect(page.get_by_role("img", name=re.compile("QR code of this BTC address"))).to_be_visible()
    found += await inspect(visitor, "deposit addresses")
    await page.get_by_role("link", name="USDC", exact=True).click()
    await expect(page.get_by_text("You have no address for this asset yet.")).to_be_visible()
    found += await inspect(visitor, "deposit addresses, none")
    assert not found, "\n".join(found)


@pytest.mark.slow
async def test_a_cooling_address_counts_down_and_an_unanswered_list_says_so(visit: NewVisitor, stack: Stack) -> None:
    customer = await stack.customer()
    visitor = await visit(viewport=NARROW)
    page, found = visitor.page, []
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    cooling: dict[str, Any] = {
        "id": "00000000-0000-7000-8000-000000000001",
        "label": "Northline Supplies",
        "asset": "USDT",
        "network": "ethereum",
        "address": RECIPIENT,
        "state": "cooling_down",
        "sub_status": None,
        "waiting_for": "time",
        "warnings": [],
        "last_paid_at": None,
        "can_cancel": None,
        "version": 2,
    }
    times = dict.fromkeys(("since", "created_at"), "2026-01-01T00:00:00Z")
    ends = dict.fromkeys(("available_at", "expected_by"), "2099-01-01T00:00:00Z")
    pattern = "**/api/v1/wallets/beneficiaries*"
    await page.route(
        pattern, lambda route: route.fulfill(json={"items": [cooling | times | ends], "next_cursor": None})
    )
    await visitor.open("/addresses")
    await expect(page.get_by_role("timer")).to_contain_text("New addresses wait, for your safety.")
    await expect(visitor.button("Pay Northline Supplies")).to_have_count(0)
    found += await inspect(visitor, "address book, cooling")
    await page.unroute(pattern)
    visitor.expected.add(403)
    refusal = {"type": "/problems/forbidden", "title": "x", "status": 403, "detail": "x", "code": "forbidden"}
    await page.route(
        pattern, lambda route: route.fulfill(status=403, json=refusal, content_type="application/problem+json")
    )
    await visitor.open("/addresses")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_text("Nothing is paid from this page.")).to_be_visible()
    found += await inspect(visitor, "address book, failed")
    assert not found, "\n".join(found)
