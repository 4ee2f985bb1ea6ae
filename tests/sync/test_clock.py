"""The clock only ever goes forward, and change ids sort by it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.clock import HybridClock, change_clock, clock_ms, wall_ms
from sync.ids import CHANGE_ID_BYTES, Origin, Site, change_id

YEAR_MS = 365 * 24 * 3600 * 1000
NOW_MS = 1_800_000_000_000
MOMENTS = st.integers(NOW_MS - 2 * YEAR_MS, NOW_MS + 2 * YEAR_MS)


class Wall:
    """A wall clock that stands where it is put."""

    def __init__(self, at_ms: int = NOW_MS) -> None:
        self.at_ms = at_ms

    def __call__(self) -> int:
        return self.at_ms


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), MOMENTS), min_size=1, max_size=60))
def test_values_grow_whatever_the_wall_clock_and_the_log_say(steps: list[tuple[bool, int]]) -> None:
    wall = Wall()
    clock = HybridClock(wall)
    greatest = -1
    for observed, at_ms in steps:
        if observed:
            clock.observe(at_ms << 16)
            greatest = max(greatest, at_ms << 16)
        else:
            wall.at_ms = at_ms
            value = clock.next()
            assert value > greatest
            greatest = value


def test_a_value_tells_the_wall_clock_while_that_goes_forward() -> None:
    wall = Wall()
    clock = HybridClock(wall)
    assert clock_ms(clock.next()) == NOW_MS
    wall.at_ms += 5
    assert clock_ms(clock.next()) == NOW_MS + 5


def test_more_values_than_one_millisecond_holds_run_into_the_next() -> None:
    clock = HybridClock(Wall())
    values = [clock.next() for _ in range((1 << 16) + 2)]
    assert values == sorted(set(values)) and clock_ms(values[-1]) == NOW_MS + 1


def test_a_floor_is_never_given_out_again() -> None:
    floor = (NOW_MS + YEAR_MS) << 16
    assert HybridClock(Wall(), floor).next() == floor + 1


def test_how_far_the_wall_clock_stands_behind() -> None:
    wall = Wall()
    clock = HybridClock(wall)
    clock.next()
    assert clock.behind_s() == 0
    wall.at_ms -= YEAR_MS
    assert clock.behind_s() == YEAR_MS // 1000
    wall.at_ms = NOW_MS + 60_000
    assert clock.behind_s() == 0


def test_the_default_is_this_machine() -> None:
    before = wall_ms()
    assert before <= clock_ms(HybridClock().next()) <= wall_ms()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**64 - 1), st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8)),
        min_size=2,
        max_size=20,
    )
)
def test_change_ids_sort_by_clock_then_origin_then_writer(parts: list[tuple[int, bytes, bytes]]) -> None:
    ids = [change_id(*part) for part in sorted(parts)]
    assert ids == sorted(ids)
    assert all(len(name) == CHANGE_ID_BYTES for name in ids)
    assert [change_clock(name) for name in ids] == [clock for clock, _, _ in sorted(parts)]


def test_every_life_of_a_site_has_its_own_tag_and_path() -> None:
    origins = [
        Origin(school, site, epoch)
        for school in ("C1", "C11", "C2")
        for site in Site
        for epoch in (1, 2, 11)
    ]  # fmt: skip
    assert len({origin.tag for origin in origins}) == len(origins) == len({origin.prefix for origin in origins})
    assert all(len(origin.tag) == 8 for origin in origins)
