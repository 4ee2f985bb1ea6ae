"""電話連絡: a call is entered in under eight key presses, for one day or for several, and can be taken back."""

from datetime import date, timedelta

import jaconv
import pytest
from textual.widgets import Input, OptionList

from appliance.views import FoundPupil
from tests.school import School
from tests.tui.driving import SIZES, SMALL, Driver, at_home, said, screen_of, sees, type_fast, until
from tests.tui.test_actions import check_fits
from tests.tui.test_find import hiragana
from tui.screens.home import HomeScreen
from tui.screens.phone import PhoneScreen
from tui.typed import read_day


def somebody(school: School, on: date, number: int) -> tuple[FoundPupil, str]:
    """Return a pupil and how the reading begins, two kana of it, when that finds the pupil first."""
    office = school.office("sato")
    try:
        found = [hit for hit in office.attendance.find_pupils("さ", on) if len(hit.kana) > 2]
        firsts: dict[str, FoundPupil] = {}
        for hit in found:
            two = hiragana(hit.kana)[:2]
            firsts.setdefault(two, office.attendance.find_pupils(two, on)[0])
        return [(hit, two) for two, hit in sorted(firsts.items())][number]
    finally:
        office.logout()


def told(school: School, pupil: FoundPupil, *days: date) -> list[tuple[str, str | None]]:
    """Return code and reason of a pupil on each day, as the principal reads them."""
    office = school.office("kocho")
    try:
        rows = [
            next(r for r in office.attendance.day(pupil.class_id, on).rows if r.pupil_id == pupil.pupil_id)
            for on in days
        ]
        return [
            (r.code or "", office.attendance.reason(pupil.pupil_id, on)) for r, on in zip(rows, days, strict=True)
        ]
    finally:
        office.logout()


async def calling(pilot: Driver) -> PhoneScreen:
    await pilot.press("t")
    screen = await screen_of(pilot, PhoneScreen)
    await until(pilot, lambda: screen.focused is screen.query_one("#caller", Input))
    return screen


async def pick(pilot: Driver, pupil: FoundPupil, begin: str) -> None:
    """Choose a pupil by how the reading begins."""
    options = pilot.app.screen.query_one("#callers", OptionList)
    await pilot.press(*begin)
    await until(
        pilot, lambda: options.option_count > 0 and pupil.name in str(options.get_option_at_index(0).prompt)
    )
    await pilot.press("enter")
    await until(pilot, lambda: pupil.name in said(pilot, "#choice"))


async def kept(pilot: Driver, words: str) -> None:
    await until(pilot, lambda: words in said(pilot, "#kept"), words)


