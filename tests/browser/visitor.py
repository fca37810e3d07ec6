"""Somebody at a browser: what they do, and what must never happen while they do it."""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.customer import Authenticator
from tests.stack import Stack

ROOT = Path(__file__).parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
IMAGES = ROOT / "docs" / "images"
RESULTS = ROOT / "test-results" / "images"
FRESH_IMAGES = bool(os.environ.get("TIDEGATE_IMAGES"))
"""The README's pictures are committed; they are made anew when asked for, or when one is missing."""

RECIPIENT = "0x52908400098527886E0F7030069857D2E4169EE7"
STATUS = re.compile(r"Failed to load resource: the server responded with a status of (\d{3})")
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 320, "height": 640}
PHONE = {"width": 390, "height": 844}


@dataclass
class Visitor:
    """One browser context and its page. `expected` are the refusals that the test provokes; Chromium logs each."""

    page: Page
    context: BrowserContext
    stack: Stack
    expected: set[int] = field(default_factory=lambda: {401})
    offline_expected: bool = False
    tolerated: str | None = None
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Every page of this browser, those that are opened later too."""
        self.context.on("console", self._console)
        self.context.on("weberror", lambda found: self.complaints.append(f"uncaught: {found.error}"))
        self.context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        refused = STATUS.search(message.text)
        if refused and int(refused[1]) in self.expected:
            return
        if self.offline_expected and "net::ERR_" in message.text:
            return
        if self.tolerated and self.tolerated in message.text:
            return
        self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        ours = (f"{self.stack.url}/", f"blob:{self.stack.url}", "data:")
        if not request.url.startswith(ours) and not (self.tolerated and self.tolerated in request.url):
            self.foreign.append(request.url)

    def judge(self) -> None:
        """No word on the console, which is where a breach of the content policy is reported; no request to anybody else."""
        assert not self.complaints, "\n".join(self.complaints)
        assert not self.foreign, "\n".join(self.foreign)

    # ------------------------------------------------------------ moving about

    async def open(self, path: str) -> None:
        await self.page.goto(self.stack.url + path)

    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """The visible one: on a phone the act stands in the dock, on a desk in the slip."""
        exact = isinstance(name, str)
        return self.page.get_by_role("button", name=name, exact=exact).filter(visible=True)

    def state(self) -> Locator:
        return self.page.locator("main [data-state]").first

    async def sign_in(self, email: str, password: str, code: str | None = None) -> None:
        """By the form, as a person does it."""
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.button("Sign in").click()
        if code is not None:
            await self.page.get_by_label("Code of your authenticator").fill(code)
            await self.button("Sign in").click()

    async def enter(self, email: str, password: str, authenticator: Authenticator | None) -> None:
        """Signed in and at home."""
        await self.open("/sign-in")
        await self.sign_in(email, password, await authenticator.code() if authenticator else None)
        await expect(self.page.get_by_role("heading", name="Balances")).to_be_visible()

    async def pay(self, text: str, *, pay_with: str | None = None, amount: str | None = None) -> None:
        """From the home page to the last step: paste, choose, check."""
        page = self.page
        await page.get_by_label("Pay an invoice or an address").fill(text)
        await self.button("Pay").click()
        await expect(page.locator("[data-address]")).to_be_visible()
        if amount is not None:
            await page.get_by_label(re.compile("Exactly this much")).fill(amount)
        await self.button("See what it costs").click()
        await self.choose(pay_with)
        await self.button("Check every detail").click()
        await expect(self.heading()).to_have_text("Check every detail")

    async def choose(self, asset: str | None) -> None:
        """Pay with this asset, or with the one proposed."""
        if asset is not None:
            await self.page.locator(f"[data-asset={asset}]").get_by_role("radio").check()
        await expect(self.page.get_by_text("You pay, all in").first).to_be_visible()

    async def confirm(self, code: str) -> None:
        """The last step: the code over exactly this."""
        await self.page.get_by_label("Code of your authenticator").fill(code)
        await self.button(re.compile("^Send ")).click()

    # ------------------------------------------------------------ looking

    async def settle(self) -> None:
        """Wait for what moves and comes to rest: a level that rises, a colour that changes with the scheme."""
        await self.page.evaluate(
            "Promise.allSettled(document.getAnimations()"
            ".filter((one) => one.effect.getComputedTiming().endTime !== Infinity).map((one) => one.finished))"
        )

    async def axe(self) -> list[str]:
        """What axe finds on the page as it stands, best practices included."""
        await self.settle()
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = await self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values: "
            "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']}})"
        )
        return [
            f"{violation['id']}: {json.dumps(node['target'])} {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    async def picture(self, name: str) -> None:
        """For the README: kept under docs/images when asked for or missing, else among the results."""
        kept = IMAGES / name
        target = kept if FRESH_IMAGES or not kept.exists() else RESULTS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # A pointer that rests on a button would be in the picture.
        await self.page.mouse.move(0, 0)
        await self.page.evaluate("document.fonts.ready")
        await self.settle()
        await self.page.screenshot(path=target)


def invoice(stack: Stack, amount_units: int, recipient: str = RECIPIENT) -> str:
    """An EIP-681 payment link for the token."""
    return f"ethereum:{stack.ready['usdt_contract']}@31337/transfer?address={recipient}&uint256={amount_units}"
