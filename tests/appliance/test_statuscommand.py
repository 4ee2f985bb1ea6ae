"""What `kurabako status` says, in words and as JSON, of a site whose daemon reports."""

import re
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from appliance.alarms.book import Book, write_book
from appliance.commands.status import age_s, known_counts, lines, shape
from appliance.config import BoardSection, Config, SiteSection
from appliance.health.look import Look, counted
from appliance.health.watched import STALE_S, Watched, write_watched
from sync.clock import wall_ms
from sync.ids import Origin, Site
from sync.leaseguard import LeaseState
from sync.site import SitePaths, create_site
from sync.status import Status
from tests.appliance.health.machines import AT
from tests.appliance.health.machines import status as status_of

ROOT = Path(__file__).resolve().parents[2]


def told(**more: Any) -> Status:
    return status_of(**{"sent": 10, "waiting": 2, "verified_at_ms": AT} | more)


@dataclass(frozen=True)
class Case:
    status: Status
    says: tuple[str, ...]
    never: tuple[str, ...]


def seen(status: Status | None, folder: Path) -> Look:
    """Return a look at a site of school C1 whose daemon says so."""
    folder.mkdir(exist_ok=True)
    config = Config(SiteSection("C1", "学校"), BoardSection("00" * 32))
    return Look(SitePaths(folder), config, None, status)


