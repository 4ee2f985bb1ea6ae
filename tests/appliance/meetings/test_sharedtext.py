"""Two people in one text: whatever they do apart, nothing that either wrote is lost."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.meetings.sharedtext import SharedText, changed_stretch

LETTERS = st.text(st.sampled_from("あいう漢字😀e\u0301𠮷\nab "), max_size=12)


@given(st.lists(LETTERS, max_size=8))
def test_an_edit_makes_the_text_read_so(texts: list[str]) -> None:
    shared = SharedText()
    for text in texts:
        shared.edit(text)
        assert str(shared) == text


@given(LETTERS, LETTERS)
def test_the_changed_stretch_is_what_differs(old: str, new: str) -> None:
    first, kept = changed_stretch(old, new)
    assert first + kept <= min(len(old), len(new))
    assert old[:first] == new[:first] and (not kept or old[-kept:] == new[-kept:])


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 40), st.text("あ漢😀b", min_size=1, max_size=4)), max_size=20
    )
)
def test_three_who_write_apart_end_with_one_text_that_holds_every_word(
    edits: list[tuple[int, int, str]],
) -> None:
    copies = [SharedText(), SharedText(), SharedText()]
    for number, (who, place, word) in enumerate(edits):
        text = str(copies[who])
        marked = f"〔{number}{word}〕"
        at = text.find("〔", min(place, len(text)))  # between words, as people write
        at = len(text) if at < 0 else at
        copies[who].edit(text[:at] + marked + text[at:])
        if place % 5 == 0:
            copies[who].merge(copies[(who + 1) % 3].state())
    states = [copy.state() for copy in copies]
    ends = {str(SharedText(order)) for order in (states, states[::-1], states * 2)}
    assert len(ends) == 1
    for number, (_, _, word) in enumerate(edits):
        assert f"{number}{word}" in ends.copy().pop()


def test_what_is_no_state_changes_nothing() -> None:
    shared = SharedText()
    shared.edit("記録")
    assert not shared.merge(b"\xff\x00nonsense")
    assert str(shared) == "記録"
