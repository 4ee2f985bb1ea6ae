"""1,000 marker strings of importance II, typed on the real screen, then looked for everywhere after the lock; and
what was opened there of importance I (a card) and II (a guardian, a document drawn by a process of its own).

Where: every file of the site, of the board's hub, of the object store, every log, the temporary and the home
folder of every process, and the machine's own temporary folders for whoever passes those over; and the memory of
every process of the box, for markers, passphrase and keys alike.
"""

import contextlib
import io
import os
import random
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from appliance.credentials import read_pepper
from appliance.documents.intake import Incoming
from appliance.emergency.cards import EmergencyCard
from appliance.roster import Contact, Guardian
from crypto.identity import open_identity
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.leaseguard import LeaseState
from sync.site import SitePaths
from tests.faults.city import City, office_at, wait_until
from tests.faults.memory import holds, readable
from tests.faults.terminal import Terminal
from tests.school import PASSPHRASE
from tests.soak.processes import below

pytestmark = pytest.mark.faults

PREFIX = "鯱"
LETTERS = "亜哀挨愛曖悪握圧扱宛嵐安案暗以衣位囲医依委威為畏胃尉異移萎偉椅彙意違維慰遺緯域育一壱逸茨芋引印因咽"
PUPILS, IN_ONE = 25, 40
SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - looked into, never written
IN_MEMORY = ("utf-8", "utf-16-le")  # a text with such letters takes two bytes for each in Python's memory
ENCODINGS = ("utf-8", "utf-16-le", "cp932", "euc_jp", "unicode_escape")


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    for name, variable in (("tmp", "TMPDIR"), ("home", "HOME")):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / name))
    made = City(tmp_path)
    try:
        yield made
    finally:
        made.close()


def made_markers() -> list[str]:
    source = random.SystemRandom()  # others of their own for each run: the shared folders hold what others left
    found = {PREFIX + "".join(source.choices(LETTERS, k=4)) for _ in range(2_000)}
    return sorted(found)[: PUPILS * IN_ONE]


def hits(files: Iterable[Path], folder: Path, markers: set[bytes], prefixes: list[bytes]) -> list[str]:
    """Return the files in which a marker stands in any encoding, by their names under a folder."""
    found = []
    for file in files:
        try:
            data = file.read_bytes()
        except OSError:  # gone meanwhile, or nothing to be read
            continue
        for prefix in prefixes:
            at = data.find(prefix)
            while at >= 0:
                if any(data[at : at + len(marker)] == marker for marker in markers if marker.startswith(prefix)):
                    found.append(file.relative_to(folder).as_posix())
                    break
                at = data.find(prefix, at + 1)
    return found


def remembered(pid: int, markers: list[str], secrets: list[bytes]) -> set[bytes]:
    """Return what a process still holds, markers as they are written and as Python keeps them."""
    found = holds(pid, secrets)
    for name in IN_MEMORY:
        found |= holds(pid, [marker.encode(name) for marker in markers], PREFIX.encode(name))
    return found


