"""An outage, played from import to restore, with every acknowledged entry accounted for.

Invariant: what is counted as acknowledged was read from the office processes, what is counted as restored was
opened from the restored store; the line is a real TCP connection that is really cut.
"""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.restored import RestoreRequest, open_restored, restore_school
from appliance.demo.city import PASSPHRASE, DemoCity
from appliance.demo.compare import Restored, lost
from appliance.demo.plan import morning
from appliance.demo.second_act import Aftermath
from appliance.demo.staffroom import Step, Teacher, TeacherStoppedError
from appliance.demo.transcript import Transcript
from appliance.session import JST
from sync.restore import RestoreReport
from sync.status import LinkState

_ONLINE_CLASSES: Final = 3
_TEACHERS: Final = ("sato", "suzuki", "hoken", "kyoto")
_KEEPER_KILLS: Final = 3


class DemoResult(msgspec.Struct, frozen=True):
    """What `demo.json` holds. Counts are entries; `lost` must be 0."""

    acknowledged: int
    restored: int
    lost: int
    offline_entries: int
    catch_up_s: float
    restore_s: float
    point_in_time_ok: bool
    keeper_kills: int
    office_kills: int
    replica_resets: int
    verified: bool
    merged_from_hub: int
    conflicts_shown: int
    conflicts_settled: int
    orphans_merged: int
    orphans_lost: int
    countersigned: int
    replaced_epoch: int

    @property
    def passed(self) -> bool:
        """Say whether everything came back and was proven, and both sites' work came together."""
        together = self.merged_from_hub > 0 and self.conflicts_shown == self.conflicts_settled == 1
        whole = self.orphans_lost == 0 and self.orphans_merged > 0 and self.countersigned > 0
        return self.lost == 0 and self.point_in_time_ok and self.verified and together and whole


