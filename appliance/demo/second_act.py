"""The second act: school and board change the same day during a cut, and the box is replaced.

Invariant: what is counted was read from the two sites' own stores; the old box's last entries exist nowhere else
until they are brought in.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.hubs import board_office, open_hub
from appliance.board.keeping import SiteKeeper
from appliance.board.orphans import import_orphans
from appliance.board.publishing import AgendaText, agenda_items
from appliance.board.replacement import Replaced, Replacement, replace_box
from appliance.board.restored import open_restored
from appliance.config import StoreSection
from appliance.demo.city import PASSPHRASE, DemoCity
from appliance.demo.compare import Restored, lost
from appliance.demo.staffroom import Step, Teacher
from appliance.demo.teacher import CORRECTION
from appliance.demo.transcript import Transcript
from appliance.login import login
from appliance.meetings.records import AgendaItem, Meeting
from appliance.session import local_time
from appliance.site import open_site
from crypto.identity import Identity
from sync.carry import export_segments
from sync.clock import wall_ms
from sync.folderstore import FolderConfig, FolderStore
from sync.ids import Origin, Site
from sync.reader import Reader
from sync.site import SitePaths

_ORPHANS: Final = 3


class SecondAct(msgspec.Struct, frozen=True):
    """Counts of changes, conflicts and entries; `countersigned` is the new box's log as the hub vouches for it."""

    merged_from_hub: int
    conflicts_shown: int
    conflicts_settled: int
    orphans_merged: int
    orphans_lost: int
    countersigned: int
    replaced_epoch: int


