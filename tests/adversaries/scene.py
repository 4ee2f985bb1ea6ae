"""A real school with markers in it, and what different people would carry away from it.

Invariant: every marker was entered through an office and is at the box, at the board's hub and in the object store
before anything is taken; whoever looks for markers looks for all of them in every encoding.
"""

import base64
import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from appliance.board.folder import BoardFolder, open_board
from appliance.classification.model import Action
from appliance.emergency.cards import EmergencyCard
from appliance.office import Office
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.keeperchild import KeeperChild
from sync.leaseguard import LeaseState
from sync.status import LinkState
from tests.faults.city import City, office_at
from tests.school import SCHOOL_DAY, School

PREFIX = "鯱鉾鵺"
REASON, CARD, PURPOSE, PERMIT, DECISION = (PREFIX + more for more in ("喘息", "卵", "引渡", "七号", "可決"))
SEALED_HARD = {REASON: Importance.II, CARD: Importance.I, PURPOSE: Importance.II, PERMIT: Importance.II}
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp932", "euc_jp", "unicode_escape")
ABSENT = 3  # pupils with a reason and a card
_IGNORED = shutil.ignore_patterns("*.sock")


def needles(words: list[str]) -> dict[bytes, str]:
    """Return what to look for, and what finding it means: each word in every encoding, plain, base64 and hex."""
    found = {}
    for word, name in product(words, ENCODINGS):
        with contextlib.suppress(UnicodeEncodeError):  # 髙 is in cp932 but not in EUC-JP
            raw = word.encode(name)
            for shape, needle in (("", raw), (" hex", raw.hex().encode()), (" HEX", raw.hex().upper().encode())):
                found[needle] = f"{word} {name}{shape}"
            for shift in range(3):  # what stays the same of it, wherever in a longer text it stood
                coded = base64.b64encode(bytes(shift) + raw)
                whole = coded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
                found[whole] = f"{word} {name} base64"
    return found


def hits(folder: Path, wanted: dict[bytes, str]) -> set[str]:
    """Return `file: what` of everything that is found under a folder, in names and in bytes."""
    found = set()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        data = name.encode() + b"\n" + (path.read_bytes() if path.is_file() else b"")
        found |= {f"{name}: {what}" for needle, what in wanted.items() if needle in data}
    return found


def copy(source: Path, target: Path) -> Path:
    """Copy a folder as somebody does who has it in hands: everything but sockets, with its times."""
    shutil.copytree(source, target, ignore=_IGNORED, copy_function=shutil.copy2)
    return target


@dataclass
class Scene:
    """Where everything lies after the school was powered off as it should be: lease living, all confirmed."""

    city: City
    off: Path
    names: list[str]
    pupils: list[str]
    class_id: str

    @property
    def wanted(self) -> dict[bytes, str]:
        """Return what nobody may find: the markers, by their common beginning, and pupils' names."""
        return needles([PREFIX, *self.names])

    @property
    def site(self) -> Path:
        return self.off / "site"

    @property
    def cloud(self) -> Path:
        return self.off / "cloud"

    @property
    def bucket(self) -> Path:
        return self.cloud / "store" / "tests"

    @property
    def board(self) -> BoardFolder:
        return self.city.board

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[School]:
        """Run a copy of the school with its own keeper and its own board beside it."""
        copy(self.site, folder / "site")
        copy(self.off / "board", folder / "board")
        made = replace(self.city.school, folder=folder, board=open_board(folder / "board"))
        made.keeper = KeeperChild(made.paths)
        made.keeper.start()
        with contextlib.closing(KeeperClient(made.paths.socket)) as client:
            client.hello()
        try:
            yield made
        finally:
            made.close()


def enter(city: City) -> tuple[list[str], list[str], str]:
    """Enter every marker through offices; return the names and ids of the pupils, and their class."""
    with office_at(city.school.site) as office:
        view = office.attendance.classes(SCHOOL_DAY)[0]
        rows = office.attendance.day(view.class_id, SCHOOL_DAY).rows[:ABSENT]
        for row in rows:
            office.attendance.mark(view.class_id, SCHOOL_DAY, row.pupil_id, "sick", reason=REASON)
    with office_at(city.school.site, "kocho") as office:
        keep_cards(city.folder / "cards.csv", office, view.title, [(str(row.number), row.name) for row in rows])
        session = office._session
        subject = rows[0].pupil_id
        session.ask(Action.VIEW, EmergencyCard.kind, Importance.I, subject=subject, purpose=PURPOSE, permit=PERMIT)
        meeting = office.meetings.all()[0]
        office.minutes.decide(
            meeting.meeting_id, office.meetings.open(meeting.meeting_id).items[0].item_id, DECISION
        )
    return [row.name for row in rows], [row.pupil_id for row in rows], view.class_id


def keep_cards(file: Path, office: Office, title: str, pupils: list[tuple[str, str]]) -> None:
    """Import emergency cards as an office does, from a file that is gone afterwards."""
    lines = ["学級,番号,氏名,連絡先1,続柄1,電話1,アレルギー,健康上の注意"]
    lines += [f"{title},{number},{name},{CARD},母,090-0000-0001,{CARD},{CARD}" for number, name in pupils]
    file.write_text("\r\n".join(lines), "utf-8-sig")
    plan = office.emergency.plan(file, SCHOOL_DAY)
    file.unlink()
    assert len(plan.cards) == len(pupils) and office.emergency.keep(plan.cards) is not None


def play(folder: Path) -> Scene:
    """Let a school have its day over a real line, then power everything off and keep what lies on the disks."""
    city = City(folder / "city")
    try:
        box = city.school.site
        city.serve(box)
        city.run_hubs()
        city.until(box, lambda s: s.link is LinkState.ONLINE and s.lease == LeaseState.LIVE, "online")
        names, pupils, class_id = enter(city)
        city.until_confirmed(box)
        city.until(box, lambda status: not status.waiting, "all sent")
        for name in list(city.processes):
            city.stop(name)
    finally:
        city.close()
    for name in ("site", "board", "cloud"):
        copy(folder / "city" / name, folder / "off" / name)
    return Scene(city, folder / "off", names, pupils, class_id)
