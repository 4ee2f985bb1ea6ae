"""What `kurabako status` says, in words and as JSON, of a site whose daemon reports."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.commands.status import age_s, counted, lines, shape
from sync.clock import wall_ms
from sync.ids import Origin, Site
from sync.leaseguard import LeaseState
from sync.site import SitePaths, create_site
from sync.status import LinkState, Status

AT = 1_795_000_000_000


def told(**more: Any) -> Status:
    given: dict[str, Any] = {
        "link": LinkState.ONLINE,
        "link_since_ms": AT,
        "saved": 12,
        "sent": 10,
        "waiting": 2,
        "sent_at_ms": AT,
        "verified_at_ms": AT,
        "verified_seq": 10,
        "replica_resets": 0,
        "litestream_restarts": 0,
        "warnings": (),
        "at_ms": AT,
        "boot_s": time.monotonic(),
    }
    return Status(**given | more)


@dataclass(frozen=True)
class Case:
    status: Status
    says: tuple[str, ...]
    never: tuple[str, ...]


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


def test_the_json_has_the_three_lights_with_their_ages() -> None:
    now = wall_ms()
    status = told(
        sent_at_ms=now - 90_500,
        confirmed=9,
        confirmed_at_ms=now - 3_600_500,
        clock_skew_ms=61_000,
        superseded=True,
        warnings=("SYNC-021",),
    )
    found = shape("C1", status, (3, 1))
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
    assert set(found) == set(shape("C1", None))


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
    "live": ("live", 13 * DAY_MS + DAY_MS // 2, "生きている（あと 13日）"),
    "last day": ("live", 5 * 3_600_000 + 60_000, "生きている（あと 5時間）"),
    "last hour": ("live", 60_000, "生きている（あと 1時間未満）"),
    "over by this clock": ("live", -DAY_MS, "生きている（あと 1時間未満）"),
    "lapsed": ("lapsed", -DAY_MS, "切れている（重要性分類Ⅰ・Ⅱは開きません）"),
    "revoked": ("revoked", DAY_MS, "取り消された（重要性分類Ⅰ・Ⅱは開きません）"),
    "a word of a later version": ("suspended", None, "不明"),
}


@pytest.mark.parametrize(("state", "left_ms", "says"), LEASES.values(), ids=LEASES.keys())
def test_the_lease_is_told_in_words_and_as_json(state: str, left_ms: int | None, says: str) -> None:
    until = None if left_ms is None else wall_ms() + left_ms
    status = told(lease=state, lease_until_ms=until)
    assert f"使用許可（リース） {says}" in lines("C1", "学校", status)
    found = shape("C1", status)
    assert (found["lease"], found["lease_until_ms"]) == (state, until)


def test_every_state_of_a_lease_has_words() -> None:
    assert {state for state, _, says in LEASES.values() if says != "不明"} == {str(state) for state in LeaseState}


def test_without_the_daemon_nothing_is_claimed_of_the_lease() -> None:
    assert not [line for line in lines("C1", "学校", None) if "リース" in line]
    found = shape("C1", None)
    assert found["lease"] is None and found["lease_until_ms"] is None
