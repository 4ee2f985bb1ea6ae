"""Markers of importance II typed on the real screen, put into logs, journal and file names; then a support bundle.

Nothing of them, of any person of the school, of a key or a passphrase is in it, packed or unpacked.
"""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.alarms.book import read_book
from appliance.health.bundle import bundle
from appliance.health.look import look_at
from tests.faults.city import City, office_at, wait_until
from tests.faults.terminal import Terminal
from tests.faults.test_markers import ENCODINGS, PREFIX, files_under, hits, made_markers, type_reasons
from tests.school import PASSPHRASE, STAFF

pytestmark = pytest.mark.faults

LATIN = [f"Shachi{first}{second}moto" for first in "abcde" for second in "klm"]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    try:
        yield made
    finally:
        made.close()


def unpack(packed: bytes, folder: Path) -> Path:
    """Write the bundle as it is, decompressed, and each of its parts."""
    folder.mkdir()
    (folder / "packed").write_bytes(packed)
    (folder / "unpacked").write_bytes(gzip.decompress(packed))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        tar.extractall(folder / "parts")  # noqa: S202 - our own
    return folder


def poison(city: City, markers: list[str], programs: Path) -> None:
    """Put markers wherever a careless program could have left them."""
    site = city.school.site
    for place, marker in enumerate(markers[:40]):
        folder = site / "inbox" / ("II" if place % 2 else ".")
        folder.mkdir(exist_ok=True)
        (folder / f"{marker}.txt").write_text("" if place % 3 else marker, "utf-8")
    with (site / "run" / "litestream.log").open("a", encoding="utf-8") as log:
        for marker in markers:
            log.write(json.dumps({"level": "ERROR", "msg": f"sync error {marker}", "error": marker}) + "\n")
            log.write(f"panic: {marker}\n")
    entries = "\n".join(
        json.dumps(
            {
                "__REALTIME_TIMESTAMP": "1795000000000000",
                "_SYSTEMD_UNIT": "kurabako-sync.service",
                "PRIORITY": "3",
                "MESSAGE": f"Traceback: KeyError: {marker} SYNC-041",
                "_CMDLINE": f"kurabako {marker}",
            },
            ensure_ascii=False,
        )
        for marker in markers
    )
    (programs / "entries").write_text(entries, "utf-8")
    (programs / "journalctl").write_text(f"#!/bin/sh\ncat {programs}/entries\n")
    (programs / "systemctl").write_text(f"#!/bin/sh\necho Id=kurabako-sync.service\necho Result={markers[0]}x\n")
    for name in ("journalctl", "systemctl"):
        (programs / name).chmod(0o755)


def test_no_marker_and_no_person_is_in_a_support_bundle(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, markers = city.school.site, [*made_markers()[:60], *LATIN]
    city.serve(site)
    wait_until(lambda: city.told(site) is not None, "the box")
    with Terminal(["-m", "appliance.cli", "office", str(site)], os.environ) as screen:
        texts = ["".join(part) for part in (markers[:30], markers[30:60], markers[60:])]
        assert type_reasons(screen, city, texts) == "".join(markers), "else this test looks for nothing"
        screen.press("\x1b[19~")  # F8: leave the seat
        screen.until("施錠しました")
        screen.press("\x1b[21~")  # F10
        screen.wait()
    with office_at(site, "kocho") as office:
        first = office.attendance.classes(office.today())[0].class_id
        pupils = [row.name for row in office.attendance.day(first, office.today()).rows]
    programs = tmp_path / "programs"
    programs.mkdir()
    poison(city, markers, programs)
    wait_until(lambda: "healing" in read_book(city.school.paths).marks, "the watcher looked")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr("appliance.health.machine.Machine.has_systemd", property(lambda _: True))

    folder = unpack(bundle(look_at(site)), tmp_path / "bundle")
    by_command = city.run("support-bundle", site, "--out", tmp_path / "by-command.tar.gz")
    assert by_command.returncode == 0, by_command.stderr
    unpack((tmp_path / "by-command.tar.gz").read_bytes(), folder / "command")

    people = [name for _, name, _ in STAFF] + [login for login, _, _ in STAFF] + pupils
    secrets = [PASSPHRASE, "secret-secret"]
    encoded = {text.encode(name, "ignore") for text in (*markers, *people, *secrets) for name in ENCODINGS}
    starts = {word[:2] for word in (*people, *secrets, *LATIN)} | {PREFIX}
    prefixes = sorted({start.encode(name, "ignore") for start in starts for name in ENCODINGS} - {b""})
    (folder / "control").write_text(f"x{markers[3]}y", "utf-8")
    assert hits(files_under(folder), folder, encoded - {b""}, prefixes) == ["control"]
    journal = next(folder.rglob("journal.log")).read_text("utf-8")
    assert "KeyError" in journal and "SYNC-041" in journal, "what is known is told"
