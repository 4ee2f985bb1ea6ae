"""The support bundle: what is in it, and that nothing gets in which is not on a list."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.alarms.book import Book, write_book
from appliance.health import journal
from appliance.health.bundle import bundle
from appliance.health.logwords import GAP, _codes, _exceptions, _words, safe_line
from appliance.inbox.told import NotTaken, Told, write_told
from sync.healing import UNCLEAN, begin, done
from sync.site import SitePaths
from sync.status import write_status
from tests.appliance.health.machines import box_at, look, site_at, status

NAME = "鯱山花子"
LATIN = "Shachiyama"
PARTS = {
    *("manifest.json", "doctor.json", "status.json", "metrics.txt", "healing.jsonl", "alarms.json", "inbox.json"),
    *(
        "settings.json",
        "sizes.json",
        "versions.json",
        "units.json",
        "withheld.json",
        "journal.log",
        "litestream.log",
    ),
}


def parts(packed: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            found[member.name.removeprefix("kurabako-support/")] = file.read()
    return found


@pytest.fixture
def paths(tmp_path: Path) -> SitePaths:
    return site_at(tmp_path / "site")


KEPT = {
    "keeper stopped: SYNC-040 (store)": "keeper stopped SYNC-040 store",
    "kurabako-sync.service: Main process exited, code=exited, status=1/FAILURE": None,
    'File "/opt/x/sync/keeper.py", line 120, in turn': "sync/keeper.py:120 in",
    'File "/opt/x/sync/花子.py", line 3, in x': None,
    "ZeroDivisionError: division by zero": None,
    f"imported {NAME}.pdf for {LATIN} 090-1234-5678": None,
    "status 503 after 12 attempts": "status 503 12 attempts",
}


@pytest.mark.parametrize(("line", "wanted"), KEPT.items(), ids=range(len(KEPT)))
def test_of_a_line_only_known_words_stay(line: str, wanted: str | None) -> None:
    said = safe_line(line)
    assert NAME not in said and LATIN not in said and "1234" not in said and "5678" not in said
    if wanted is not None:
        assert [word for word in said.split() if word != GAP] == wanted.split()
    else:
        assert GAP in said


@given(st.text(max_size=200))
def test_whatever_is_written_only_known_words_come_out(line: str) -> None:
    for word in safe_line(line).split():
        known = word == GAP or word.lower() in _words() or word in _codes() or word in _exceptions()
        assert known or (word.isascii() and word.isdigit() and len(word) <= 3) or ".py:" in word


def entry(message: object, **more: object) -> str:
    fields = {
        "__REALTIME_TIMESTAMP": "1795000000000000",
        "_SYSTEMD_UNIT": "kurabako-sync.service",
        "PRIORITY": "3",
    }
    return json.dumps({**fields, "MESSAGE": message, **more})


def test_the_journal_is_made_anew(tmp_path: Path) -> None:
    lines = [
        entry("Failed with result 'exit-code'."),
        entry([ord(char) for char in f"SYNC-041 {LATIN}"]),
        entry(NAME),
        entry("started", _SYSTEMD_UNIT=f"kurabako-{NAME}.service"),
        entry("started", PRIORITY=NAME, __REALTIME_TIMESTAMP=LATIN),
        "no JSON",
        "[1]",
    ]
    script = "cat <<'END'\n" + "\n".join(lines) + "\nEND"
    text, withheld = journal.journal(box_at(tmp_path / "box", programs={"journalctl": script}))
    assert text.splitlines() == [
        "2026-11-18T20:06:40+09:00 kurabako-sync.service <3> Failed with result exit code",
        f"2026-11-18T20:06:40+09:00 kurabako-sync.service <3> SYNC-041 {GAP}",
        "? kurabako-sync.service <?> started",
    ]
    assert withheld == 4


def test_litestreams_log_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "litestream.log"
    lines = [
        {
            "time": "2026-11-24T08:00:00.123+09:00",
            "level": "ERROR",
            "msg": "replica sync failed",
            "error": "dial tcp",
        },
        {"time": LATIN, "level": NAME, "msg": "sync error", "db": f"/site/{LATIN}/school.db"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)) + f"\n{NAME}\n", "utf-8")
    text, withheld = journal.litestream_log(file)
    assert text == "2026-11-24T08:00:00 ERROR replica sync failed dial tcp\n? ? sync error\n" and withheld == 1
    assert journal.litestream_log(tmp_path / "none") == ("", 0)


def test_what_is_in_it(paths: SitePaths, tmp_path: Path) -> None:
    write_status(paths, status())
    begin(paths, UNCLEAN)
    done(paths, 7)
    write_told(paths, Told(not_taken=(NotTaken(id="1", folder="II", size=3, since_ms=1, code="APP-300"),)))
    write_book(
        paths, Book().changed("disk", True, 5, (f"email:{LATIN}@example.jp",)).changed(LATIN, True, 1, ("x",))
    )
    (paths.run / "litestream.log").write_text('{"level":"WARN","msg":"sync error"}\n')
    machine = box_at(
        tmp_path / "box",
        {"etc/debian_version": "12.11\n"},
        {"journalctl": f"echo '{entry('started')}'", "systemctl": "echo Id=kurabako-sync.service"},
    )
    found = parts(bundle(look(paths, machine)))
    assert set(found) == PARTS
    assert json.loads(found["manifest.json"])["parts"] == {
        name: len(part) for name, part in found.items() if name != "manifest.json"
    }
    assert json.loads(found["alarms.json"])["raised"] == {"disk": 5}
    assert json.loads(found["inbox.json"])["stuck"] == [{"folder": "II", "bytes": 3}]
    assert json.loads(found["healing.jsonl"])["seq"] == 7
    versions = json.loads(found["versions.json"])
    assert versions["debian"] == "12.11" and versions["packages"]["textual"]
    assert b"kurabako_up 1.0" in found["metrics.txt"]
    assert not [name for name, part in found.items() if LATIN.encode() in part]
    secrets = [(paths.root / "credentials" / name).read_bytes() for name in ("pepper", "site.key", "store.toml")]
    assert not [name for name, part in found.items() if any(secret in part for secret in secrets)]


def test_a_site_of_which_nothing_can_be_read_has_a_bundle_all_the_same(paths: SitePaths) -> None:
    paths.store.write_bytes(b"junk")
    for name in ("health.json", "alarms.json", "litestream.log", "healing.json"):
        (paths.run / name).write_bytes(b"\xff{")
    paths.healing_log.parent.mkdir()
    paths.healing_log.write_bytes(
        b'\xff\n{"cause": "' + NAME.encode() + b'", "began_ms": 1, "seconds": 1, "seq": 1}\n'
    )
    found = parts(bundle(look(paths)))
    assert {"manifest.json", "doctor.json", "versions.json"} <= set(found)
    assert found["healing.jsonl"] == b'{"cause":"?"}\n'
