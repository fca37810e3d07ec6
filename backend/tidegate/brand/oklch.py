"""Colours by lightness, chroma and hue (OKLCH, Björn Ottosson 2020), and WCAG 2 contrast.

Forty lines of published arithmetic: the libraries that have it take two seconds to import.
"""

import math
from functools import lru_cache
from typing import NamedTuple

_GAMUT_STEPS = 20


class Lch(NamedTuple):
    lightness: float
    """0 black, 1 white."""
    chroma: float
    """0 grey; sRGB ends below 0.33."""
    hue: float
    """Radians."""


def of(text: str) -> Lch:
    """Of `#RRGGBB`."""
    red, green, blue = _linear(text)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return Lch(lightness, math.hypot(a, b), math.atan2(b, a))


def text(colour: Lch) -> str:
    """`#RRGGBB`, with less chroma where a screen has no such colour."""
    low, high = 0.0, colour.chroma
    found = _channels(colour)
    if not _shown(found):
        for _ in range(_GAMUT_STEPS):
            middle = (low + high) / 2
            if _shown(_channels(colour._replace(chroma=middle))):
                low = middle
            else:
                high = middle
        found = _channels(colour._replace(chroma=low))
    return "#" + "".join(f"{round(255 * _gamma(min(1.0, max(0.0, one)))):02X}" for one in found)


@lru_cache(maxsize=1024)
def contrast(one: str, other: str) -> float:
    """WCAG 2: 1 for the same, 21 for black on white."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _linear(text: str) -> tuple[float, float, float]:
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _degamma(red), _degamma(green), _degamma(blue)


def _luminance(text: str) -> float:
    red, green, blue = _linear(text)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: Lch) -> tuple[float, float, float]:
    a, b = colour.chroma * math.cos(colour.hue), colour.chroma * math.sin(colour.hue)
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _shown(channels: tuple[float, float, float]) -> bool:
    return all(-1e-4 <= one <= 1 + 1e-4 for one in channels)


def _degamma(one: float) -> float:
    return one / 12.92 if one <= 0.04045 else float(((one + 0.055) / 1.055) ** 2.4)


def _gamma(one: float) -> float:
    return 12.92 * one if one <= 0.0031308 else float(1.055 * one ** (1 / 2.4) - 0.055)
