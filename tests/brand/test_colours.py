"""Whatever colour an operator likes, everything that carries it can be read."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.brand import oklch
from tidegate.brand.colours import FIXED, OURS, SCHEMES, TIDE, Unreadable, faults, palette

THEME = Path(__file__).parents[2] / "frontend" / "src" / "app" / "theme.ts"
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06X}")


@given(primary=COLOURS, dark=COLOURS | st.just(""))
def test_any_colour_gives_a_palette_that_meets_every_pair(primary: str, dark: str) -> None:
    made = palette(primary, primary_dark=dark)
    assert faults(made.tokens) == []
    assert len(made.shades) == 10
    assert made.shades[8] == made.tokens["light"]["deep"]
    assert made.shades[3] == made.tokens["dark"]["deep"]


def test_our_own_colour_gives_our_own_tokens_to_the_last_digit() -> None:
    made = palette("#0E5362")
    assert made.tokens == OURS
    assert made.shades == TIDE
    assert made.adjusted == ()


@pytest.mark.parametrize("primary", ["#7A1FA2", "#1450C8", "#2E7D32"])
def test_a_colour_that_can_be_read_is_shown_as_it_was_given(primary: str) -> None:
    made = palette(primary)
    assert made.tokens["light"]["deep"] == primary
    assert made.adjusted == ()


def test_a_colour_that_cannot_be_read_is_moved_and_said() -> None:
    made = palette("#FFD400")
    assert made.tokens["light"]["deep"] != "#FFD400"
    assert abs(oklch.of(made.tokens["light"]["deep"]).hue - oklch.of("#FFD400").hue) < 0.2, "it stays yellow"
    assert made.adjusted == (
        f"[brand] primary #FFD400 cannot be read in the light scheme; {made.tokens['light']['deep']} is shown instead.",
    )


@pytest.mark.parametrize(
    ("light", "dark", "named"), [("#FFD400", "", "primary "), ("#0E5362", "#101010", "primary_dark")]
)
def test_an_operator_who_wants_no_help_is_told_which_pair_fails(light: str, dark: str, named: str) -> None:
    with pytest.raises(Unreadable, match=rf"\[brand\] {named}.*contrast of \d"):
        palette(light, primary_dark=dark, adjust=False)


def test_the_house_of_pairs_is_that_of_the_pages_theme() -> None:
    written = {
        name: (light, dark)
        for name, light, dark in re.findall(r"^  (\w+): \['(#\w+)', '(#\w+)'\],$", THEME.read_text(), re.MULTILINE)
    }
    for at, scheme in enumerate(SCHEMES):
        for name, colour in {**FIXED[scheme], **OURS[scheme]}.items():
            assert written[name][at] == colour, f"{name}, {scheme}"


@given(COLOURS)
def test_a_colour_survives_the_way_there_and_back(colour: str) -> None:
    back = oklch.text(oklch.of(colour))
    assert all(abs(int(colour[at : at + 2], 16) - int(back[at : at + 2], 16)) <= 1 for at in (1, 3, 5))


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#FFFFFF", "#000000", 21.0),
        ("#0C262F", "#EFF4F4", 14.18),
        ("#93D2DB", "#071920", 10.68),
        ("#777777", "#777777", 1),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert oklch.contrast(one, other) == pytest.approx(ratio, abs=0.01)