CASES = {
    "no board yet": Case(
        told(), ("確認済    —（教育委員会なし）",), ("交代済", "時計のずれ", "競合", "隔離", "に教育委員会が確認")
    ),
    "confirmed": Case(
        told(confirmed=9, confirmed_at_ms=AT),
        ("確認済    9（2026-11-18 20:06:40 に教育委員会が確認）",),
        ("教育委員会なし",),
    ),
    "replaced": Case(told(superseded=True), ("交代済    この端末は読み取り専用です",), ()),
    "a clock three minutes ahead": Case(told(clock_skew_ms=-185_000), ("時計のずれ 3分",), ()),
    "a clock almost right": Case(told(clock_skew_ms=59_999), (), ("時計のずれ",)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_words_say_what_is_known_and_nothing_more(case: Case) -> None:
    text = "\n".join(lines("C1", "学校", case.status, (0, 0)))
    assert all(word in text for word in case.says) and not any(word in text for word in case.never)
    assert "送信済    10" in text and "未送信    2件" in text


@pytest.mark.parametrize("status", [None, told()], ids=["daemon away", "daemon there"])
def test_conflicts_are_told_with_and_without_the_daemon(status: Status | None) -> None:
    text = "\n".join(lines("C1", "学校", status, (3, 1)))
    assert "競合      3件" in text and "隔離      1件" in text


def test_the_json_has_the_three_lights_with_their_ages(tmp_path: Path) -> None:
    now = wall_ms()
    status = told(
        sent_at_ms=now - 90_500,
        confirmed=9,
        confirmed_at_ms=now - 3_600_500,
        clock_skew_ms=61_000,
        superseded=True,
        warnings=("SYNC-021",),
        verified_at_ms=now - 7_200_500,
        waiting_since_ms=now - 60_500,
        unconfirmed_since_ms=now - 120_500,
    )
    found = shape(seen(status, tmp_path), (3, 1))
    assert {key: found[key] for key in ("saved", "sent", "waiting", "confirmed", "conflicts", "quarantined")} == {
        "saved": 12,
        "sent": 10,
        "waiting": 2,
        "confirmed": 9,
        "conflicts": 3,
        "quarantined": 1,
    }
    assert found["superseded"] is True and found["clock_skew_ms"] == 61_000
    sent, confirmed = found["sent_age_s"], found["confirmed_age_s"]
    assert isinstance(sent, int) and 90 <= sent < 190 and isinstance(confirmed, int) and 3600 <= confirmed < 3700
    ages = [found[f"{name}_age_s"] for name in ("verified", "waiting", "unconfirmed")]
    assert [isinstance(age, int) and age // 10 * 10 for age in ages] == [7200, 60, 120]
    assert set(found) == set(shape(seen(None, tmp_path)))


def test_the_json_says_which_box_it_is_and_how_much_room_it_has(tmp_path: Path) -> None:
    found = shape(seen(None, tmp_path))
    assert (found["school"], found["name"], found["site"], found["epoch"]) == ("C1", "学校", "box", 1)
    assert found["version"] == version("kurabako") and found["alarms"] == [] and found["disk_writable"] is True
    free, size = found["disk_free_bytes"], found["disk_size_bytes"]
    assert isinstance(free, int) and isinstance(size, int) and 0 < free <= size


def test_in_english_every_line_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KURABAKO_LANG", "en")
    full = told(confirmed=9, confirmed_at_ms=AT, superseded=True, clock_skew_ms=-185_000, lease="live")
    for status in (full, told(), None):
        said = lines("C1", "", status, (2, 3))
        assert not re.search("[ぁ-んァ-ヶ一-龠]", "".join(said)), said
    assert "confirmed   9 (by the board, 2026-11-18 20:06:40)" in lines("C1", "", full)


def test_what_is_raised_is_in_the_json(tmp_path: Path) -> None:
    look = seen(told(), tmp_path)
    look.paths.run.mkdir()
    write_book(look.paths, Book().changed("disk", True, AT, ()))
    assert shape(look)["alarms"] == ["disk"]


def test_the_watcher_counts_for_those_who_may_not_read_the_store(tmp_path: Path) -> None:
    look = seen(told(), tmp_path)
    assert known_counts(look) == (None, None)
    look.paths.run.mkdir()
    write_watched(look.paths, Watched((), time.monotonic(), 4, 2))
    assert known_counts(look) == (4, 2)
    write_watched(look.paths, Watched((), time.monotonic() - STALE_S - 1, 4, 2))
    assert known_counts(look) == (None, None), "a watcher that died is no answer"
    write_watched(look.paths, Watched((), time.monotonic(), 4, 2, boot_id="another life of the machine"))
    assert known_counts(look) == (None, None), "nor is one of before a power cut"


@pytest.mark.parametrize("page", ["docs/support.md", "docs/ja/support.md"])
def test_the_shape_is_documented(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text("utf-8")
    table = text.partition("<!-- status -->")[2].partition("<!-- end -->")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == [*shape(seen(None, tmp_path))]


def test_a_time_ahead_of_this_clock_has_no_negative_age() -> None:
    assert age_s(wall_ms() + 60_000) == 0 and age_s(None) is None


def test_a_store_that_cannot_be_read_is_not_claimed_to_be_free_of_conflicts(tmp_path: Path) -> None:
    assert counted(SitePaths(tmp_path / "none")) == (None, None)
    (tmp_path / "junk").mkdir()
    paths = SitePaths(tmp_path / "junk")
    paths.store.write_bytes(b"not a database " * 100)
    assert counted(paths) == (None, None)
    assert counted(create_site(tmp_path / "site", Origin("C1", Site.BOX, 1))) == (0, 0)


DAY_MS = 86_400_000
LEASES = {
    "none": ("unleased", None, "なし（教育委員会がまだ出していません）"),
    "live": ("live", 13 * DAY_MS + DAY_MS // 2, "有効（あと 13日）"),
    "last day": ("live", 5 * 3_600_000 + 60_000, "有効（あと 5時間）"),
    "last hour": ("live", 60_000, "有効（あと 1時間未満）"),
    "over by this clock": ("live", -DAY_MS, "有効（あと 1時間未満）"),
    "lapsed": ("lapsed", -DAY_MS, "期限切れ（重要性分類Ⅰ・Ⅱは開きません）"),
    "revoked": ("revoked", DAY_MS, "取り消し済み（重要性分類Ⅰ・Ⅱは開きません）"),
    "a word of a later version": ("suspended", None, "？ 不明"),
}


@pytest.mark.parametrize(("state", "left_ms", "says"), LEASES.values(), ids=LEASES.keys())
def test_the_lease_is_told_in_words_and_as_json(
    state: str, left_ms: int | None, says: str, tmp_path: Path
) -> None:
    until = None if left_ms is None else wall_ms() + left_ms
    status = told(lease=state, lease_until_ms=until)
    assert f"使用許可（リース） {says}" in lines("C1", "学校", status)
    found = shape(seen(status, tmp_path))
    assert (found["lease"], found["lease_until_ms"]) == (state, until)


def test_every_state_of_a_lease_has_words() -> None:
    assert {state for state, _, says in LEASES.values() if says != "？ 不明"} == {
        str(state) for state in LeaseState
    }


def test_without_the_daemon_nothing_is_claimed_of_the_lease(tmp_path: Path) -> None:
    assert not [line for line in lines("C1", "学校", None) if "リース" in line]
    found = shape(seen(None, tmp_path))
    assert found["lease"] is None and found["lease_until_ms"] is None