def files_under(folder: Path, but: Path | None = None, since: float = 0.0) -> Iterator[Path]:
    """Yield the plain files under a folder that changed since, leaving one folder out."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if Path(place, name) != but]
        for name in names:
            file = Path(place, name)
            with contextlib.suppress(OSError):
                told = file.lstat()
                if stat.S_ISREG(told.st_mode) and told.st_mtime >= since:
                    yield file


def school_day(city: City) -> tuple[date, int, str, str]:
    """Return the last school day, how many days it is back, and the first class; give its pupils marks.

    And the first pupil's name, which is on the screen once it takes keys.
    """
    with office_at(city.school.site) as office:
        back = next(
            n for n in range(120) if office.calendar.status(office.today() - timedelta(n)).counts_as_school_day
        )
        on, class_id = office.today() - timedelta(back), office.attendance.classes(office.today())[0].class_id
        rows = office.attendance.day(class_id, on).rows[:PUPILS]
        for row in rows:
            office.attendance.mark(class_id, on, row.pupil_id, "sick")
    return on, back, class_id, rows[0].name


def reasons(city: City, class_id: str, on: date) -> list[str]:
    with office_at(city.school.site, "kocho") as office:
        rows = office.attendance.day(class_id, on).rows[:PUPILS]
        return [office.attendance.reason(row.pupil_id, on) or "" for row in rows if row.has_reason]


def secrets_of(city: City) -> dict[str, bytes]:
    """Return the keys that a session at the screen holds, by name and half: a library holds the halves."""
    paths = SitePaths(city.school.site)
    with office_at(city.school.site) as office:
        pairs = office._session.store.keyring.pairs
        found = {f"class {key.importance.name}": pair.private.to_bytes().reveal() for key, pair in pairs.items()}
    client = KeeperClient(paths.socket)
    identity = open_identity(client.login_begin("sato"), PASSPHRASE, read_pepper(city.school.site))
    client.login_done("sato")
    client.close()
    found |= {"seal": identity.seal.to_bytes().reveal(), "sign": identity.sign.to_bytes().reveal()}
    begins = {f"{name}, begin": key[:32] for name, key in found.items()}
    return {**begins, **{f"{name}, end": key[-32:] for name, key in found.items()}}


def type_reasons(screen: Terminal, city: City, texts: Sequence[str]) -> str:
    """Log in and give the first pupils of a class their reasons; return all that was kept, as one text."""
    on, back, class_id, first = school_day(city)
    screen.until("合言葉")
    screen.press("sato\r")
    screen.press(PASSPHRASE + "\r")
    screen.until("会議（7日以内）")
    screen.press("\r")
    screen.until(first)
    screen.press("\x1b[D" * back)
    for place, text in enumerate(texts):
        screen.settle()
        screen.press("r")
        screen.until("理由（重要性分類Ⅱ）")
        screen.paste(text)
        screen.press("\r")
        wait_until(lambda place=place: len(reasons(city, class_id, on)) > place, f"reason {place}")  # type: ignore[misc]
        screen.press("\x1b[B")
    return "".join(reasons(city, class_id, on))


@pytest.mark.timeout(900)
def test_after_the_lock_nothing_of_1000_markers_is_anywhere(city: City, tmp_path: Path) -> None:
    site, began = city.school.site, time.time()
    city.serve(site)
    city.run_hubs()
    wait_until(lambda: city.told(site) is not None, "the box")
    markers = made_markers()
    keys = secrets_of(city)
    with Terminal(["-m", "appliance.cli", "office", str(site)], os.environ) as screen:
        texts = ["".join(markers[place : place + IN_ONE]) for place in range(0, len(markers), IN_ONE)]
        assert type_reasons(screen, city, texts) == "".join(markers)
        looks = readable(screen.pid)
        if looks:
            of_two = [key for name, key in keys.items() if name.startswith("class II,")]
            seen = remembered(screen.pid, markers, of_two)
            assert seen.intersection(of_two) and seen.difference(of_two), "else this test looks at nothing"

        screen.press("\x1b[19~")  # F8: leave the seat
        screen.until("施錠しました")
        city.until_confirmed(site)
        secrets = [*keys.values(), PASSPHRASE.encode()]
        box = below(city.processes[site.name].pid)
        assert {"sync.keeper", "litestream"} <= set(box)
        for pid in (screen.pid, city.processes[site.name].pid, *box.values()) if looks else ():
            held = remembered(pid, markers, secrets)
            assert not held, (pid, [name for name, key in keys.items() if key in held], len(held))
        screen.press("\x1b[21~")  # F10
        assert screen.wait() == 0 and screen.echoes()

    encoded = {marker.encode(name) for marker in markers for name in ENCODINGS}
    prefixes = [PREFIX.encode(name) for name in ENCODINGS]
    (tmp_path / "home" / "control").write_text(f"x{markers[500]}y", "utf-8")
    assert hits(files_under(tmp_path), tmp_path, encoded, prefixes) == ["home/control"]
    for shared in SHARED:
        elsewhere = files_under(shared, but=tmp_path, since=began)
        assert hits(elsewhere, shared, encoded, prefixes) == []
    if not looks:
        pytest.skip("files were searched, memory was not: this machine lets nobody read a process's memory")


def opened_once(city: City, card: str, guardian: str, document: str) -> tuple[str, str]:
    """Keep a card of importance I, a guardian and a document of II; return the pupil's reading and name."""
    with office_at(city.school.site, "kocho") as office:
        class_id = office.attendance.classes(office.today())[0].class_id
        row = office.attendance.day(class_id, office.today()).rows[0]
        office.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "試験のため記入", 5)
        office.emergency.keep([EmergencyCard(pupil=row.pupil_id, allergies=card)])
        office.emergency.close()
        contact = Contact(id=row.pupil_id, guardians=(Guardian("母", guardian, "", ("090-0000-0001",)),))
        office.roster.commit(replace(office.roster.plan(city.school.zip), put=(contact,), remove=()))
        data = document.encode("cp932")
        office.filing.add(Incoming(io.BytesIO(data), len(data), "sonota.txt", Importance.II, "面談の控え"))
    return row.kana, row.name


