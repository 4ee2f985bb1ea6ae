"""Documents get their share of the line and no more; failures are left alone for longer each time."""

import pytest

from sync.bandwidth import Pause, TokenBucket


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_the_share_of_what_was_measured_is_kept() -> None:
    clock = Clock()
    bucket, began, went = TokenBucket(10_000, clock, share=0.25), clock.at, 0
    for _ in range(200):
        clock.at += bucket.wait_s(10_000)
        assert bucket.wait_s(10_000) == pytest.approx(0, abs=1e-6)
        clock.at += 1.0  # the line carries 10,000 bytes/s
        bucket.went(10_000, 1.0)
        went += 10_000
    assert went / (clock.at - began) == pytest.approx(2_500, rel=0.05)


def test_a_limit_holds_before_and_after_anything_was_measured() -> None:
    clock = Clock()
    bucket = TokenBucket(1000, clock, share=1.0, most_bytes_per_s=100)
    assert bucket.wait_s(1000) == 0
    bucket.went(1000, 0.001)
    assert bucket.wait_s(1000) == pytest.approx(10, rel=1e-3)
    clock.at += 4
    assert bucket.wait_s(1000) == pytest.approx(6, rel=1e-3)


def test_rest_saves_up_one_burst_only() -> None:
    clock = Clock()
    bucket = TokenBucket(1000, clock, most_bytes_per_s=100, share=1.0)
    clock.at += 100_000
    bucket.went(1000, 0.001)
    assert bucket.wait_s(1000) == pytest.approx(10, rel=1e-3)


def test_one_very_slow_answer_stops_nothing_for_long() -> None:
    clock = Clock()
    bucket = TokenBucket(65_536, clock)
    bucket.went(65_536, 1e9)
    assert bucket.wait_s(65_536) <= 65_536 / 500 + 1


def test_a_request_larger_than_a_burst_goes_all_the_same() -> None:
    clock = Clock()
    assert TokenBucket(10, clock, most_bytes_per_s=1).wait_s(1000) == 0


@pytest.mark.parametrize("words", [{"share": 0.0}, {"share": 1.1}, {"most_bytes_per_s": 0.0}, {"burst": 0}])
def test_settings_that_mean_nothing_are_refused(words: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="share"):
        TokenBucket(int(words.get("burst", 10)), Clock(), words.get("share", 0.5), words.get("most_bytes_per_s"))


def test_pauses_double_up_to_five_minutes_and_begin_anew_after_a_success() -> None:
    clock, seen = Clock(), []
    pause = Pause(clock)
    assert pause.left_s == 0
    for _ in range(11):
        pause.failed()
        seen.append(pause.left_s)
        clock.at += pause.left_s
        assert pause.left_s == 0
    assert seen == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    pause.succeeded()
    pause.failed()
    assert pause.left_s == 1