@dataclass
class Outage:
    """The script, step by step, in a folder of its own."""

    folder: Path
    seed: int
    tell: Transcript
    acknowledged: list[Step] = field(default_factory=list)
    keeper_kills: int = 0
    office_kills: int = 0

    def play(self) -> DemoResult:
        """Play it all."""
        shutil.rmtree(self.folder, ignore_errors=True)
        city = DemoCity(self.folder)
        try:
            return self._play(city)
        finally:
            city.stop()

    def _play(self, city: DemoCity) -> DemoResult:
        self.tell.step("学校をひとつ、まるごと用意します / one whole school")
        city.start()
        city.make(self.tell.say)
        office = city.office("kocho")
        today = office.today()
        plan = morning(office, today, self.seed)
        item = office.meetings.open(office.home().meetings[0].meeting_id).items[3]
        decide: Step = {"do": "decide", "meeting": f"demo-{today.isoformat()}", "item": item.item_id}
        decide["text"] = "原案どおり。締め切りは12月15日17時。"
        office.logout()
        classes = list(plan)

        self.tell.step("線があるうちに、3学級の朝 / three classes while the line is up")
        self._teach(city, [plan[c] for c in classes[:_ONLINE_CLASSES]])
        status = city.wait(lambda s: s.waiting == 0, 60)
        online = len(self.acknowledged)
        self.tell.say(f"{online}件を入力、{status.sent}件まで送信済（クラウドから読み返しました）")
        before_cut = self._last_second()

        self.tell.step("線を切ります / the line is cut")
        assert city.line is not None  # noqa: S101 - start() made it
        city.line.cut()
        self.tell.say(f"{datetime.fromtimestamp(time.time(), JST):%H:%M:%S} 切断（TCPの接続を壊しました）")

        self.tell.step("線のないまま、全校の朝 / the whole school's morning without a line")
        self._offline_morning(city, [plan[c] for c in classes[_ONLINE_CLASSES:]], decide)
        offline = len(self.acknowledged) - online
        status = city.wait(lambda s: s.link is LinkState.OFFLINE, 60)
        self.tell.say(f"{offline}件を入力。状態 {status.link}、未送信 {status.waiting}件")

        self.tell.step("線が戻ります / the line is back")
        began = time.monotonic()
        city.line.mend()
        status = city.wait(lambda s: s.waiting == 0, 120)
        catch_up_s = time.monotonic() - began
        resets = status.replica_resets
        self.tell.say(f"{catch_up_s:.1f}秒で未送信 0件（{status.sent}件まで送信済、複製の作り直し {resets}回）")
        return self._judge(city, offline, catch_up_s, before_cut, online, resets)

    def _judge(
        self, city: DemoCity, offline: int, catch_up_s: float, before: datetime, online: int, resets: int
    ) -> DemoResult:
        self.tell.step("クラウド側で、空の場所に復元 / restored on the cloud side")
        report, now = self._restore(city, "restored", None)
        missing = lost(now, self.acknowledged)
        found = len(self.acknowledged) - len(missing)
        self.tell.say(f"{report.seconds:.1f}秒、記録 {report.verified.seq}件を検証しました")
        self.tell.say(f"入力 {found}件が一致、失われたもの {len(missing)}件")
        self.tell.step("切れる前の秒に復元 / restored to the second before the cut")
        earlier, then = self._restore(city, "restored-before-cut", before)
        kept, after = self.acknowledged[:online], self.acknowledged[online:]
        exact = not lost(then, kept) and len(lost(then, after)) == len(after)
        self.tell.say(f"{before:%H:%M:%S} の時点: 記録 {earlier.verified.seq}件")
        self.tell.say("切れる前の入力だけがあります" if exact else "切れる前の入力と合いません")
        second = Aftermath(city, self.tell).play([step for step in kept if step["do"] == "mark"])
        return DemoResult(
            acknowledged=len(self.acknowledged),
            restored=found,
            lost=len(missing),
            offline_entries=offline,
            catch_up_s=round(catch_up_s, 3),
            restore_s=round(report.seconds, 3),
            point_in_time_ok=exact,
            keeper_kills=self.keeper_kills,
            office_kills=self.office_kills,
            replica_resets=resets,
            verified=report.complete,
            **msgspec.structs.asdict(second),
        )

    def _restore(self, city: DemoCity, name: str, at: datetime | None) -> tuple[RestoreReport, Restored]:
        target = self.folder / name
        school = next((city.board.path / "schools").glob("*.toml")).stem
        report = restore_school(city.board, RestoreRequest(school, target, at))
        store = open_restored(target, city.unlock())
        return report, Restored(store)

    def _last_second(self) -> datetime:
        """Let a whole second pass without entries; return its beginning."""
        time.sleep(1.1)
        now = datetime.fromtimestamp(int(time.time()), JST)
        time.sleep(1.1)
        return now

    def _teach(self, city: DemoCity, classes: Sequence[list[Step]]) -> None:
        teacher = Teacher(city.site, _TEACHERS[0], PASSPHRASE)
        teacher.start()
        for steps in classes:
            for step in steps:
                teacher.run(step)
        teacher.stop()
        self.acknowledged += teacher.acknowledged

    def _offline_morning(self, city: DemoCity, classes: Sequence[list[Step]], decide: Step) -> None:
        lanes = [Lane(city, name, list(classes[place :: len(_TEACHERS)])) for place, name in enumerate(_TEACHERS)]
        lanes[0].kill_at = 5
        lanes[-1].last = decide
        threads = [threading.Thread(target=lane.work) for lane in lanes]
        for thread in threads:
            thread.start()
        total = sum(len(steps) for steps in classes)
        for share in range(1, _KEEPER_KILLS + 1):
            self._kill_keeper(city, lanes, total * share // (_KEEPER_KILLS + 1))
        for thread in threads:
            thread.join()
        for lane in lanes:
            if lane.failure is not None:
                raise lane.failure
            self.acknowledged += lane.acknowledged
            self.office_kills += lane.kills
        kills = f"事務の画面を{self.office_kills}回、蔵の番人を{self.keeper_kills}回"
        self.tell.say(f"記入の途中で、{kills}、強制終了しました")

    def _kill_keeper(self, city: DemoCity, lanes: "Sequence[Lane]", after: int) -> None:
        deadline = time.monotonic() + 60
        while _done(lanes) < after and time.monotonic() < deadline:
            time.sleep(0.002)
        while time.monotonic() < deadline:
            pid = city.keeper_pid()
            with contextlib.suppress(ProcessLookupError):  # the mark may still name the one killed before
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
                    self.keeper_kills += 1
                    return
            time.sleep(0.002)


def _done(lanes: "Sequence[Lane]") -> int:
    return sum(len(lane.acknowledged) for lane in lanes)


@dataclass
class Lane:
    """One office process at work on some classes; it may be killed in the middle and goes on."""

    city: DemoCity
    login: str
    classes: list[list[Step]]
    kill_at: int | None = None
    last: Step | None = None
    acknowledged: list[Step] = field(default_factory=list)
    kills: int = 0
    failure: Exception | None = None

    def work(self) -> None:
        """Make every step; an entry that was not acknowledged is made again, as a person would."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self.failure = error

    def _work(self) -> None:
        teacher = self._start()
        steps = [step for group in self.classes for step in group] + ([self.last] if self.last else [])
        place = 0
        while place < len(steps):
            if self.kill_at == place:
                self.kill_at = None
                teacher.begin(steps[place])
                teacher.kill()
                self.kills += 1
                teacher = self._start()
                continue
            try:
                teacher.run(steps[place])
                place += 1
            except TeacherStoppedError:
                teacher.kill()
                teacher = self._start()
        teacher.stop()

    def _start(self) -> Teacher:
        teacher = Teacher(self.city.site, self.login, PASSPHRASE, acknowledged=self.acknowledged)
        teacher.start()
        return teacher
