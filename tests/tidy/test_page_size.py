"""The page as it is built stays small: what each screen costs a visitor, gzipped, against what we allow."""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from tidegate.web import WEB

KB = 1000
ENTRY_JS, ROUTE_JS, ROUTE_CSS = 165 * KB, 225 * KB, 20 * KB
FRAMES = {"src/auth/SignIn.tsx": (), "src/auth/Register.tsx": ()}
"""Screens without the frame of the signed-in pages around them."""


@cache
def manifest() -> dict[str, dict[str, Any]]:
    """What Vite wrote about its own build."""
    path = WEB / ".vite" / "manifest.json"
    assert path.exists(), "build the page first: make setup"
    found: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return found


def closure(chunk: str, seen: set[str]) -> set[str]:
    """Everything that the browser must have before this chunk can run."""
    if chunk not in seen:
        seen.add(chunk)
        for needed in manifest()[chunk].get("imports", ()):
            closure(needed, seen)
    return seen


@cache
def zipped(file: str) -> int:
    return len(gzip.compress((WEB / file).read_bytes(), 9))


def weigh(*chunks: str) -> tuple[int, int]:
    """Gzipped JavaScript and CSS of these chunks and all they stand on."""
    seen: set[str] = set()
    for chunk in chunks:
        closure(chunk, seen)
    css = {file for chunk in seen for file in manifest()[chunk].get("css", ())}
    return sum(zipped(manifest()[chunk]["file"]) for chunk in seen), sum(map(zipped, css))


def screens() -> list[str]:
    return sorted(
        chunk
        for chunk in manifest()["index.html"].get("dynamicImports", ())
        if re.fullmatch(r"src/\w+/\w+\.tsx", chunk) and chunk != "src/app/SignedIn.tsx"
    )


def test_the_entry_stays_small() -> None:
    script, _ = weigh("index.html")
    assert script <= ENTRY_JS, f"the entry has {script / KB:.1f} kB of JavaScript"


def test_no_screen_costs_more_than_is_allowed() -> None:
    found, heavy = screens(), []
    assert "src/transactions/Pay.tsx" in found
    for screen in found:
        frame = FRAMES.get(screen, ("src/app/SignedIn.tsx",))
        script, css = weigh("index.html", *frame, screen)
        if script > ROUTE_JS or css > ROUTE_CSS:
            heavy.append(f"{screen}: {script / KB:.1f} kB of JavaScript, {css / KB:.1f} kB of CSS")
    assert not heavy, "\n".join(heavy)


def test_the_page_holds_nothing_for_developers_only() -> None:
    names = [str(path.relative_to(WEB)) for path in WEB.rglob("*") if path.is_file()]
    assert not [name for name in names if Path(name).suffix in (".map", ".ts", ".tsx")]
    scripts = [WEB / name for name in names if name.endswith((".js", ".css"))]
    assert scripts
    assert not [path.name for path in scripts if "sourceMappingURL" in path.read_text()]
