"""A webhook on the page: added, its secret shown once, tried out, sent again, and off when the server is gone."""

import asyncio
import re

import pytest
from playwright.async_api import expect
from standardwebhooks import Webhook

from tests.browser.test_every_screen import inspect
from tests.browser.visitor import Visitor
from tests.stack import Stack
from tests.webhooks.conftest import Receiver


@pytest.mark.slow
async def test_a_server_is_added_proved_and_told(visitor: Visitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.says(500, "<b>not yet</b>")
    page, found = visitor.page, []
    await visitor.enter(customer.email, customer.password, None)
    await page.get_by_role("button", name=re.compile("Account of")).click()
    await page.get_by_role("menuitem", name="Webhooks").click()
    await expect(page.get_by_text("No server is told anything yet.")).to_be_visible()
    await visitor.button("Add a webhook").click()
    await page.get_by_label("Address of your server").fill(receiver.url)
    await page.get_by_label("Payments").check()
    await page.get_by_label("Address of your server").press("Enter")
    secret = (await page.locator("[data-secret]").inner_text()).strip()
    await visitor.button("I have kept it").click()
    await expect(page.get_by_text(secret)).to_have_count(0)

    await visitor.button("Send a test").click()
    (heard,) = await receiver.until(1)
    assert Webhook(secret).verify(heard.body, heard.headers)["type"] == "webhook.test"
    row = page.locator("li[data-delivery]")
    await expect(row).to_have_attribute("data-state", "failed")
    await expect(row).to_contain_text("answered 500")
    await expect(row).to_contain_text("<b>not yet</b>")
    await visitor.button("Add a webhook").click()
    await visitor.button("Add it").click()
    await expect(page.get_by_text("Write an address, like")).to_be_visible()
    found += await inspect(visitor, "webhooks, a message not taken, a form with a fault")
    await visitor.button("Leave it").click()
    receiver.says(204)
    await visitor.button("Send again").click()
    await expect(row).to_have_attribute("data-state", "delivered")
    await visitor.button("Switch off").click()
    await expect(page.locator("li[data-webhook]")).to_have_attribute("data-enabled", "false")
    server.close()
    assert not found, "\n".join(found)
