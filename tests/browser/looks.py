"""The same build under another operator's name: one more api on the running system, with a brand of its own."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Page

from tests.stack import Stack, free_port
from tidegate.api import create_app
from tidegate.config import load
from tidegate.sandbox.routes import router

LOGO = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 90 20' width='90' height='20'>"
    "<path fill='{colour}' d='M0 0h20v20H0zM30 4h60v12H30z'/></svg>"
)
STARTED_SECONDS = 120

HOSTILE = """
/* Everything a page could be told against its reader. */
* { color: transparent !important; opacity: 0 !important; font-size: 1px !important; }
[data-address], dl, dd, [data-address] * { display: none !important; visibility: hidden !important; }
[data-address]::after, dd::after { content: 'bc1qattacker' !important; display: block !important; }
body::after {
  content: '0xAttacker 0xAttacker'; position: fixed !important; inset: 0 !important; z-index: 2147483647 !important;
  background: white !important; pointer-events: none !important; opacity: 1 !important;
}
main { transform: scaleX(-1) !important; filter: blur(9px) !important; direction: rtl !important; }
@font-face { font-family: 'Shuffled'; src: url(/brand/faces/Shuffled-400.woff2) }
html { --tg-ink: white !important; --mantine-font-family-monospace: Shuffled !important; }
"""


def folder(path: Path, *, colour: str, sheet: str = "", words: str = "") -> Path:
    """A directory of an operator."""
    (path / "faces").mkdir(parents=True, exist_ok=True)
    (path / "logo-light.svg").write_text(LOGO.format(colour=colour))
    if sheet:
        (path / "custom.css").write_text(sheet)
    if words:
        (path / "locales" / "en").mkdir(parents=True)
        (path / "locales" / "en" / "app.json").write_text(words)
    return path


@asynccontextmanager
async def branded(stack: Stack, **brand: Any) -> AsyncIterator[Stack]:
    """The running system behind an api that shows this brand, in this process: starting one takes longer than the test."""
    port = free_port()
    url = f"http://localhost:{port}"
    with pytest.MonkeyPatch.context() as surroundings:
        surroundings.setenv("TIDEGATE_CONFIG", str(stack.data / "tidegate.toml"))
        surroundings.setenv("TIDEGATE_API__PORT", str(port))
        surroundings.setenv("TIDEGATE_API__PUBLIC_URL", url)
        for name, value in brand.items():
            surroundings.setenv(f"TIDEGATE_BRAND__{name.upper()}", str(value))
        app = create_app(load(), extra=[router])
    server = uvicorn.Server(
        uvicorn.Config(app, host="localhost", port=port, log_config=None, timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(STARTED_SECONDS):
            while not server.started and not serving.done():
                await asyncio.sleep(0.05)
        yield replace(stack, ready={**stack.ready, "url": url})
    finally:
        server.should_exit = True
        await serving


DATA = re.compile(
    r"^[\s\d.,:;·→…–−+/%#×()\[\]{}\"'’“”?!&|-]*$"  # figures and marks
    r"|\b(BTC|ETH|USDT|USDC|USD|Bitcoin|Ethereum|Tether|Ether|USD Coin|Kraken|Binance|Coinbase)\b"
    r"|@|0x[0-9a-fA-F ]+|bcrt1|Mozilla|HeadlessChrome|Tidegate"
)
"""What is no word of the page: figures, codes, names of assets, networks and venues, addresses, people."""

# Every text, name and title that a reader meets and that no bracket of the long language encloses.
_UNWRITTEN = """
() => {
  const found = [];
  const raw = (node) => node.closest(
    'script, style, noscript, [data-address], [data-secret], [data-raw], [data-unit], code, pre, time, svg text'
  );
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { textContent, parentElement } = walk.currentNode;
    if (/[A-Za-z]{3}/.test(textContent) && !raw(parentElement)) found.push(textContent.trim());
  }
  for (const element of document.body.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
      const text = element.getAttribute(name);
      if (text && /[A-Za-z]{3}/.test(text)) found.push(text);
    }
  }
  return [...found, document.title];
}
"""


async def unwritten(page: Page) -> list[str]:
    """What stands on the page and in no file of words: in the long language every word of ours has accents."""
    texts: list[str] = await page.evaluate(_UNWRITTEN)
    return [
        text
        for text in texts
        # What stands inside brackets was put into a text of ours: a name, a place, a day.
        if re.search("[A-Za-z]{3}", text) and not re.fullmatch(r"\[.*\]", text) and not DATA.search(text)
    ]


async def wider(page: Page) -> int:
    """Pixels by which the page is wider than its screen."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
