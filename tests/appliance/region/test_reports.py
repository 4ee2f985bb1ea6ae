"""Reports over all schools: counts, small ones hidden, in files that name nobody; looked at on loopback."""

import contextlib
import sqlite3
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.region.counting import (
    ABOVE,
    BANDS,
    LEAST,
    OTHER,
    SchoolCounts,
    band_of,
    disease_of,
    hide,
    tables_of,
)
from appliance.region.looking import looking_command
from sync.ports import hold_port, number_of
from tests.appliance.test_cli import run
from tests.hubside import as_board, to_hub
from tests.school import BOARD_PASSPHRASE, SCHOOL_DAY, School, enrol
from tests.sync.cloud import wait_until

FLU = "インフルエンザ"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school with six pupils who have influenza, two with a fever, one who is late, and a closed class."""
    made = enrol(tmp_path_factory.mktemp("counted"))
    office = made.office("sato")
    told = [("sick", "インフルエンザA型")] * 6 + [("sick", "発熱")] * 2 + [("late", "")]
    classes = office.attendance.classes(SCHOOL_DAY)
    for place, (code, reason) in enumerate(told):
        class_id = classes[place % 3].class_id
        pupil = office.attendance.day(class_id, SCHOOL_DAY).rows[place].pupil_id
        office.attendance.mark(class_id, SCHOOL_DAY, pupil, code, reason=reason or None)
    office.logout()
    with made.opened("kocho") as head:
        target = next(t for t in head.closures.targets() if t.scope == "class")
        head.closures.close(target, date(2026, 11, 26), date(2026, 11, 27), "インフルエンザによる学級閉鎖")
    to_hub(made)
    yield made
    made.close()


def make(school: School, out: Path, *more: str, purpose: str = "感染症の動向") -> tuple[int, str, str]:
    words = ("--first", "2026-11-01", "--last", "2026-11-30", "--out", out, "--purpose", purpose)
    told = run(
        "board", "--board", school.board.path, "report", "make", *words, "--passphrase-stdin", *more,
        stdin=f"{BOARD_PASSPHRASE}\n",
    )  # fmt: skip
    return told.code, told.out, told.err


def test_what_is_written_are_counts_with_small_ones_hidden_and_no_name(counted: School, tmp_path: Path) -> None:
    out = tmp_path / "report"
    code, told, problems = make(counted, out)
    assert (code, problems) == (0, ""), problems
    assert [line.split("\t")[0] for line in told.splitlines()] == [
        "attendance",
        "closures",
        "overtime",
        "totals",
        "sync",
    ]
    rows = duckdb.execute(f"SELECT * FROM '{out}/attendance.parquet' ORDER BY ALL").fetchall()
    day = SCHOOL_DAY.isoformat()
    assert (day, "欠席", FLU, 6, False) in rows
    assert (day, "欠席", "発熱・かぜ", None, True) in rows and (day, "遅刻", "", None, True) in rows
    closures = duckdb.execute(f"SELECT * FROM '{out}/closures.parquet' ORDER BY day").fetchall()
    assert closures == [("2026-11-26", FLU, 1, 1), ("2026-11-27", FLU, 1, 1)]
    health = duckdb.execute(f"SELECT school, running, last_drill FROM '{out}/sync.parquet'").fetchall()
    assert health == [(counted.made.code, False, None)], "its hub does not run, and it was never drilled"
    label = duckdb.execute(f"SELECT value FROM parquet_kv_metadata('{out}/overtime.parquet')").fetchall()
    assert any("重要性分類Ⅲ" in bytes(value).decode() for (value,) in label)
    with contextlib.closing(sqlite3.connect(out / "region.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM attendance").fetchone()[0] == len(rows)
        assert database.execute("SELECT text FROM about WHERE what = 'purpose'").fetchone() == ("感染症の動向",)
    everything = b"".join(file.read_bytes() for file in sorted(out.iterdir()))
    with as_board(counted) as office:
        for view in office.attendance.classes(SCHOOL_DAY):
            for row in office.attendance.day(view.class_id, SCHOOL_DAY).rows:
                assert row.name.encode() not in everything and row.pupil_id.encode() not in everything
        audited = {line.what for line in office.audit.lines(1) if line.purpose == "感染症の動向"}
    assert {
        "出欠の理由の閲覧",
        "出欠の集計の持ち出し（書き出し）",
        "在校等時間の集計の持ち出し（書き出し）",
    } <= audited
    assert out.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in out.iterdir()} == {0o600}


def test_a_report_over_some_schools_is_not_written(counted: School, tmp_path: Path) -> None:
    lost = counted.board.path / "schools" / "lost.toml"
    lost.write_text((counted.board.path / "schools" / f"{counted.made.code}.toml").read_text("utf-8"), "utf-8")
    hub = counted.board.path / "hubs" / counted.made.code / "school.db"
    try:
        away = hub.rename(hub.with_suffix(".away"))
        code, out, problems = make(counted, tmp_path / "report")
        away.rename(hub)
    finally:
        lost.unlink()
    assert code == 1 and out == "" and "APP-017" in problems and "APP-696" in problems
    assert list(tmp_path.iterdir()) == []
    there = tmp_path / "there"
    there.mkdir()
    assert make(counted, there)[0] == 2
    assert make(counted, tmp_path / "new", purpose=" ")[0] == 2


def test_it_is_looked_at_on_loopback_and_cannot_be_changed_or_taken_whole(counted: School, tmp_path: Path) -> None:
    out = tmp_path / "report"
    assert make(counted, out)[0] == 0
    with hold_port() as held:
        port = number_of(held)
    command = looking_command(out, port)
    assert "127.0.0.1" in command and "--immutable" in command
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:

            def page(path: str) -> bytes:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                    return bytes(answer.read())

            def answers() -> bool:
                with contextlib.suppress(OSError):
                    return bool(page("/"))
                return False

            wait_until(answers, "it serves")
            assert FLU.encode() in page("/region/attendance")
            with pytest.raises(OSError, match="HTTP Error 40"):
                page("/region.db")
        finally:
            server.terminate()
    assert run("board", "--board", counted.board.path, "report", "look", tmp_path).error() == "APP-697"


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40), min_size=1))
def test_no_hidden_count_follows_from_the_others_and_their_sum(counts: dict[str, int]) -> None:
    hidden = hide(counts)
    assert {name for name, count in counts.items() if 0 < count < LEAST} <= hidden
    told = sum(count > 0 for count in counts.values())
    assert len(hidden) != 1 or told == 1
    assert all(counts[name] > 0 for name in hidden)


def test_tables_add_up_over_schools_before_small_counts_are_hidden() -> None:
    one, two = SchoolCounts(pupils=300), SchoolCounts(pupils=200)
    for school, count in ((one, 3), (two, 4)):
        school.absences = Counter({("2026-11-24", "欠席", FLU): count})
        school.closures = Counter({("2026-11-24", FLU): count})
        school.overtime = Counter({("2026-11", BANDS[0][1]): 20, ("2026-11", ABOVE): 1})
    attendance, closures, overtime, totals = tables_of([one, two])
    assert attendance.rows == (("2026-11-24", "欠席", FLU, 7, False),)
    assert closures.rows == (("2026-11-24", FLU, 2, 7),) and totals.rows == ((2, 500),)
    assert [row[2] for row in overtime.rows] == [None, 0, 0, None], "two over the mark are not told, nor the rest"
    (hidden, *_) = tables_of([one])
    assert hidden.rows == (("2026-11-24", "欠席", FLU, None, True),)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("インフルB", FLU),
        ("コロナ陽性", "新型コロナウイルス感染症"),
        ("熱と咳", "発熱・かぜ"),
        ("家の都合", OTHER),
        ("", OTHER),
    ],
)
def test_reasons_are_counted_as_diseases(text: str, name: str) -> None:
    assert disease_of(text) == name


def test_bands_of_overtime() -> None:
    assert [band_of(hours * 60) for hours in (0, 45, 46, 80, 81, 100, 101)] == [
        BANDS[0][1], BANDS[0][1], BANDS[1][1], BANDS[1][1], BANDS[2][1], BANDS[2][1], ABOVE,
    ]  # fmt: skip
