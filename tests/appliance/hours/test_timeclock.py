"""The time recorder's file: every mess of the real one and of what people do to it, row by row."""

import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.hours.cards import Cards, MappingFileError, named_cards, read_mapping
from appliance.hours.reckoning import Stamp, Way, pair
from appliance.hours.records import Press, Shift
from appliance.hours.settings import load_hours
from appliance.hours.timeclock import ClockFile, Refusal, card_of, read_clock

DATA = Path(os.environ.get("KURABAKO_TEST_DATA") or Path(__file__).resolve().parents[3].parent / "shared" / "data")
REAL = DATA / "timeclock" / "dakoku.csv"
needs_real = pytest.mark.skipif(not REAL.exists(), reason=f"no real recorder file at {REAL}")
CLOCK = load_hours().clock
FILLER = " " * 12
FULL = f"0001,1,26/06/01,08:44,00,12:31,00,13:27,04,19:09,00,003:47,005:42,{FILLER}"
HALF = f"0001,1,26/06/02,08:47,00,14:28,00,     ,  ,     ,  ,005:41,      ,{FILLER}"


def read(*rows: str, encoding: str = "utf-8", count: str | None = None, end: str = "\n") -> ClockFile:
    head = [str(len(rows)) if count is None else count]
    return read_clock((end.join([*head, *rows]) + end).encode(encoding), CLOCK)


def row(*pairs: str, card: str = "0001", on: str = "26/06/01", spent: tuple[str, str] = ("", "")) -> str:
    """Return a row of "HH:MM" or "HH:MM/code" times."""
    told = [time if "/" in time or not time.strip() else f"{time}/00" for time in pairs]
    fields = [part for time in told for part in (time.split("/") if "/" in time else (time, "  "))]
    fields += ["     ", "  "] * (4 - len(pairs))
    return ",".join([card, "1", on, *fields, *spent, FILLER])


def times(file: ClockFile) -> list[tuple[int, str]]:
    return [(press.minute, press.way) for taken in file.taken for press in taken.presses]


def why(file: ClockFile) -> list[tuple[int, Refusal]]:
    return [(refused.line, refused.why) for refused in file.refused]


def test_rows_as_the_recorder_writes_them() -> None:
    file = read(FULL, HALF)
    assert file.refused == () and file.count_fits and file.declared == 2
    first = file.taken[0]
    assert (first.line, first.card, first.on) == (2, "1", date(2026, 6, 1))
    assert first.presses == (Press(524, Way.IN), Press(751, Way.OUT), Press(807, Way.IN), Press(1149, Way.OUT))
    assert [press.minute for press in file.taken[1].presses] == [527, 868]


@pytest.mark.parametrize(
    ("pairs", "ways"), [(("08:00",), ["in"]), (("08:00", "12:00", "13:00/04"), ["in", "out", "in"])]
)
def test_missing_pairs_are_taken_as_they_are(pairs: tuple[str, ...], ways: list[str]) -> None:
    assert [way for _, way in times(read(row(*pairs)))] == ways


def test_a_pair_missing_in_the_middle_keeps_its_way() -> None:
    assert times(read(row("     ", "12:00"))) == [(720, "out")]
    assert times(read(row("08:00", "     ", "     ", "17:00"))) == [(480, "in"), (1020, "out")]


def test_past_midnight_is_the_next_day() -> None:
    assert times(read(row("20:00", "01:30", spent=("005:30", "")))) == [(1200, "in"), (1530, "out")]
    assert times(read(row("20:00", "01:30"))) == [(1200, "in"), (1530, "out")]
    assert times(read(row("20:00", "25:30"))) == [(1200, "in"), (1530, "out")]
    assert times(read(row("08:00", "23:50", "00:10", "02:00"))) == [
        (480, "in"), (1430, "out"), (1450, "in"), (1560, "out"),
    ]  # fmt: skip
    stamps = [Stamp(date(2026, 6, 1), minute, Way(way)) for minute, way in times(read(row("20:00", "01:30")))]
    assert [span.minutes for span in pair(stamps).spans[date(2026, 6, 1)]] == [330]


