from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.wrap import cut, fold, rows

_LETTERS = "あいうカキク漢字学校、。」）ー「（abcXYZ0189 　.:/%-\nｱｲ😀é"
TEXT = st.one_of(st.text(st.sampled_from(_LETTERS), max_size=200), st.text(max_size=60))
WIDTH = st.integers(4, 120)


def bare(text: str) -> str:
    return "".join(text.split())


@given(TEXT, WIDTH)
def test_no_line_is_wider_than_the_width_and_one_closing_mark(text: str, width: int) -> None:
    assert all(cell_len(line) <= width + 2 for line in fold(text, width).split("\n"))


@given(TEXT, WIDTH)
def test_nothing_is_lost_or_added_but_white_space(text: str, width: int) -> None:
    assert bare(fold(text, width)) == bare(text)


@given(TEXT, WIDTH)
def test_lines_that_fit_stay_as_they_are(text: str, width: int) -> None:
    short = [line.rstrip() for line in text.split("\n") if cell_len(line) <= width]
    assert [line for line in short if line] == [
        line for part in short if part for line in fold(part, width).split("\n")
    ]


_WITH_MARKS = st.builds(
    str.__add__, st.sampled_from(["あ", "漢字", "A1"]), st.sampled_from(["", "、", "」。", "ー"])
)


@given(st.lists(_WITH_MARKS, max_size=40), st.integers(12, 60))
def test_closing_marks_never_begin_a_line(parts: list[str], width: int) -> None:
    lines = fold("".join(parts), width).split("\n")
    assert not [line for line in lines[1:] if line[0] in "、」。ー"]


@given(st.lists(st.text("abcdefgh0", min_size=1, max_size=6), max_size=20), st.integers(6, 60))
def test_words_that_fit_are_not_broken(words: list[str], width: int) -> None:
    assert [word for line in fold(" ".join(words), width).split("\n") for word in line.split()] == words


@given(st.lists(st.text(st.sampled_from("ab漢字 "), min_size=1, max_size=10), max_size=12), WIDTH)
def test_items_side_by_side_are_whole_and_all_there(items: list[str], width: int) -> None:
    shown = rows(items, width)
    assert Counter(bare(shown)) == Counter(bare("".join(items)))
    for line in shown.split("\n"):
        assert cell_len(line) <= width or line in items


def test_a_short_item_fills_up_a_line_before() -> None:
    assert rows(["aaaa", "bbbbbbbb", "cc", "dd"], 8) == "aaaa  cc\nbbbbbbbb\ndd"


@given(TEXT, WIDTH)
def test_a_cut_text_fits_and_shows_that_it_was_cut(text: str, width: int) -> None:
    shown = cut(text, width)
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]) and cell_len(shown) <= width)
