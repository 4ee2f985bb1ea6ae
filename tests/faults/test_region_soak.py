"""The soak of a region in its tiniest form: it plays, kills, finds what it is to find, and draws what it found."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.soak import region, regiondrill, regionplot

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["region.md", "ja/region.md"])
def test_the_pages_show_what_was_measured_from_ten_schools_to_a_thousand(page: str) -> None:
    rows = json.loads((DOCS / "region.json").read_text("utf-8"))
    assert regionplot.table(rows) in (DOCS / page).read_text("utf-8")
    assert {10, 1000} <= {row["schools"] for row in rows} and (DOCS / "region.svg").exists()
    assert all((row["lost"], row["twice"]) == (0, 0) and row["confirmed_s_max"] < 60 for row in rows)


@pytest.mark.faults
@pytest.mark.usefixtures("workers_die")
def test_a_tiny_region_loses_nothing_and_its_file_says_what_it_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "region.json"
    words = ["--schools", "3", "--minutes", "0.4", "--every", "6", "--kills", "1", "--idle", "40"]
    monkeypatch.setattr("sys.argv", ["region", *words, "--folder", str(tmp_path), "--out", str(out)])
    region.main()  # what it returns is a matter of time too, and of nothing else that is not looked at here
    told = json.loads(out.read_text("utf-8"))
    assert (told["schools"], told["killed"], told["rebuilt"]) == (3, 1, 3)
    assert (told["lost"], told["twice"], told["failing"]) == (0, 0, 0) and told["entries"] > 0
    assert told["visits"] > 0 and told["gets_per_visit"] > 1 and told["cpu_ms_per_visit"] > 0
    assert told["idle_gets_per_school_day"] > 0 and told["idle_visits"] == 0
    rows = [told | {"killed": 0}, told | {"killed": 0, "schools": 30}, told]
    drawing = ElementTree.fromstring(regionplot.drawn(rows))  # noqa: S314 - our own
    assert drawing.tag.endswith("svg") and len(list(drawing.iter())) > 50
    assert regionplot.table(rows).splitlines()[2].startswith("| 3 | ")


@pytest.mark.faults
@pytest.mark.usefixtures("workers_die")
def test_a_tiny_drill_on_workers_that_are_killed_has_every_school_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "drill.json"
    words = ["--schools", "4", "--kills", "2", "--folder", str(tmp_path), "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["regiondrill", *words])
    monkeypatch.setattr("tempfile.tempdir", None)
    assert regiondrill.main() == 0
    told = json.loads(out.read_text("utf-8"))
    assert (told["schools"], told["killed"]) == (4, 2)
    assert [told[bad] for bad in ("missed", "twice", "failed", "left")] == [0, 0, 0, 0]
