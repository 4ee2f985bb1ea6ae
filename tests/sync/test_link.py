from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sync.link import Link
from sync.status import LinkState

SLOW = 10.0
QUICK = 0.01
# None is a probe without an answer, a number how long the answer took.
PROBES = st.lists(st.one_of(st.none(), st.sampled_from([QUICK, SLOW])), max_size=40)


def run(probes: Sequence[float | None]) -> list[Link]:
    """Return the link before and after every probe; probe n happens at n seconds."""
    links = [Link()]
    for number, probe in enumerate(probes, 1):
        link = links[-1]
        now_ms = number * 1000
        links.append(link.failed(now_ms) if probe is None else link.answered(probe, now_ms))
    return links


def test_a_new_link_claims_nothing() -> None:
    assert Link().state is LinkState.UNKNOWN


def test_one_answer_is_not_online_and_two_are() -> None:
    assert [link.state for link in run([QUICK, QUICK])][1:] == [LinkState.DEGRADED, LinkState.ONLINE]


def test_three_failures_are_offline_and_one_or_two_are_not() -> None:
    states = [link.state for link in run([QUICK, QUICK, None, None, None])]
    assert states[-3:] == [LinkState.DEGRADED, LinkState.DEGRADED, LinkState.OFFLINE]


def test_an_offline_line_comes_back_through_degraded() -> None:
    states = [link.state for link in run([None] * 3 + [QUICK] * 2)]
    assert states[-3:] == [LinkState.OFFLINE, LinkState.DEGRADED, LinkState.ONLINE]


def test_a_slow_answer_is_degraded_however_many_came_before() -> None:
    assert run([QUICK] * 5 + [SLOW])[-1].state is LinkState.DEGRADED


@given(PROBES)
def test_never_online_before_two_answers_in_a_row(probes: list[float | None]) -> None:
    for number, link in enumerate(run(probes)):
        if link.state is LinkState.ONLINE:
            assert number >= 2
            assert None not in probes[number - 2 : number]


@given(PROBES)
def test_never_offline_before_three_failures_since_the_last_answer(probes: list[float | None]) -> None:
    for number, link in enumerate(run(probes)):
        if link.state is LinkState.OFFLINE:
            assert number >= 3
            assert probes[number - 3 : number] == [None] * 3


@given(PROBES)
def test_no_single_probe_leads_from_online_to_offline_or_back(probes: list[float | None]) -> None:
    ends = {LinkState.ONLINE, LinkState.OFFLINE}
    for before, after in pairwise(run(probes)):
        assert {before.state, after.state} != ends


@given(PROBES)
def test_since_moves_only_when_the_state_does(probes: list[float | None]) -> None:
    links = run(probes)
    for number, (before, after) in enumerate(pairwise(links), 1):
        assert after.since_ms == (before.since_ms if after.state is before.state else number * 1000)


@given(PROBES)
def test_lasting_probes_always_get_their_way(probes: list[float | None]) -> None:
    assert run([*probes, QUICK, QUICK])[-1].state is LinkState.ONLINE
    assert run([*probes, None, None, None])[-1].state is LinkState.OFFLINE
