"""The demo's outage, played once: everything acknowledged comes back, and the faults really happened."""

from pathlib import Path

import msgspec
import pytest

from appliance.demo.outage import DemoResult, Outage
from appliance.demo.transcript import Transcript


@pytest.mark.faults
def test_nothing_acknowledged_is_lost_in_an_outage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outage = Outage(tmp_path / "outage", 1, Transcript())
    result = outage.play()
    assert result.lost == 0, capsys.readouterr().out
    assert result.restored == result.acknowledged == len(outage.acknowledged)
    assert result.point_in_time_ok and result.verified and result.passed
    assert result.keeper_kills >= 1 and result.office_kills >= 1 and result.replica_resets >= 1
    assert 0 < result.offline_entries < result.acknowledged
    assert result.merged_from_hub > 0 and result.conflicts_shown == result.conflicts_settled == 1
    assert (result.orphans_merged, result.orphans_lost, result.replaced_epoch) == (3, 0, 2)
    assert result.countersigned > 0
    marks = [step for step in outage.acknowledged if step["do"] == "mark"]
    assert len(marks) > 20 and any("reason" in step for step in marks)
    assert [step["do"] for step in outage.acknowledged].count("decide") == 1
    told = capsys.readouterr().out
    assert "失われたもの 0件" in told and "切れる前の入力だけがあります" in told


WHOLE = DemoResult(9, 9, 0, 5, 1.0, 1.0, True, 3, 1, 1, True, 4, 1, 1, 3, 0, 20, 2)
FAULTS: list[dict[str, int | bool]] = [
    {"lost": 1, "restored": 8},
    {"point_in_time_ok": False},
    {"verified": False},
    {"merged_from_hub": 0},
    {"conflicts_shown": 0, "conflicts_settled": 0},
    {"conflicts_settled": 0},
    {"orphans_lost": 1},
    {"orphans_merged": 0},
    {"countersigned": 0},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: next(iter(fault)))
def test_a_played_outage_passes_only_when_everything_is_proven(fault: dict[str, int | bool]) -> None:
    assert WHOLE.passed and not msgspec.structs.replace(WHOLE, **fault).passed
