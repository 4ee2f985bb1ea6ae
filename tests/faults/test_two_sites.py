"""Box and hub of a school by the real commands: publishing, a cut, a conflict, a new box, the old one's return."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.board.folder import open_board
from appliance.config import load_config
from appliance.documents.desk import DocumentElsewhereError
from appliance.documents.intake import Incoming
from crypto.importance import Importance
from sync.errors import SupersededError
from sync.ids import Origin, Site
from sync.segment import segment_extent
from sync.site import SitePaths
from tests.faults.city import City, mark, marks, office_at, parsed, wait_until
from tests.school import SCHOOL_DAY
from tests.sync.samecontent import same_content

pytestmark = pytest.mark.faults

MEETING = """
title = "臨時校長会"
starts = 2026-11-24T15:30:00
place = "第一会議室"
[[item]]
section = "連絡"
title = "大雪への備え"
"""


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_a_school_and_its_board_through_cut_conflict_and_replacement(city: City, tmp_path: Path) -> None:
    box, hub = city.school.site, city.hub
    city.serve(box)
    city.run_hubs()
    paper = os.urandom(3_000_000)  # of more than one part
    with office_at(box) as office:
        first = mark(office, 0)
        plan, _ = office.filing.add(
            Incoming(io.BytesIO(paper), len(paper), "keikaku.bin", Importance.II, "支援計画")
        )
        wait_until(lambda: office.documents.whereabouts(plan).sent_at, "the document is sent")
    city.until_confirmed(box)

    # The board publishes a meeting; it appears at the school.
    agenda = tmp_path / "meeting.toml"
    agenda.write_text(MEETING, "utf-8")
    done = city.as_board("publish", "meeting", city.code, agenda, "--passphrase-stdin")
    assert (done.returncode, done.stderr) == (0, "")
    with office_at(box, "kocho") as office:
        wait_until(lambda: any(m.title == "臨時校長会" for m in office.meetings.all()), "the meeting")

    # Both change the same pupil's day while the line is cut: both entries stay, people settle it.
    city.line.cut()
    with office_at(box) as office:
        second, title = mark(office, 1, "late"), office.attendance.classes(SCHOOL_DAY)[0].title
        mark(office, 2)
    done = city.as_board(
        *(
            "publish",
            "correction",
            city.code,
            "--pupil",
            second,
            "--class",
            title,
            "--on",
            SCHOOL_DAY,
            "--code",
            "sick",
        ),
        "--passphrase-stdin",
    )
    assert done.returncode == 0, done.stderr
    city.line.mend()
    city.until_confirmed(box)
    wait_until(lambda: city.positions(hub) == city.positions(SitePaths(box)), "both know the same")
    assert city.conflicts(hub) == city.conflicts(SitePaths(box)) == 1
    assert same_content(hub.store, SitePaths(box).store)

    # The box is lost with entries that nobody else has.
    city.line.cut()
    late = os.urandom(400_000)
    with office_at(box) as office:
        orphans = [mark(office, 3), mark(office, 4, "late")]
        record, _ = office.filing.add(Incoming(io.BytesIO(late), len(late), "a.bin", Importance.III, "当日の記録"))
    city.stop(box.name)
    new, slips = tmp_path / "new-box", tmp_path / "slips"
    done = city.as_board("replace", city.code, "--site", new, "--slips", slips, "--passphrase-stdin")
    assert done.returncode == 0, done.stderr
    assert load_config(new).site.epoch == open_board(city.board.path).place(city.code).epoch == 2
    assert slips.stat().st_mode & 0o777 == 0o600
    words = dict(line.split("\t") for line in slips.read_text("utf-8").splitlines())
    city.serve(new)
    with office_at(new, "sato", words["sato"]) as office:
        assert first in marks(office) and not set(orphans) & set(marks(office))
        after = mark(office, 5)
    city.until_confirmed(new)

    # What was put away at the old box opens at the new one: fetched when it is asked for.
    with office_at(new, "sato", words["sato"]) as office:
        with pytest.raises(DocumentElsewhereError):
            office.documents.open(plan)
        wait_until(lambda: office.documents.whereabouts(plan).here, "the document is fetched")
        assert office.documents.open(plan).data == paper

    # The old box returns: it only reads, and what it could not send is brought in.
    city.line.mend()
    city.serve(box)
    city.until(box, lambda status: status.superseded, "superseded")
    with office_at(box) as office, pytest.raises(SupersededError):
        mark(office, 6)
    medium = tmp_path / "medium"
    done = city.run("segments", "export", box, "--to", medium, "--json")
    assert done.returncode == 0, done.stderr
    assert parsed(done)["segments"] >= 1 and parsed(done)["documents"] == 1
    done = city.as_board("import-orphans", city.code, medium, "--json")
    assert done.returncode == 0, done.stderr
    assert parsed(done)["new"] and parsed(done)["missing"] == [] and parsed(done)["documents"] == 1
    again = city.as_board("import-orphans", city.code, medium, "--json")
    assert (again.returncode, parsed(again)["changes"], parsed(again)["documents"]) == (0, 0, 0)
    with office_at(new, "sato", words["sato"]) as office:
        wait_until(lambda: set(orphans) <= set(marks(office)), "the orphans")
        assert marks(office)[after] == "sick"
        with pytest.raises(DocumentElsewhereError):
            office.documents.open(record)
        wait_until(lambda: office.documents.whereabouts(record).here, "and the document that was with them")
        assert office.documents.open(record).data == late
    city.until_confirmed(new)

    # What is in object storage is whole, by either of its two ways.
    done = city.run("replica", "verify", new, "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert parsed(done)["complete"] is True
    # Nobody writes any more: each has said its last word, and the box has heard the hub's.
    city.stop("hubs")
    said = city.positions(hub).items()

    def heard_all() -> bool:
        known = city.positions(SitePaths(new))
        return all(known.get(prefix, 0) >= seq for prefix, seq in said)

    wait_until(heard_all, "the box has heard all")
    city.stop(new.name)
    done = city.run("replica", "rebuild", new, "--to", tmp_path / "rebuilt", "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    told = parsed(done)
    assert (told["equal"], told["unsent"], told["unheard"]) == (True, 0, 0)

    # A segment that never got there: said is how many records are here alone.
    newest = max((tmp_path / "cloud").rglob(f"{Origin(city.code, Site.BOX, 2).prefix}/changes/*"))
    extent = segment_extent(newest.read_bytes())
    newest.unlink()
    done = city.run("replica", "rebuild", new, "--to", tmp_path / "shorter")
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert f"ここの新しい記録 {extent.last - extent.first + 1}件は、まだ束になっていません" in done.stdout


def test_a_healing_is_written_down_with_cause_and_duration(city: City) -> None:
    from sync.healing import OPERATOR, newest_healing

    city.serve(city.school.site)
    city.until(city.school.site, lambda status: status.sent > 0)
    done = city.run("replica", "heal", city.school.site)
    assert done.returncode == 0, done.stderr
    entry = newest_healing(city.school.paths)
    assert entry is not None and entry.cause == OPERATOR and entry.seconds > 0 and entry.seq > 0


def test_a_hubs_replica_is_looked_after_by_the_same_commands(city: City) -> None:
    from sync.healing import OPERATOR, newest_healing

    city.run_hubs()
    city.until(city.hub.root, lambda status: status.replicated > 0, "the hub's replica is read back")
    done = city.run("replica", "heal", city.hub.root)
    assert done.returncode == 0, done.stderr
    entry = newest_healing(city.hub)
    assert entry is not None and entry.cause == OPERATOR and entry.seconds > 0 and entry.seq > 0
    city.until(city.hub.root, lambda status: status.verified_at_ms is not None, "the next word of the hub says so")
    told = parsed(city.run("status", city.hub.root, "--json"))
    assert told["verified_at_ms"] and told["replica_resets"] == 1
    done = city.run("replica", "verify", city.hub.root, "--json")
    assert done.returncode == 0 and parsed(done)["complete"], done.stderr
