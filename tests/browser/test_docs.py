"""The API's own page is a client that people use: Swagger UI, offline, from signing in to a payment that is completed."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.visitor import Visitor
from tests.customer import until
from tests.stack import Stack


class Swagger:
    """Swagger UI as a person works it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def authorize(self, email: str, password: str, code: str) -> None:
        """The dialog has no field for a code; API.md lets it stand in `client_secret`."""
        await self.page.get_by_role("button", name="Authorize").first.click()
        dialog = self.page.locator(".auth-container").first
        await dialog.locator("#oauth_username").fill(email)
        await dialog.locator("#oauth_password").fill(password)
        await dialog.locator("input[id^=client_secret]").fill(code)
        await dialog.locator("button.authorize").click()
        await expect(dialog.locator("button", has_text="Logout")).to_be_visible()
        await self.page.locator(".dialog-ux .close-modal").click()

    async def execute(
        self, operation: str, body: dict[str, Any] | None = None, **parameters: str
    ) -> tuple[int, dict[str, Any]]:
        """Open the operation, fill it in, press Execute: the status and the answer as the page shows them."""
        block = self.page.locator(f"[id^=operations-][id$={operation}]")
        if "is-open" not in (await block.get_attribute("class") or ""):
            await block.locator(".opblock-summary-control").click()
        if body is not None:
            await block.locator("textarea.body-param__text").fill(json.dumps(body))
        for name, value in parameters.items():
            await block.locator(f"tr[data-param-name={name}] input").fill(value)
        async with self.page.expect_response(lambda answer: "/api/v1/" in answer.url) as answered:
            await block.get_by_role("button", name="Execute").click()
        answer = await answered.value
        shown = block.locator(".live-responses-table .response").first
        await expect(shown.locator(".response-col_status")).to_contain_text(str(answer.status))
        found: dict[str, Any] = await answer.json()
        return answer.status, found


@pytest.mark.slow
async def test_a_payment_is_made_from_signing_in_to_completed_in_swagger_ui(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(USDT="60")
    recipient = await stack.new_address("ethereum")
    swagger = Swagger(visitor.page)
    # Swagger UI's own fields; Chromium remarks on them when it has the time.
    visitor.tolerated = "Password field is not contained in a form"
    await visitor.open("/docs")
    await swagger.authorize(customer.email, customer.password, await customer.code())

    status, quote = await swagger.execute(
        "quotes_create",
        {
            "kind": "withdrawal",
            "from_asset": "USDT",
            "to_asset": "USDT",
            "network": "ethereum",
            "side": "exact_out",
            "amount": "7.5",
            "address": recipient,
        },
    )
    assert status == 201
    # The Idempotency-Key is filled in by the page.
    status, withdrawal = await swagger.execute("withdrawals_create", {"quote_id": quote["id"], "address": recipient})
    assert status == 201
    assert withdrawal["state"] == "pending_verification"
    code = await customer.code()
    status, _ = await swagger.execute(
        "withdrawals_verify", {"method": "totp", "code": code}, withdrawal_id=withdrawal["id"]
    )
    assert status == 200

    async def completed() -> bool | None:
        found = (await swagger.execute("withdrawals_get", withdrawal_id=withdrawal["id"]))[1]
        return found["state"] == "completed" or None

    await until(completed, "completed, as Swagger UI shows it", within=60, every=1)
    shown = visitor.page.locator("[id$=withdrawals_get] .live-responses-table .microlight").first
    await expect(shown).to_contain_text(re.compile('"state": "completed"'))
    assert await stack.usdt_transfers(recipient) == [7_500_000]


async def test_the_offline_reference_opens_without_a_complaint(visitor: Visitor) -> None:
    # Redoc's badge asks for its maker's logo; the content policy stops that before it leaves.
    visitor.tolerated = "cdn.redoc.ly"
    await visitor.open("/redoc")
    await expect(visitor.page.get_by_role("heading", level=1).first).to_be_visible()