def look_at_all(screen: Terminal, pupil: tuple[str, str], card: str, guardian: str, document: str) -> None:
    """Log in as the principal; open the card, whom to ring for the first pupil, and the document."""
    kana, name = pupil
    screen.until("合言葉")
    screen.press("kocho\r")
    screen.press(PASSPHRASE + "\r")
    screen.until("会議（7日以内）")
    screen.press("\x1bOQ")  # F2: the cards
    screen.until("緊急連絡")
    screen.settle()
    screen.paste(kana)
    screen.settle()
    screen.press("\r")
    screen.until(card)
    screen.press("\x1b")
    screen.until("会議（7日以内）")
    screen.settle()
    screen.press("\r")
    screen.until(name)
    screen.press("d")
    screen.until(guardian)
    screen.press("\x1b")
    screen.until(name)
    screen.press("\x1b")
    screen.until("会議（7日以内）")
    screen.press("b")
    screen.until("面談の控え")
    screen.press("\r")
    screen.until(document)


@pytest.mark.timeout(900)
def test_after_the_lock_nothing_of_what_was_opened_is_anywhere(city: City, tmp_path: Path) -> None:
    site, began = city.school.site, time.time()
    city.serve(site)
    city.run_hubs()
    city.until(site, lambda status: status.lease == LeaseState.LIVE, "a lease")
    opened = card, guardian, document = random.SystemRandom().sample(made_markers(), 3)
    secrets = [PASSPHRASE.encode()]
    pupil = opened_once(city, card, guardian, document)
    city.until_confirmed(site)  # online, so a card opens without 非常時開示
    with Terminal(["-m", "appliance.cli", "office", str(site)], os.environ) as screen:
        look_at_all(screen, pupil, card, guardian, document)
        looks = readable(screen.pid)
        readers = below(screen.pid)
        if looks:
            assert remembered(screen.pid, opened, secrets) - {*secrets}, "else this test looks at nothing"
            assert readers, "the document was read by a process of its own"
        screen.press("\x1b[19~")  # F8: leave the seat
        screen.until("施錠しました")
        box = below(city.processes[site.name].pid)
        for pid in (screen.pid, city.processes[site.name].pid, *box.values()) if looks else ():
            assert not remembered(pid, opened, secrets), pid
        assert not any(Path(f"/proc/{pid}").exists() for pid in readers.values()), "they are gone with it"
        screen.press("\x1b[21~")  # F10
        assert screen.wait() == 0

    encoded = {marker.encode(name) for marker in opened for name in ENCODINGS}
    prefixes = [PREFIX.encode(name) for name in ENCODINGS]
    (tmp_path / "home" / "control").write_text(f"x{card}y", "utf-8")
    assert hits(files_under(tmp_path), tmp_path, encoded, prefixes) == ["home/control"]
    for shared in SHARED:
        assert hits(files_under(shared, but=tmp_path, since=began), shared, encoded, prefixes) == []
    if not looks:
        pytest.skip("files were searched, memory was not: this machine lets nobody read a process's memory")