@pytest.mark.parametrize(
    ("bad", "refusal"),
    [
        ("0001,1,26/06/01", Refusal.COLUMNS),
        ("0001,1,26/06/01,08:00", Refusal.COLUMNS),
        ("0001,1,26/06/01,08:00,00,12:", Refusal.COLUMNS),
        (FULL + ",more", Refusal.COLUMNS),
        ("合計", Refusal.COLUMNS),
        (row("08:00", card="ABCD"), Refusal.CARD),
        (row("08:00", card=""), Refusal.CARD),
        (row("08:00", on="26/02/30"), Refusal.DATE),
        (row("08:00", on="260601"), Refusal.DATE),
        (row("08:00", on="        "), Refusal.DATE),
        (row("08:60"), Refusal.TIME),
        (row("48:00"), Refusal.TIME),
        (row("8時"), Refusal.TIME),
        (row("08:00/07"), Refusal.CODE),
        (row("08:00/  "), Refusal.PAIR),
        (row("     /00"), Refusal.PAIR),
        (row("     "), Refusal.EMPTY),
        (row("17:00", "08:00"), Refusal.ORDER),
        (row("20:00", "01:30", "01:00"), Refusal.ORDER),
        (row("08:00", "12:00", spent=("003:00", "")), Refusal.DURATION),
        (row("20:00", "01:30", spent=("004:30", "")), Refusal.ORDER),
        ('0001,1,"26/06/01,08:00,00', Refusal.TEXT),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_alone_with_its_line(bad: str, refusal: Refusal) -> None:
    file = read(HALF, bad, FULL)
    assert why(file) == [(3, refusal)]
    assert [taken.line for taken in file.taken] == [2, 4] and file.count_fits


def test_the_field_is_named() -> None:
    assert [(r.line, r.field) for r in read(row("08:00/09"), row("08:00", "8", card="2")).refused] == [
        (2, 5),
        (3, 6),
    ]


def test_a_duration_that_cannot_be_read_says_nothing() -> None:
    garbled = FULL.replace("003:47", "\ufffd" * 6)
    assert read(garbled).refused == () and len(times(read(garbled))) == 4


def test_a_row_that_stood_before() -> None:
    other = row("09:00", "12:00")
    later = row("20:00", "21:00")
    file = read(FULL, FULL, other, later)
    assert why(file) == [(3, Refusal.DOUBLE), (4, Refusal.CLASH)]
    assert [taken.line for taken in file.taken] == [2, 5]


@pytest.mark.parametrize("count", ["1", "5", "0009"])
def test_a_wrong_count_is_told_and_nothing_else(count: str) -> None:
    file = read(FULL, HALF, count=count)
    assert not file.count_fits and len(file.taken) == 2 and file.declared == int(count)


def test_a_file_without_a_count() -> None:
    file = read_clock(f"{FULL}\n{HALF}".encode(), CLOCK)
    assert file.declared is None and file.count_fits and [taken.line for taken in file.taken] == [1, 2]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_line_ends_and_encodings(end: str, encoding: str) -> None:
    memo = "合計,,"
    file = read(FULL, memo, HALF, encoding=encoding, end=end)
    assert [taken.line for taken in file.taken] == [2, 4] and why(file) == [(3, Refusal.COLUMNS)]
    assert file.declared == 3


def test_what_dos_and_a_spreadsheet_leave_behind() -> None:
    spreadsheet = (
        '1,1,2026/6/1,8:44,0,12:31,0,13:27,4,19:09,0,3:47,5:42,\r\n"0001","1","2026-06-02","8:47","00"\r\n'
    )
    file = read_clock(b"2,,,,,,,,,,,,,\r\n\r\n" + spreadsheet.encode() + b"\x1a", CLOCK)
    assert file.refused == () and file.count_fits
    assert file.taken[0].presses == read(FULL).taken[0].presses and file.taken[1].card == "1"


def test_an_empty_file_and_a_count_alone() -> None:
    assert read_clock(b"", CLOCK).rows == 0 and read_clock(b"0\n", CLOCK).count_fits
    assert not read_clock(b"3\n", CLOCK).count_fits


@given(st.binary(max_size=300) | st.text('0123456789:/,\n\r" あ', max_size=200).map(str.encode))
def test_whatever_a_file_holds_every_row_is_taken_or_refused(data: bytes) -> None:
    file = read_clock(data, CLOCK)
    lines = [taken.line for taken in file.taken] + [refused.line for refused in file.refused]
    assert len(set(lines)) == file.rows == len(lines)


@needs_real
def test_the_real_file_row_by_row() -> None:
    file = read_clock(REAL.read_bytes(), CLOCK)
    assert file.declared == 9599 and file.count_fits and file.refused == ()
    lengths = [len(taken.presses) for taken in file.taken]
    assert {n: lengths.count(n) for n in (1, 2, 3, 4)} == {1: 52, 2: 2633, 3: 86, 4: 6828}
    assert len({taken.card for taken in file.taken}) == 25
    told = REAL.read_bytes().decode().splitlines()
    for taken in file.taken:
        fields = told[taken.line - 1].split(",")
        stamps = [Stamp(taken.on, press.minute, press.way) for press in taken.presses]
        spans = pair(stamps).spans.get(taken.on, ())
        hours = [int(spent[:3]) * 60 + int(spent[4:]) for spent in fields[11:13] if spent.strip("\ufffd ")]
        assert "\ufffd" in fields[11] or sum(span.minutes for span in spans) == sum(hours), taken.line
    mapping = read_mapping((DATA / "timeclock" / "mapping-csv_examlpe.csv").read_bytes())
    assert list(mapping) == [str(n) for n in range(1, 16)]


def test_card_numbers() -> None:
    assert [card_of(text) for text in ("0001", " 12 ", "0000", "", "1a", "１")] == ["1", "12", "0", "", "", ""]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_mapping_file(encoding: str) -> None:
    data = "カード番号,名前\r\n0001,髙橋 誠\r\n2,佐藤　葵\r\n\r\n3,だれか\r\n".encode(encoding)
    mapping = read_mapping(data)
    assert mapping == {"1": "髙橋 誠", "2": "佐藤　葵", "3": "だれか"}
    assert named_cards(mapping, {"aa": "髙橋　誠", "bb": "佐藤葵", "cc": "鈴木 航"}) == {"1": "aa", "2": "bb"}
    assert named_cards({"1": "同じ 名"}, {"aa": "同じ名", "bb": "同じ　名"}) == {}


@pytest.mark.parametrize("data", ['1,あ\n2,"い\n', "1,あ\n1,い\n", "1,あ\nx,い\n", "1,あ\n2\n", "1,あ\n2,\n"])
def test_a_mapping_file_that_is_none(data: str) -> None:
    with pytest.raises(MappingFileError) as caught:
        read_mapping(data.encode())
    assert caught.value.params["line"] == 2


@given(st.binary(max_size=200) | st.text('0123456789,あい\n"', max_size=60).map(str.encode))
def test_whatever_a_mapping_file_holds_it_is_read_or_refused(data: bytes) -> None:
    try:
        assert all(card.isdecimal() and name for card, name in read_mapping(data).items())
    except MappingFileError as error:
        assert error.params["line"]


def test_a_first_line_of_many_digits_is_no_count() -> None:
    file = read_clock(b"9" * 5000 + b"\n", CLOCK)
    assert file.declared is None and why(file) == [(1, Refusal.COLUMNS)]


def shift(person: str, since: date, *cards: str) -> Shift:
    return Shift(person=person, since=since, name="A", begin=480, end=990, rest=45, cards=cards)


def test_who_has_a_card_goes_by_the_day() -> None:
    april, june = date(2026, 4, 1), date(2026, 6, 1)
    shifts = {"aa": (shift("aa", april, "0007"), shift("aa", june)), "bb": (shift("bb", june, "7"),)}
    cards = Cards(shifts, {"7": "cc", "8": "dd"})
    assert cards.holder("7", june) == "bb" and cards.holder("8", june) == "dd"
    assert cards.holder("7", date(2026, 5, 1)) == "aa"  # though bb's first shift stands for the time before it
    assert cards.holder("7", date(2026, 3, 1)) == ""  # before either of them
    assert cards.holder("9", june) == ""
