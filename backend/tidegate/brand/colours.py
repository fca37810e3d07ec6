"""From one colour of an operator's to every token that carries it, in both schemes, readable by WCAG 2.

`ink`, `page`, `ok`, `amber` and `red` are not an operator's: warnings look the same everywhere. Lightness decides what can
be read, so the shades keep that of our own scale (OKLCH) and take hue and chroma from the brand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tidegate.brand import oklch
from tidegate.brand.oklch import contrast

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")

FIXED: Mapping[Scheme, Mapping[str, str]] = {
    "light": {"page": "#EFF4F4", "surface": "#FFFFFF", "sunken": "#E3EBEC", "ink": "#0C262F", "ink2": "#38525C"},
    "dark": {"page": "#071920", "surface": "#0D242D", "sunken": "#051319", "ink": "#E6F0F1", "ink2": "#B1C7CC"},
}
"""What the brand's tokens stand on, as in the page's theme; a test compares."""

HOUSE = "#0E5362"
TIDE = (
    "#EFF4F4", "#DAE9EB", "#B4D3D8", "#86CCD6", "#5E9AA5", "#47848F", "#2F6C79", "#1B5E6C", "#0E5362", "#093E4A",
)  # fmt: skip
"""Our own scale, from lightest to darkest."""

OURS: Mapping[Scheme, Mapping[str, str]] = {
    "light": {
        "water1": "#DAE9EB", "water2": "#B4D3D8", "water3": "#47848F",
        "deep": "#0E5362", "deepHover": "#093E4A", "onDeep": "#FFFFFF", "link": "#0E5362",
    },
    "dark": {
        "water1": "#12343F", "water2": "#1B4E5B", "water3": "#4E96A3",
        "deep": "#86CCD6", "deepHover": "#A5DAE2", "onDeep": "#06252D", "link": "#93D2DB",
    },
}  # fmt: skip
"""The tokens that a brand replaces, as we have them ourselves."""

READ, SEEN = 4.5, 3.0
"""WCAG 2: what is read (1.4.3), and what only has to be seen (1.4.11)."""

PAIRS: tuple[tuple[str, str, float], ...] = (
    ("ink", "water1", READ),
    ("ink", "water2", READ),
    ("link", "page", READ),
    ("link", "surface", READ),
    ("link", "water1", READ),
    ("deep", "page", READ),
    ("deep", "surface", READ),
    ("onDeep", "deep", READ),
    ("onDeep", "deepHover", READ),
    ("deep", "water1", SEEN),
    ("deep", "water2", SEEN),
    ("water3", "page", SEEN),
    ("water3", "sunken", SEEN),
)
"""What stands on what, and how much it must differ."""

_LIVELIEST = 1.8
"""So much more chroma than ours at most: grounds stay grounds."""
STEP, STEPS = 0.015, 400
"""Of OKLCH lightness, when a colour is moved until it can be read; every pair may need the whole way."""
_DARKEST = 0.12
"""Below it a step is lost in rounding."""


class Unreadable(ValueError):
    """A pair that nobody could read, where the operator wants to be told instead of helped. The text is for a person."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Every token that the brand decides, by scheme, the ten shades, and what was changed so that it can be read."""

    shades: tuple[str, ...]
    tokens: Mapping[Scheme, Mapping[str, str]]
    adjusted: tuple[str, ...]


def palette(primary: str, *, primary_dark: str = "", adjust: bool = True) -> Palette:
    """The palette of a brand. Raises Unreadable instead of adjusting when it must not adjust."""
    tokens: dict[Scheme, Mapping[str, str]] = {}
    said: list[str] = []
    for scheme, wanted in (("light", primary), ("dark", primary_dark or primary)):
        given = bool(scheme == "light" or primary_dark)
        made = _tokens(scheme, wanted, given=given)  # type: ignore[arg-type]  # the tuple above holds the two schemes
        tokens[scheme] = _readable(scheme, made, wanted, given, adjust, said)  # type: ignore[index, arg-type]  # likewise
    shades = tuple(_like(one, primary) for one in TIDE)
    shades = (*shades[:3], tokens["dark"]["deep"], *shades[4:8], tokens["light"]["deep"], tokens["light"]["deepHover"])
    return Palette(shades, tokens, tuple(said))


def faults(tokens: Mapping[Scheme, Mapping[str, str]]) -> list[str]:
    """The pairs that are too close, in words."""
    return [
        f"{scheme}: {over} on {under} is {ratio:.2f}, at least {least} is needed"
        for scheme in SCHEMES
        for over, under, least, ratio in _pairs(scheme, tokens[scheme])
        if ratio < least
    ]


def _pairs(scheme: Scheme, tokens: Mapping[str, str]) -> list[tuple[str, str, float, float]]:
    every = {**FIXED[scheme], **tokens}
    return [(over, under, least, contrast(every[over], every[under])) for over, under, least in PAIRS]


def _like(ours: str, brand: str) -> str:
    """One of our own colours in the brand's hue: our lightness, our chroma in the measure of the brand's."""
    if brand.upper() == HOUSE:
        return ours
    model, own, house = oklch.of(ours), oklch.of(brand), oklch.of(HOUSE)
    share = min(own.chroma / house.chroma, _LIVELIEST)
    return oklch.text(oklch.Lch(model.lightness, model.chroma * share, own.hue))


def _tokens(scheme: Scheme, wanted: str, *, given: bool) -> dict[str, str]:
    made = {name: _like(colour, wanted) for name, colour in OURS[scheme].items()}
    if scheme == "light":
        made["onDeep"] = OURS["light"]["onDeep"]
    if given and wanted.upper() != HOUSE:
        # Exactly what was asked for; whether it can be read is judged next.
        made["deep"] = made["link"] = wanted.upper()
        made["deepHover"] = _moved(wanted, -0.07 if scheme == "light" else 0.06)
    return made


def _moved(colour: str, by: float) -> str:
    found = oklch.of(colour)
    least = _DARKEST if by > 0 else 0.0
    return oklch.text(found._replace(lightness=min(1.0, max(least, found.lightness + by))))


_MOVED_TOGETHER = {"deep": ("deep", "deepHover"), "onDeep": ("deep", "deepHover")}


def _readable(
    scheme: Scheme, tokens: dict[str, str], wanted: str, given: bool, adjust: bool, said: list[str]
) -> dict[str, str]:
    """Move what carries the brand away from what it stands on, until every pair can be read."""
    away = -STEP if scheme == "light" else STEP
    before = tokens["deep"]
    for _ in range(STEPS):
        worst = [(over, under, least, ratio) for over, under, least, ratio in _pairs(scheme, tokens) if ratio < least]
        if not worst:
            break
        over, under, least, ratio = worst[0]
        if given and not adjust:
            raise Unreadable(
                f"[brand] {_setting(scheme)} {wanted}: {over} on {under} has a contrast of {ratio:.2f} in the {scheme} "
                f"scheme, and at least {least} is needed."
            )
        if over == "ink":
            tokens[under] = _moved(tokens[under], -away)
        else:
            for name in _MOVED_TOGETHER.get(over, (over,)):
                tokens[name] = _moved(tokens[name], away)
    if given and tokens["deep"] != before:
        said.append(
            f"[brand] {_setting(scheme)} {before} cannot be read in the {scheme} scheme; {tokens['deep']} is shown instead."
        )
    return tokens


def _setting(scheme: Scheme) -> str:
    return "primary" if scheme == "light" else "primary_dark"