@pytest.mark.parametrize("size", SIZES)
async def test_a_call_takes_under_eight_key_presses(
    own: School, today: date, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pupil, begin = somebody(own, today, SIZES.index(size))
    async with at_home(own, size) as pilot:
        pressed: list[str] = []
        press = pilot.press

        async def counted(*keys: str) -> None:
            pressed.extend(keys)
            await press(*keys)

        monkeypatch.setattr(pilot, "press", counted)
        await calling(pilot)
        await pick(pilot, pupil, begin)
        check_fits(pilot)
        await pilot.press("b")
        await sees(pilot, "1 発熱")
        check_fits(pilot)
        await pilot.press("1")
        await kept(pilot, f"{pupil.name}（{pupil.kana}）  病欠  {today:%m/%d}  発熱")
        assert len(pressed) < 8, pressed
        assert pilot.app.screen.query_one("#caller", Input).value == "", "ready for the next call"
        check_fits(pilot)
    assert told(own, pupil, today) == [("sick", "発熱")]


async def test_keys_typed_ahead_reach_the_right_pupil(own: School, today: date) -> None:
    pupil, begin = somebody(own, today, 2)
    async with at_home(own, SMALL) as pilot:
        await calling(pilot)
        type_fast(pilot, *begin, "enter", "b", "2")
        await kept(pilot, f"{pupil.name}（{pupil.kana}）  病欠  {today:%m/%d}  かぜ・せき")


async def test_a_name_that_nobody_has_is_told_and_the_call_goes_on(own: School, today: date) -> None:
    pupil, begin = somebody(own, today, 2)
    async with at_home(own, SMALL) as pilot:
        screen = await calling(pilot)
        await pilot.press(*"ぬぬ", "enter")
        await sees(pilot, "「ぬぬ」は見つかりません。打ち直してください。")
        check_fits(pilot)
        assert screen.focused is screen.query_one("#caller", Input)
        await pilot.press("backspace", "backspace")
        await pick(pilot, pupil, begin)


async def test_latin_letters_find_with_the_ime_left_off(own: School, today: date) -> None:
    pupil, begin = somebody(own, today, 2)
    letters = jaconv.kana2alphabet(begin)
    assert letters.isascii()
    async with at_home(own, SMALL) as pilot:
        await calling(pilot)
        await pick(pilot, pupil, letters)


async def test_days_to_come_and_a_range_and_taking_it_back(own: School, today: date) -> None:
    pupil, begin = somebody(own, today, 3)
    days = [today + timedelta(days=n) for n in (4, 5)]  # over a weekend and a holiday
    async with at_home(own, SMALL) as pilot:
        await calling(pilot)
        await pick(pilot, pupil, begin)
        await pilot.press(*["down"] * 4, "right")
        await sees(pilot, "授業のある日 2日")
        await pilot.press("j")
        await sees(pilot, "0 理由なし")
        await pilot.press("0")
        await kept(pilot, f"事故欠  {days[0]:%m/%d}–{days[1]:%m/%d}")
        assert told(own, pupil, today, *days) == [("", None), *[("other_absence", None)] * 2]
        await pilot.press("f2")
        await until(pilot, lambda: said(pilot, "#kept") == "")
        assert told(own, pupil, *days) == [("", None)] * 2


async def explained(pilot: Driver, words: str) -> None:
    """See that F1 explains the step, and come back to it."""
    await pilot.press("f1")
    await sees(pilot, words)
    await pilot.press("escape")
    await screen_of(pilot, PhoneScreen)


async def test_influenza_gives_the_last_day_at_home(own: School, today: date) -> None:
    pupil, begin = somebody(own, today, 3)
    async with at_home(own, SMALL) as pilot:
        await calling(pilot)
        await pick(pilot, pupil, begin)
        await pilot.press("t")
        await sees(pilot, "1 インフルエンザ")
        await pilot.press("1")
        await sees(pilot, "発症した日")
        check_fits(pilot)
        await explained(pilot, "▶ 発症した日と、熱が下がった日。")
        onset = today - timedelta(days=1)
        await pilot.press(*f"{onset:%m%d}", "enter")
        last = onset + timedelta(days=5)
        await kept(pilot, f"出席停止  {today:%m/%d}–{last:%m/%d}  インフルエンザ")
    assert told(own, pupil, today, last) == [("suspended", "インフルエンザ")] * 2
    assert told(own, pupil, last + timedelta(days=1)) == [("", None)]


async def test_mourning_by_relation_a_late_one_with_its_time_and_words_of_ones_own(
    own: School, today: date
) -> None:
    pupil, begin = somebody(own, today, 4)
    async with at_home(own, SMALL) as pilot:
        await calling(pilot)
        await pick(pilot, pupil, begin)
        await pilot.press("k")
        await sees(pilot, "2 祖父母（3）")
        await pilot.press("2")
        await kept(pilot, f"忌引  {today:%m/%d}–{today + timedelta(days=2):%m/%d}  祖父母")
        await pick(pilot, pupil, begin)
        assert "すでに記入があります" in said(pilot, "#choice") and "忌引" in said(pilot, "#choice")
        await pilot.press("c")
        await sees(pilot, "時刻 例 9:40")
        await explained(pilot, "▶ 遅刻・早退の時刻。")
        await pilot.press(*"9x", "enter")
        await sees(pilot, "時刻は 9:40 のように")
        await pilot.press("backspace", *"40", "enter")
        await sees(pilot, "9 ほかの理由を書く")
        await pilot.press("9")
        await sees(pilot, "理由（重要性分類Ⅱ）")
        await pilot.press(*"ba")
        await explained(pilot, "▶ 休む理由（重要性分類Ⅱ）。")
        await pilot.press(*"su", "enter")
        await kept(pilot, f"遅刻  {today:%m/%d}  basu")
    assert told(own, pupil, today) == [("late", "basu")]


async def test_back_goes_one_step_at_a_time_and_a_closed_day_is_refused_in_words(own: School, today: date) -> None:
    pupil, begin = somebody(own, today, 4)
    saturday = (5 - today.weekday()) % 7
    async with at_home(own, SMALL) as pilot:
        screen = await calling(pilot)
        await pick(pilot, pupil, begin)
        await pilot.press("b")
        await sees(pilot, "0 理由なし")
        await pilot.press("escape")
        await sees(pilot, "終わりの日")
        await pilot.press(*["down"] * saturday)
        await sees(pilot, "（休業日です）")
        await pilot.press("b")
        await sees(pilot, "0 理由なし")
        await pilot.press("0")
        await sees(pilot, "APP-224")
        await pilot.press("enter")
        await screen_of(pilot, PhoneScreen)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: screen.focused is screen.query_one("#caller", Input))
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)


def test_a_family_name_comes_before_a_given_one(own: School, today: date) -> None:
    office = own.office("sato")
    found = [hiragana(hit.kana).startswith("さ") for hit in office.attendance.find_pupils("sa", today)]
    office.logout()
    assert {True, False} == set(found) and found == sorted(found, reverse=True)


def test_a_day_as_people_type_it() -> None:
    today = date(2026, 1, 10)
    assert read_day("1/8", today) == read_day("108", today) == read_day("0108", today) == date(2026, 1, 8)
    assert read_day("8", today) == date(2026, 1, 8) and read_day("12/28", today) == date(2025, 12, 28)
    assert read_day("１／８", today) == date(2026, 1, 8)
    assert [read_day(bad, today) for bad in ("", "2/30", "x", "1/8/9", "13/1")] == [None] * 5
