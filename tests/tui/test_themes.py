"""A person's look is remembered on the box, and is legible."""

from datetime import date
from functools import partial

from textual.color import Color

from tests.school import School
from tests.tui.driving import Driver, at_home, sees, until
from tui.looks import CONTRAST, LOOKS, after


async def test_a_look_is_chosen_with_one_key_and_remembered(school: School, today: date) -> None:
    async with at_home(school) as pilot:
        first = pilot.app.theme
        await pilot.press("z")
        await until(pilot, lambda: pilot.app.theme == after(first))
        await sees(pilot, LOOKS[after(first)])
        chosen = pilot.app.theme
    async with at_home(school) as pilot:
        assert pilot.app.theme == chosen
        for _ in range(len(LOOKS) - 1):
            wanted = after(pilot.app.theme)
            await pilot.press("z")
            await until(pilot, partial(_wears, pilot, wanted))
        assert pilot.app.theme == first
    async with at_home(school, name="jimu") as pilot:
        assert pilot.app.theme == "textual-dark", "another person's look is their own"


def _wears(pilot: Driver, name: str) -> bool:
    return pilot.app.theme == name


def test_high_contrast_reaches_the_enhanced_ratio() -> None:
    """WCAG 2.2, 1.4.6: 7 to 1 for text."""
    back = Color.parse(CONTRAST.background or "")
    for name in ("foreground", "primary", "accent", "success", "warning", "error"):
        colour = Color.parse(getattr(CONTRAST, name))
        assert contrast(colour, back) >= 7, name


def contrast(one: Color, other: Color) -> float:
    """Return the ratio by which one of them is lighter, as WCAG 2.2 has it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
