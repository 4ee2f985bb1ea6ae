"""The soak in its tiniest form: every kind of fault is really played, and its file says what the table says."""

import json
from pathlib import Path

import pytest

from tests.soak.__main__ import SCENARIOS, main
from tests.soak.results import COLUMNS, Control, Row, table

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


@pytest.mark.timeout(240)
def test_tiny_soak_loses_nothing_and_leaves_nothing_corrupt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "soak.json"
    code = main(["--tiny", "--seed", "5", "--only", *PLAYED, "control", "--out", str(out)])
    shown = capsys.readouterr().out
    assert code == 0, shown
    told = json.loads(out.read_text("utf-8"))
    assert set(told) == {"faults", "control", "machine", "seed", "size"}
    assert (told["seed"], told["size"]) == (5, "tiny") and told["machine"]["cpus"] >= 1
    assert [row["name"] for row in told["faults"]] == PLAYED
    for row in told["faults"]:
        assert set(row) == {*COLUMNS, "note"}
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
    assert fault.failed in row["note"] and "NOT OK" in capsys.readouterr().out


def test_the_control_is_no_row_of_the_faults() -> None:
    told = table([Row("x", 2, confirmed=[0.5, 1.5])], Control(20, 6, "SYNC-040 × 6"))
    assert "x" in told and "1.00" in told and "1.50" in told
    assert told.endswith("control: writer_kill_9_unhealed: 6 of 20 replicas corrupt. SYNC-040 × 6")
