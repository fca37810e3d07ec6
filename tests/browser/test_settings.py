"""Account settings: what one may change oneself, and the way out."""

import json
import re

import pytest
from playwright.async_api import expect

from tests.browser.test_every_screen import inspect
from tests.browser.test_links import link
from tests.browser.visitor import Visitor
from tests.stack import Stack


@pytest.mark.slow
async def test_another_address_by_its_link_holds_what_leaves_and_an_empty_account_can_go(
    visitor: Visitor, stack: Stack
) -> None:
    customer = await stack.customer()
    page, found = visitor.page, []
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    await visitor.open("/settings")
    await page.get_by_label("Name", exact=True).fill("Ana Marsh")
    await visitor.button("Save name").click()
    await expect(page.get_by_text("Saved.").first).to_be_visible()
    await page.get_by_label("a deposit arrives").uncheck()
    await visitor.open("/settings")
    await expect(page.get_by_label("a deposit arrives")).not_to_be_checked()
    told = await customer.get("/auth/me")
    assert (told["name"], told["notices"]["deposits"]) == ("Ana Marsh", False)
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download my data").click()
    with open(await (await started.value).path()) as file:
        assert json.load(file)["account"]["email"] == customer.email
    await visitor.button("Change address").click()
    await visitor.button("Send the link").click()
    await expect(page.get_by_text("Write an e-mail address.")).to_be_visible()
    found += await inspect(visitor, "settings, with faults")
    new = f"new-{customer.email}"
    await page.get_by_label("New address").fill(new)
    await page.get_by_label("Your password").fill(customer.password)
    await page.get_by_label("Code of your authenticator").fill(await customer.code())
    await visitor.button("Send the link").click()
    await expect(page.get_by_text(f"We wait for the link that went to {new}")).to_be_visible()
    await expect(page.locator("li[data-mail]").first).to_contain_text("Confirm this address")
    await page.goto(await link(customer, "confirm-email", to=new))
    await expect(visitor.heading()).to_have_text("Is this your new address?")
    found += await inspect(visitor, "confirm the address")
    await visitor.button("Yes, it is mine").click()
    await expect(visitor.heading()).to_have_text(f"{new} is your address now")
    assert "#" not in page.url, "the secret is gone from the address bar"
    await visitor.open("/settings")
    await expect(page.get_by_text(re.compile("Nothing new leaves this account until"))).to_be_visible()
    found += await inspect(visitor, "settings, held")
    await visitor.button("Close account").click()
    await page.get_by_label("Your password").fill(customer.password)
    await page.get_by_label("Code of your authenticator").fill(await customer.code())
    await visitor.button("Close it for good").click()
    await expect(visitor.heading()).to_contain_text("Sign in")
    assert not found, "\n".join(found)
