"""The soak in its tiniest form: every kind of fault is really played, and its file says what the table says."""

import json
import time
from pathlib import Path

import pytest

from tests.soak.__main__ import SCENARIOS, main
from tests.soak.results import COLUMNS, Control, Play, Row, table, write

pytestmark = pytest.mark.faults
# One of each kind; the others differ from these by what the store answers or take their time by their nature.
PLAYED = [
    "writer_kill_9",
    "litestream_kill_9",
    "store_403",
    "store_wrong_body",
    "disk_full",
    "eio_fsync",
    "sync_killed",
]
SKIPPABLE = {"disk_full", "eio_fsync"}


def test_tiny_soak_loses_nothing_and_leaves_nothing_corrupt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "soak.json"
    code = main(["--tiny", "--seed", "5", "--only", *PLAYED, "control", "--out", str(out)])
    shown = capsys.readouterr().out
    assert code == 0, shown
    told = json.loads(out.read_text("utf-8"))
    assert set(told) == {"faults", "control", "confirmed_s", "machine", "seed", "size"}
    assert (told["seed"], told["size"]) == (5, "tiny") and told["machine"]["cpus"] >= 1
    assert [row["name"] for row in told["faults"]] == PLAYED
    for row in told["faults"]:
        assert set(row) == {*COLUMNS, "note", "failed"}
        assert len(told["confirmed_s"][row["name"]]) == row["runs"]
        assert (row["lost"], row["corrupt"]) == (0, 0), row
        if row["runs"]:
            assert 0 < row["confirmed_s_p50"] <= row["confirmed_s_max"]
        else:
            assert row["name"] in SKIPPABLE and row["note"].startswith("skipped: ")
        assert f"\n{row['name']} " in shown
    assert told["control"]["runs"] == 1 and "control: writer_kill_9_unhealed" in shown


def test_every_fault_of_the_contract_has_a_scenario() -> None:
    stores = ("403", "404", "429", "500", "503", "slow_1kBs", "cut_mid_body", "wrong_body", "stale_listing")
    wanted = {"writer_kill_9", "litestream_kill_9", "disk_full", "eio_fsync", "two_boxes", "sync_killed"}
    wanted |= {
        "clock_10_years",
        "thin_line",
        "outage_72h",
        "store_hanging_connect",
        *(f"store_{name}" for name in stores),
    }
    assert set(SCENARIOS) == wanted


@pytest.mark.parametrize("fault", [Row("x", 1, lost=1), Row("x", 1, corrupt=1), Row("x", failed="it broke")])
def test_a_row_with_damage_fails_the_soak(
    fault: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(_: object, row: Row) -> None:
        row.runs, row.lost, row.corrupt = fault.runs, fault.lost, fault.corrupt
        if fault.failed:
            raise AssertionError(fault.failed)

    monkeypatch.setitem(SCENARIOS, "two_boxes", play)
    out = tmp_path / "soak.json"
    assert main(["--tiny", "--only", "two_boxes", "--out", str(out)]) == 1
    (row,) = json.loads(out.read_text("utf-8"))["faults"]
    assert (row["lost"], row["corrupt"]) == (fault.lost, fault.corrupt)
    assert row["failed"].endswith(fault.failed) and "NOT OK" in capsys.readouterr().out


def test_shares_add_up_to_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path / "1",
        [Row("x", 2, confirmed=[1.0, 5.0]), Row("y", 1, note="slow")],
        Control(20, 5, "a × 5"),
        1,
        "full",
    )
    write(tmp_path / "2", [Row("x", 1, 1, confirmed=[2.0], note="odd")], Control(10, 3, "a × 3"), 1, "full")
    assert main(["--join", str(tmp_path / "1"), str(tmp_path / "2"), "--out", str(tmp_path / "whole")]) == 1
    told = json.loads((tmp_path / "whole").read_text("utf-8"))
    both, alone = told["faults"]
    assert (both["runs"], both["lost"], both["confirmed_s_p50"], both["confirmed_s_max"]) == (3, 1, 2.0, 5.0)
    assert (alone["name"], alone["runs"], alone["note"]) == ("y", 1, "slow")
    assert (told["control"]["runs"], told["control"]["corrupt"]) == (30, 8)
    assert "8 of 30 replicas corrupt" in capsys.readouterr().out


def test_when_the_time_is_over_nothing_new_is_begun_and_the_row_says_so(tmp_path: Path) -> None:
    row, play = Row("x"), Play(tmp_path, "full", 1, ends=time.monotonic() + 3600)
    assert list(play.each(row, 3)) == [0, 1, 2] and row.note == ""
    over = Play(tmp_path, "full", 1, ends=time.monotonic() - 1)
    assert list(over.each(row, 3)) == [] and "after 0 of 3" in row.note


def test_shares_play_every_run_once(tmp_path: Path) -> None:
    plays = [Play(tmp_path, "full", 1, share=(number, 3)) for number in (1, 2, 3)]
    assert sum(play.runs(3, 40, 1000) for play in plays) == 1000 and plays[2].runs(1, 1, 1) == 0


@pytest.mark.parametrize(("found", "code"), [(Control(100, 0), 1), (Control(100, 1), 0), (Control(1, 0), 0)])
def test_a_control_that_shows_nothing_fails_the_soak(
    found: Control, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.soak.__main__.control", lambda _: found)
    assert main(["--only", "control", "--out", str(tmp_path / "soak.json")]) == code


def test_the_control_is_no_row_of_the_faults() -> None:
    told = table([Row("x", 2, confirmed=[0.5, 1.5])], Control(20, 6, "SYNC-040 × 6"))
    assert "x" in told and "1.00" in told and "1.50" in told
    assert told.endswith("control: writer_kill_9_unhealed: 6 of 20 replicas corrupt. SYNC-040 × 6")
