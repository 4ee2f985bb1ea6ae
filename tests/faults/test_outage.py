"""The demo's outage, played once: everything acknowledged comes back, and the faults really happened."""

from pathlib import Path

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
    marks = [step for step in outage.acknowledged if step["do"] == "mark"]
    assert len(marks) > 20 and any("reason" in step for step in marks)
    assert [step["do"] for step in outage.acknowledged].count("decide") == 1
    told = capsys.readouterr().out
    assert "失われたもの 0件" in told and "切れる前の入力だけがあります" in told


@pytest.mark.parametrize(
    ("lost", "exact", "verified", "passed"),
    [(0, True, True, True), (1, True, True, False), (0, False, True, False), (0, True, False, False)],
)
def test_a_played_outage_passes_only_when_everything_is_proven(
    lost: int, exact: bool, verified: bool, passed: bool
) -> None:
    result = DemoResult(9, 9 - lost, lost, 5, 1.0, 1.0, exact, 3, 1, 1, verified)
    assert result.passed is passed
