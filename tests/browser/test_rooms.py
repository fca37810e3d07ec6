"""The asset's chart, the gallery, the operators' desk, history as a file, and a visitor's first minute."""

import json
import re
import subprocess

import pytest
from playwright.async_api import Route, expect

from tests.browser.visitor import Visitor
from tests.stack import Stack

PARTS = ("Amount", "AmountInput", "Address", "AddressInput", "Countdown", "StepUp", "StatusBadge", "Problem", "LiveDot")


async def test_an_asset_has_a_chart_that_is_a_table_too(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False, BTC="0.01")
    await visitor.enter(customer.email, customer.password, None)
    page = visitor.page
    await visitor.open("/balances/BTC")
    await expect(page.locator("[data-chart] canvas").first).to_be_visible(timeout=30_000)
    await expect(page.get_by_role("img", name=re.compile("^BTC in USDT"))).to_be_visible()
    await page.get_by_text("The same as a table").click()
    await expect(page.get_by_role("region", name="The same as a table").locator("tbody tr")).to_have_count(96)
    assert await visitor.axe() == []
    await page.get_by_role("radio", name="Three months").check()
    await expect(page.get_by_text("In the last three months between")).to_be_visible()


@pytest.mark.slow
async def test_without_chart_and_prices_the_balance_stands(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False, BTC="0.01")
    await visitor.enter(customer.email, customer.password, None)
    page = visitor.page
    visitor.offline_expected = True
    await page.route("**/assets/chart-*.js", lambda route: route.abort())
    await visitor.open("/balances/BTC")
    await expect(page.get_by_text("The chart could not be drawn.")).to_be_visible()
    await expect(visitor.heading()).to_have_text("You have 0.01 BTC to use.")
    visitor.expected.add(503)

    async def away(route: Route) -> None:
        problem = {"type": "/problems/venue-unavailable", "title": "-", "status": 503, "detail": "-", "instance": "-"}
        body = json.dumps({**problem, "code": "venue_unavailable", "request_id": "r", "retry_after": 5})
        await route.fulfill(status=503, content_type="application/problem+json", body=body)

    await page.route("**/api/v1/exchange/candles/**", away)
    await visitor.open("/balances/BTC")
    await expect(page.get_by_text("No exchange tells a price right now.")).to_be_visible()
    await expect(visitor.heading()).to_have_text("You have 0.01 BTC to use.")
    await expect(page.locator("main tr[data-event='deposit credited']")).to_be_visible()


async def test_history_is_narrowed_in_the_address_and_taken_home(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False, BTC="0.01", USDT="20")
    await visitor.enter(customer.email, customer.password, None)
    page = visitor.page
    await visitor.open("/history")
    await expect(page.locator("main li[data-kind=deposit]")).to_have_count(2)
    await page.get_by_role("combobox", name="Which asset").select_option("BTC")
    await expect(page.locator("main li[data-kind=deposit]")).to_have_count(1)
    assert page.url.endswith("/history?asset=BTC")
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="CSV file").click()
    lines = (await (await saved.value).path()).read_text().splitlines()
    assert [line for line in lines if "0.01000000" in line]
    assert not [line for line in lines if "USDT" in line]
    await visitor.open("/history?asset=BTC&kind=conversion")
    await expect(page.get_by_text("Nothing of this kind yet.")).to_be_visible()


@pytest.mark.slow
async def test_every_part_has_a_page_in_the_gallery_without_a_fault(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    await visitor.enter(customer.email, customer.password, None)
    for part in PARTS:
        await visitor.open(f"/dev/gallery/{part}")
        await expect(visitor.heading()).to_have_text(part)
        for scheme in ("light", "dark"):
            await visitor.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            assert await visitor.axe() == [], f"{part}, {scheme}"


async def test_an_operator_lands_on_a_desk_of_their_own(visitor: Visitor, stack: Stack) -> None:
    admin = stack.person("administrator")
    page = visitor.page
    await visitor.open("/sign-in")
    await visitor.sign_in(admin.email, admin.password, await admin.authenticator.code())
    await expect(visitor.heading()).to_have_text("What needs somebody now.")
    await expect(page.get_by_text("No coin here is worth anything.")).to_be_visible()
    await expect(page.get_by_text("Nothing is paused.")).to_be_visible()
    await expect(page.get_by_role("row", name=re.compile("^BTC"))).to_have_count(2)
    loaded = await page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    assert not [name for name in loaded if "custom.css" in name]
    assert await visitor.axe() == []


@pytest.mark.slow
async def test_the_first_minute_pays_an_invoice_watches_it_and_ends_at_the_switches(
    visitor: Visitor, stack: Stack
) -> None:
    customer = await stack.customer(BTC="0.01")
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    page = visitor.page
    tour = page.locator("[data-tour]")
    await visitor.button("Take the invoice").click()
    await expect(page.locator("[data-address]")).to_be_visible()
    await expect(tour).to_have_attribute("data-tour", "pay")
    await visitor.button("See what it costs").click()
    await visitor.choose(None)
    await visitor.button("Check every detail").click()
    await visitor.button("Confirm with your code").click()
    await visitor.confirm(await customer.code())
    await expect(tour).to_have_attribute("data-tour", "watch")
    await expect(visitor.state()).to_have_attribute("data-state", "completed", timeout=60_000)
    await visitor.button("Break something").click()
    await expect(tour).to_have_attribute("data-tour", "break")
    assert await visitor.axe() == []
    await visitor.button("That was it").click()
    await expect(tour).to_have_count(0)
    await visitor.open("/")
    await expect(page.get_by_role("heading", name="Balances")).to_be_visible()
    await expect(tour).to_have_count(0)


async def test_the_requests_behind_a_screen_are_lines_that_a_shell_runs(visitor: Visitor, stack: Stack) -> None:
    person = stack.demo[2]
    page = visitor.page
    await visitor.enter(person.email, person.password, person.authenticator)
    await expect(page.locator("[data-asset=BTC] [data-available]")).to_be_visible()
    await page.get_by_text("The requests behind this screen").click()
    lines = await page.locator("footer ~ section details code").all_inner_texts()
    balances = next(line for line in lines if "/wallets/balances" in line)
    # The code on the line may have been used by the sign-in just now: the token comes from the login of this test.
    async with stack.http() as client:
        form = {"username": person.email, "password": person.password, "totp_code": await person.authenticator.code()}
        token = (await client.post("/auth/token", data=form)).json()["access_token"]
    ran = subprocess.run(["bash", "-c", f"TOKEN={token}; {balances}"], capture_output=True, text=True, check=True)
    assert {item["asset"] for item in json.loads(ran.stdout)["items"]} >= {"BTC", "USDT"}
    assert lines[0].startswith("TOKEN=$(curl -s ")
    assert await visitor.axe() == []
