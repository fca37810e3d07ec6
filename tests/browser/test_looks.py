"""One build: other brands, a hostile stylesheet, words 40 % longer, and a page from right to left."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewVisitor
from tests.browser.looks import HOSTILE, branded, folder, unwritten, wider
from tests.browser.visitor import NARROW, ROOT, WIDE, Visitor, invoice
from tests.stack import Stack

BRANDS: dict[str, dict[str, Any]] = {
    "Plum Exchange": {"primary": "#7A1FA2", "radius": 0},
    "Citron": {"primary": "#FFD400", "radius": 12, "face": "Georgia"},
    "Night Desk": {"primary": "#1450C8", "primary_dark": "#8FB8FF", "heading_face": "Arial"},
}
OTHER_FACE = ROOT / "frontend/node_modules/@fontsource/besley/files/besley-latin-400-normal.woff2"
PLACES = ["/", "/deposit?asset=BTC", "/convert", "/history", "/addresses", "/security", "/settings", "/webhooks"]


async def speak(visitor: Visitor, tag: str) -> None:
    await visitor.context.add_init_script(f"localStorage.setItem('tidegate-language', '{tag}')")


async def faults(visitor: Visitor, name: str, *, long: bool) -> list[str]:
    """What another language breaks on the page that is open."""
    page, found = visitor.page, []
    for size in (WIDE, NARROW):
        await page.set_viewport_size({"width": size["width"], "height": size["height"]})
        if (over := await wider(page)) > 0:
            found.append(f"{name}, {size['width']}: {over} px wider than the screen")
        found += [f"{name}, {size['width']}: {fault}" for fault in await visitor.axe()]
    if long:
        found += [f"{name}: in no file of words: {text!r}" for text in await unwritten(page)]
    return found


async def test_at_the_last_step_a_hostile_stylesheet_says_nothing(
    visit: NewVisitor, stack: Stack, tmp_path: Path
) -> None:
    """The address, what they get and what one pays stand as our own styles draw them, and nothing lies over them."""
    brand = folder(tmp_path / "brand", colour="#7A1FA2", sheet=HOSTILE)
    (brand / "faces" / "Shuffled-400.woff2").write_bytes(OTHER_FACE.read_bytes())
    customer = await stack.customer(USDT="30")
    async with branded(stack, name="Evil Twin", directory=brand, primary="#7A1FA2", face="Shuffled") as twin:
        visitor = await visit()
        visitor.stack = twin
        page = visitor.page
        await visitor.open("/sign-in")
        await expect(page.locator("body")).to_have_css("color", "rgba(0, 0, 0, 0)")
        assert await page.evaluate("getComputedStyle(document.body, '::after').content") != "none", (
            "it is in force here"
        )
        assert await page.title() == "Sign in · Evil Twin"
        await page.evaluate("document.querySelector('[data-custom-css]').disabled = true")  # to be able to sign in
        await visitor.sign_in(customer.email, customer.password, await customer.code())
        await expect(page.get_by_role("heading", name="Balances")).to_be_attached()
        await visitor.pay(invoice(stack, 10_000_000))
        for step in ("check", "confirm"):
            assert await page.locator("[data-custom-css]").count() == 0, step
            address = page.locator("main [data-address]").first
            await expect(address).to_be_visible()
            assert await page.evaluate("getComputedStyle(document.body, '::after').content") == "none"
            seen = await address.evaluate(
                """(element) => {
                  const { color, opacity, fontFamily, direction } = getComputedStyle(element);
                  const box = element.getBoundingClientRect();
                  const top = document.elementFromPoint(box.left + 4, box.top + box.height / 2);
                  return { color, opacity, mono: /Atkinson/.test(fontFamily), direction, top: element.contains(top),
                           after: getComputedStyle(element, '::after').content };
                }"""
            )
            assert seen == {
                "color": "rgb(12, 38, 47)",
                "opacity": "1",
                "mono": True,
                "direction": "ltr",
                "top": True,
                "after": "none",
            }, step
            await expect(page.get_by_text(re.compile(r"10\.\d+ USDT")).first).to_be_visible()
            if step == "check":
                await visitor.button("Confirm with your code").click()
                await expect(visitor.heading()).to_have_text("Send 10.00 USDT?")
        await page.go_back()
        await page.goto(twin.url + "/history")
        await expect(page.locator("[data-custom-css]")).to_have_count(1)
        await visitor.context.close()


@pytest.mark.slow
async def test_in_words_40_percent_longer_and_mirrored_the_first_pages_hold(visit: NewVisitor, stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    found = []
    for tag, way in (("en-XA", "ltr"), ("ar-XB", "rtl")):
        visitor = await visit()
        await speak(visitor, tag)
        page = visitor.page
        await visitor.open("/sign-in")
        await expect(page.locator("html")).to_have_attribute("dir", way)
        await expect(page.locator("html")).to_have_attribute("lang", tag)
        await expect(page.locator("li[data-email]").first).to_be_visible()
        found += await faults(visitor, f"sign in, {tag}", long=tag == "en-XA")
        await page.locator("input[type=email], input[autocomplete=username]").first.fill(customer.email)
        await page.locator("input[type=password]").fill(customer.password)
        await page.keyboard.press("Enter")
        await expect(page.locator("#balances")).to_be_visible()
        found += await faults(visitor, f"home, {tag}", long=tag == "en-XA")
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["en-XA", "ar-XB"])
async def test_in_another_language_no_page_breaks(visit: NewVisitor, stack: Stack, tag: str) -> None:
    """Nothing is wider than a screen of 320, axe finds nothing, and every word comes from a file."""
    customer = await stack.customer(BTC="0.05", USDT="40")
    visitor = await visit()
    page, found, long = visitor.page, [], tag == "en-XA"
    await visitor.enter(customer.email, customer.password, customer.authenticator)
    await speak(visitor, tag)
    for place in PLACES:
        await visitor.open(place)
        await expect(page.locator("h1")).to_be_visible()
        found += await faults(visitor, f"{place}, {tag}", long=long)
    await visitor.open("/")
    await page.locator("main textarea, main input").first.fill(invoice(stack, 25_000_000))
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-address]")).to_be_visible()
    found += await faults(visitor, f"pay, {tag}", long=long)
    groups = page.locator("[data-address] [dir=ltr]").first
    assert await groups.evaluate("(one) => getComputedStyle(one).direction") == "ltr", "addresses never mirror"
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(BRANDS))
async def test_the_same_build_is_another_operators_page(
    visit: NewVisitor, stack: Stack, tmp_path: Path, name: str
) -> None:
    """Name, logo, colours, edges, words and notice are theirs; axe finds nothing in either scheme."""
    customer = await stack.customer(BTC="0.05")
    words = '{"nav": {"pay": "Send money"}}'
    brand = folder(tmp_path / "brand", colour="#333333", words=words, sheet="h1 { letter-spacing: 0.01em }")
    found = []
    async with branded(
        stack, name=name, directory=brand, notice='{"text": "Closed on Sunday."}', **BRANDS[name]
    ) as own:
        for scheme in ("light", "dark"):
            visitor = await visit(color_scheme=scheme)
            visitor.stack = own
            page = visitor.page
            await visitor.enter(customer.email, customer.password, customer.authenticator)
            assert (await page.title()).endswith(f"· {name}")
            await expect(page.get_by_role("img", name=name)).to_be_visible()
            await expect(page.get_by_role("link", name="Send money")).to_be_visible()
            await expect(page.get_by_text("Closed on Sunday.")).to_be_visible()
            for place in ("/", "/convert", "/deposit?asset=BTC", "/history", "/security"):
                await visitor.open(place)
                await expect(page.locator("h1")).to_be_visible()
                found += [f"{place}, {scheme}: {fault}" for fault in await visitor.axe()]
                if (over := await wider(page)) > 0:
                    found.append(f"{place}: {over} px wider than the screen")
            await visitor.context.close()
    assert not found, "\n".join(found)
