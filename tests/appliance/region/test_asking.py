"""Asking about schools without visiting them: what is asked, how often, and what a line that is cut does to it."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replaced

from appliance.board.folder import ReplicaPlace
from appliance.region import asking
from appliance.region.asking import Answer, Asker
from appliance.region.stores import kept_store
from appliance.region.wards import IDLE_S, Ward, ward_of
from sync.hubvisit import Visited, nothing_new
from sync.linecut import LineCut
from sync.objectstore import StoreConfig
from sync.status import LinkState, read_status
from sync.stores import Store
from tests.appliance.region.city import City, all_confirmed, boxes_of, make_city, running
from tests.soak.store import conditional_store
from tests.sync.cloud import wait_until

CODE = "B113210000012"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreConfig]:
    with conditional_store(tmp_path_factory.mktemp("store")) as found:
        yield found


@pytest.fixture(scope="module")
def behind(store: StoreConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[City, LineCut]]:
    """Three schools whose store is behind a line."""
    line = LineCut("127.0.0.1", int(store.endpoint.rpartition(":")[2]))
    with contextlib.closing(line):
        folder = tmp_path_factory.mktemp("city")
        yield make_city(folder, replace(store, endpoint=line.endpoint), 3), line


def place_at(store: StoreConfig, school: str = CODE) -> ReplicaPlace:
    secret = store.secret_key.reveal().decode()
    return ReplicaPlace(school, "試験校", store.endpoint, store.bucket, store.region, store.access_key, secret)


def answers(asker: Asker, count: int) -> dict[str, Answer]:
    found: dict[str, Answer] = {}

    def all_there() -> bool:
        found.update(asker.answers())
        return len(found) == count

    wait_until(all_there, "everything was answered")
    return found


def test_news_is_an_object_where_none_stood_and_one_schools_trouble_is_its_own(store: StoreConfig) -> None:
    place = place_at(store)
    kept_store(place).put(f"{CODE}/box/1/segments/2", b"whatever it holds: the visit looks")
    nowhere = replaced(place, endpoint="http://127.0.0.1:9")
    with contextlib.closing(Asker()) as asker:
        asker.ask("news", place, (f"{CODE}/box/1/segments/1", f"{CODE}/box/1/segments/2"))
        asker.ask("none", place, (f"{CODE}/box/1/segments/3",))
        asker.ask("away", nowhere, (f"{CODE}/box/1/segments/2",))
        found = answers(asker, 3)
    assert found == {"news": Answer(news=True), "none": Answer(), "away": Answer(code="SYNC-040")}
    assert asker.answers() == []


def test_a_store_that_is_away_holds_up_no_other_and_is_asked_one_question_at_a_time(
    store: StoreConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counting(client: Store, names: tuple[str, ...]) -> bool:
        asked.append(names[0])
        return nothing_new(client, names)

    monkeypatch.setattr(asking, "nothing_new", counting)
    line = LineCut("127.0.0.1", int(store.endpoint.rpartition(":")[2]))
    line.hang()
    away, place = place_at(replace(store, endpoint=line.endpoint)), place_at(store)
    with contextlib.closing(line), contextlib.closing(Asker()) as asker:
        for number in range(60):
            asker.ask(f"away-{number}", away, ("away",))
        asker.ask("here", place, ("here",))
        first = answers(asker, 1)
        assert first == {"here": Answer()}, "whose store answers need not wait for who has another one"
        found = answers(asker, 60)
        assert set(found.values()) == {Answer(code="SYNC-040")} and asked.count("away") < 60
        before = len(asked)
        for number in range(60):
            asker.ask(f"away-{number}", away, ("away",))
        assert len(answers(asker, 60)) == 60 and len(asked) == before + 1
        line.cut()
        line.mend()
        for number in range(60):
            asker.ask(f"away-{number}", away, ("away",))
        assert set(answers(asker, 60).values()) == {Answer()}, "and as ever once it answers"


def test_schools_share_a_client_only_with_the_same_bucket_and_key_pair(store: StoreConfig) -> None:
    place = place_at(store)
    assert kept_store(place) is kept_store(replaced(place, school="another", name="別の学校", epoch=2))
    for other in (
        replaced(place, access_key="another"),
        replaced(place, secret_key="another"),
        replaced(place, bucket="another"),
        replaced(place, endpoint="http://127.0.0.1:9"),
    ):
        assert kept_store(other) is not kept_store(place)


def test_who_works_is_asked_about_soon_and_who_does_not_twice_a_minute(behind: tuple[City, LineCut]) -> None:
    ward = ward_of(behind[0].board, behind[0].board.schools[0])
    assert ward.asks() == (), "the first visit looks at everything"
    ward.told, ward.whole_at = Visited(("a", "b"), 1, 1, 1, 1, 0), time.monotonic()
    assert ward.asks() == ("a", "b")
    pauses = []
    for age in (0.0, 6.0, 30.0, 600.0, 3_500.0, 3_700.0, 80_000.0):
        ward.news_at = time.monotonic() - age
        pauses.append(ward.pause_s())
    assert pauses == sorted(pauses) and pauses[0] < 1 and 1 <= pauses[1] < 1.2
    assert pauses[-1] == IDLE_S and max(pauses[:5]) <= 10
    ward.code = "SYNC-040"
    assert ward.asks() == ("a", "b"), "a line that is away costs a question, not a visit"
    ward.whole_at = time.monotonic() - 3_601
    assert ward.asks() == ("a", "b"), "once an hour, too"
    ward.told = None
    assert ward.asks() == (f"{ward.school}/hub/1/changes/00000001",), "before its first visit, too"
    ward.told, ward.whole_at = Visited(("a", "b"), 1, 1, 1, 1, 0), time.monotonic()
    ward.code = "SYNC-052"
    assert ward.asks() == (), "what went wrong in a visit is tried again by a visit"
    ward.code, ward.whole_at = "", time.monotonic() - 3_601
    assert ward.asks() == (), "leases are looked at once an hour"


def test_nobody_is_visited_without_news_and_a_cut_line_is_told_and_got_over(
    behind: tuple[City, LineCut], tmp_path: Path
) -> None:
    city, line = behind

    def links(wards: list[Ward]) -> set[LinkState | None]:
        told = [read_status(ward.hub.paths) for ward in wards]
        return {status.link if status else None for status in told}

    with boxes_of(city) as boxes, running(city, workers=1) as (region, _):
        wait_until(lambda: len(region.wards) == 3 and all_confirmed(boxes), "all are with the region")
        wards = list(region.wards.values())
        wait_until(lambda: all(ward.asked > 3 for ward in wards), "all are asked about")
        visits, asked = sum(ward.visits for ward in wards), sum(ward.asked for ward in wards)
        wait_until(lambda: sum(ward.asked for ward in wards) > asked + 6, "and again")
        assert sum(ward.visits for ward in wards) == visits
        line.cut()
        wait_until(lambda: links(wards) == {LinkState.OFFLINE}, "every school's status says so")
        assert sum(ward.visits for ward in wards) == visits
        for box in boxes.values():
            box.enter()
        line.mend()
        wait_until(lambda: all_confirmed(boxes), "what was entered meanwhile is 確認済")
        wait_until(lambda: links(wards) == {LinkState.ONLINE}, "and the line is back")
