"""A real Chromium for every test here, and the whole system behind it."""

import os
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.visitor import ROOT, WIDE, Visitor
from tests.stack import Stack

HERE = Path(__file__).parent
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]
PATIENCE_MILLISECONDS = 15_000
# Two workers share two cores: what takes a moment alone may take seconds here.
expect.set_options(timeout=PATIENCE_MILLISECONDS)

NewVisitor = Callable[..., Coroutine[Any, Any, Visitor]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = os.environ.get("TIDEGATE_CHROMIUM")
    if not path:
        found = subprocess.run([ROOT / "tools" / "get-chromium"], capture_output=True, text=True, check=False)
        if found.returncode != 0:
            pytest.fail(f"no Chromium: install the Debian package chromium\n{found.stderr}", pytrace=False)
        path = found.stdout.strip()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def visit(chromium: Browser, stack: Stack) -> AsyncIterator[NewVisitor]:
    """Makes visitors: `await visit(color_scheme="dark", viewport=PHONE)`. Each is judged when the test is over."""
    made: list[Visitor] = []

    async def new(**context: Any) -> Visitor:
        options = {"viewport": WIDE, "locale": "en-GB", "timezone_id": "Europe/Lisbon", **context}
        opened = await chromium.new_context(**options)
        opened.set_default_timeout(PATIENCE_MILLISECONDS)
        visitor = Visitor(await opened.new_page(), opened, stack)
        visitor.watch()
        made.append(visitor)
        return visitor

    yield new
    for visitor in made:
        await visitor.context.close()
    for visitor in made:
        visitor.judge()


@pytest.fixture
async def visitor(visit: NewVisitor) -> Visitor:
    """A fresh visitor at a desk."""
    return await visit()