class Aftermath:
    """Plays it over a city whose first act has ended."""

    def __init__(self, city: DemoCity, tell: Transcript) -> None:
        self._city = city
        self._tell = tell
        self._root: Identity = city.unlock()
        self._school = open_site(city.site).config.site.school
        self._hub = Origin(self._school, Site.HUB, 1)

    def play(self, steps: Sequence[Step]) -> SecondAct:
        """Play it with marks that were made in the first act."""
        merged, shown, settled = self._both_write(steps[0])
        made, orphans = self._replace(steps[1 : 1 + _ORPHANS])
        brought, missing = self._old_box_returns(made, orphans)
        countersigned = self._confirmed(made.paths.root)
        return SecondAct(merged, shown, settled, brought, missing, countersigned, made.origin.epoch)

    def _both_write(self, step: Step) -> tuple[int, int, int]:
        """Let school and board change one pupil's day during a cut, each without knowing of the other."""
        city, day = self._city, date.fromisoformat(step["on"])
        self._tell.step("切れている間に、学校も教育委員会も書きます / both sides write during a cut")
        before = self._at_box(city.site)
        assert city.line is not None  # noqa: S101 - the first act started it
        city.line.cut()
        self._teach(city.site, PASSPHRASE, [step | {"code": "late"}])
        with board_office(open_hub(city.board, self._school), self._root) as office:
            office.attendance.mark(step["class"], day, step["pupil"], "sick", why=CORRECTION)
            office.meetings.add(*_meeting())
        city.line.mend()
        self._wait_for_hub(city.site)
        city.wait_confirmed(city.site)
        merged = self._at_box(city.site) - before
        shown = self._conflicts(step, day)
        self._tell.say(f"教育委員会から {merged}件を取り込み、競合 {shown}件（両方の記入が残っています）")
        self._teach(city.site, PASSPHRASE, [step | {"code": "sick"}])
        city.wait_confirmed(city.site)
        left = self._conflicts(step, day)
        self._tell.say(f"担任が決めました。競合 {left}件、教育委員会も確認済")
        return merged, shown, shown - left

    def _replace(self, steps: Sequence[Step]) -> tuple[Replaced, list[Step]]:
        city = self._city
        self._tell.step("箱が、送れていない記入を抱えたまま壊れます / the box fails with unsent entries")
        assert city.line is not None  # noqa: S101 - the first act started it
        city.line.cut()
        orphans = self._teach(city.site, PASSPHRASE, steps)
        city.stop_site(city.site)
        self._tell.say(f"送れていない記入 {len(orphans)}件")
        endpoint = city.board.place(self._school)
        store = StoreSection(endpoint.endpoint, endpoint.bucket, connect=city.line.endpoint)
        key = city.issue(f"{self._school}/box/2")
        wanted = Replacement(self._school, city.folder / "site-2", key, store)
        began = time.monotonic()
        made = replace_box(city.board, self._root, wanted)
        took = time.monotonic() - began
        self._tell.say(f"{took:.1f}秒で{made.origin.epoch}代目の箱（記録 {made.verified.changes}件、検証 合格）")
        city.line.mend()
        city.start_site(made.paths.root)
        return made, orphans

    def _old_box_returns(self, made: Replaced, orphans: Sequence[Step]) -> tuple[int, int]:
        city = self._city
        self._tell.step("古い箱が戻ってきます / the old box comes back")
        city.start_site(city.site, lambda status: status.superseded)
        self._tell.say("交代済: 読み取り専用になりました")
        medium = city.folder / "medium"
        medium.mkdir(exist_ok=True)
        old = open_site(city.site)
        with SiteKeeper(old.paths) as client, contextlib.closing(Reader(old.paths.store)) as reader:
            key = old.daemon_settings().key
            done = export_segments(reader, client, key, FolderStore(FolderConfig(medium)))
        found, _ = import_orphans(city.board, self._school, medium)
        self._tell.say(f"束 {done.segments}個を媒体で運び、{found.changes}件を取り込みました")
        epoch_one = Origin(self._school, Site.BOX, 1)
        login(made.paths.root, "sato", made.passphrases["sato"]).logout()  # the new keys open everything
        self._until(lambda: _seq(made.paths, epoch_one) == _seq(old.paths, epoch_one))
        store = open_restored(made.paths.root, self._root)
        missing = lost(Restored(store, epoch_one), orphans)
        store.close()
        self._tell.say(f"新しい箱に {len(orphans) - len(missing)}件、失われたもの {len(missing)}件")
        return len(orphans) - len(missing), len(missing)

    def _confirmed(self, site: Path) -> int:
        status = self._city.wait_confirmed(site)
        self._tell.say(f"新しい箱の {status.confirmed}件まで、教育委員会が確認済")
        return status.confirmed or 0

    def _teach(self, site: Path, passphrase: str, steps: Sequence[Step]) -> list[Step]:
        teacher = Teacher(site, "sato", passphrase)
        teacher.start()
        for step in steps:
            teacher.run({name: value for name, value in step.items() if not name.endswith("_seq")})
        teacher.stop()
        return teacher.acknowledged

    def _conflicts(self, step: Step, day: date) -> int:
        office = login(self._city.site, "sato", PASSPHRASE)
        try:
            return sum(row.conflict for row in office.attendance.day(step["class"], day).rows)
        finally:
            office.logout()

    def _at_box(self, site: Path) -> int:
        return _seq(SitePaths(site), self._hub)

    def _wait_for_hub(self, site: Path) -> None:
        wanted = _seq(open_hub(self._city.board, self._school).paths, self._hub)
        self._until(lambda: self._at_box(site) >= wanted)

    def _until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 90
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError("the two sites did not come together")
            time.sleep(0.1)


def _seq(paths: SitePaths, origin: Origin) -> int:
    with contextlib.closing(Reader(paths.store)) as reader:
        return reader.position(origin).seq


def _meeting() -> tuple[Meeting, list[AgendaItem]]:
    starts = local_time(wall_ms() + 3 * 3600 * 1000).replace(minute=0, second=0, microsecond=0)
    meeting = Meeting(
        id="demo-board", title="臨時校長会", starts=starts, place="第一会議室", chair="教育長", recorder="指導課"
    )
    text = AgendaText(
        section="連絡", title="停電時の連絡体制", department="指導課", body="各校の連絡網を確かめてください。"
    )
    return meeting, agenda_items(meeting.id, [text])
