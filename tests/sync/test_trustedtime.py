"""Trusted time: nothing that is done to the machine's clock gives time back."""

from dataclasses import dataclass, field

import pytest

from sync.trustedtime import CLOCK, KEEP_EVERY_MS, PLAUSIBLE_MS, Boot, Clocks, TrustedTime, boot_now

NOW = 1_790_000_000_000
DAY = 24 * 3600 * 1000
YEARS = 3652 * DAY


@dataclass
class Machine:
    """A machine whose clocks a test sets, with its `local.db`."""

    wall: int = NOW
    up_ms: int = 1_000
    life: str = "first"
    values: dict[tuple[str, str], bytes] = field(default_factory=dict)
    writes: int = 0

    def local_get(self, space: str, key: str) -> bytes | None:
        return self.values.get((space, key))

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        assert value is not None
        self.values[space, key] = value
        self.writes += 1

    def time(self) -> TrustedTime:
        return TrustedTime(self, Clocks(lambda: self.wall, lambda: Boot(self.up_ms, self.life)))

    def run(self, ms: int, *, wall: bool = True) -> None:
        self.up_ms += ms
        self.wall += ms if wall else 0

    def reboot(self, off_ms: int, *, wall: bool = True) -> None:
        self.life, self.up_ms = self.life + "'", 0
        self.wall += off_ms if wall else 0


def kept(machine: Machine) -> TrustedTime:
    time = machine.time()
    time.keep()
    return time


def test_on_a_sound_machine_it_is_the_clock() -> None:
    machine = Machine()
    time = kept(machine)
    for _ in range(5):
        machine.run(3_600_000)
        assert time.now() == machine.wall == machine.time().now()


def test_a_clock_set_back_stops_nothing_while_the_machine_runs() -> None:
    machine = Machine()
    time = kept(machine)
    machine.wall -= YEARS
    assert time.now() == NOW
    machine.run(5 * DAY)
    assert time.now() == machine.time().now() == NOW + 5 * DAY


def test_a_clock_set_back_while_it_was_off_gives_nothing_back() -> None:
    machine = Machine()
    time = kept(machine)
    machine.run(DAY)
    time.keep()
    machine.reboot(0)
    machine.wall -= YEARS
    assert machine.time().now() == NOW + DAY
    machine.run(3 * DAY)
    assert machine.time().now() == NOW + 4 * DAY


def test_starting_again_and_again_gains_only_what_was_not_written_down() -> None:
    machine = Machine()
    kept(machine)
    for _ in range(100):
        machine.reboot(0, wall=False)
        machine.wall = NOW - YEARS
        machine.run(50_000)
        kept(machine)
    assert machine.time().now() == NOW + 100 * 50_000


def test_the_boot_clock_may_lie_backwards_too() -> None:
    machine = Machine(up_ms=DAY)
    time = kept(machine)
    machine.up_ms = 0
    assert time.now() == NOW


def test_a_clock_far_ahead_counts_until_a_lease_says_otherwise() -> None:
    machine = Machine()
    time = kept(machine)
    machine.wall += YEARS
    time.keep()
    assert time.now() == NOW + YEARS
    machine.wall = NOW
    assert machine.time().now() == NOW + YEARS, "what was written down stays"
    machine.run(DAY)
    time.correct(NOW + DAY, NOW + 15 * DAY)
    assert time.now() == NOW + DAY
    machine.run(DAY)
    assert machine.time().now() == NOW + 2 * DAY


def test_a_clock_that_stays_wrong_is_not_believed_after_the_correction() -> None:
    machine = Machine()
    time = kept(machine)
    machine.wall += YEARS
    time.keep()
    time.correct(NOW, NOW + 14 * DAY)
    assert time.now() == machine.time().now() == NOW
    machine.run(5 * DAY)
    assert time.now() == NOW + 5 * DAY
    time.keep()
    machine.reboot(DAY)
    machine.run(DAY)
    assert machine.time().now() >= NOW + 6 * DAY
    machine.wall = NOW + 7 * DAY  # a time service put it right
    again = kept(machine)
    assert again.now() == NOW + 7 * DAY
    machine.wall += 20 * DAY
    assert again.now() == NOW + 27 * DAY, "it was near once, so it counts again"


def test_a_lease_that_still_lives_never_turns_time_back() -> None:
    machine = Machine()
    time = kept(machine)
    machine.run(10 * DAY)
    time.correct(NOW, NOW + 14 * DAY)
    assert time.now() == NOW + 10 * DAY
    machine.wall -= YEARS
    assert machine.time().now() == NOW + 10 * DAY


def test_a_lease_issued_later_than_this_clock_puts_it_forward() -> None:
    machine = Machine()
    time = kept(machine)
    time.correct(NOW + 3 * DAY, NOW + 17 * DAY)
    assert machine.time().now() == NOW + 3 * DAY


def test_it_is_written_down_every_half_minute_and_not_more_often() -> None:
    machine = Machine()
    time = kept(machine)
    for _ in range(KEEP_EVERY_MS // 1000 - 1):
        machine.run(1000)
        time.keep()
    assert machine.writes == 1
    machine.run(1000)
    time.keep()
    assert machine.writes == 2
    time.keep(at_once=True)
    assert machine.writes == 3


@pytest.mark.parametrize("nonsense", [b"", b"\xff", b"\x93\x01\x02\x03"])
def test_nonsense_counts_as_nothing(nonsense: bytes) -> None:
    machine = Machine(values={CLOCK: nonsense})
    assert machine.time().now() == NOW


def test_the_real_boot_clock_goes_forward() -> None:
    first, second = boot_now(), boot_now()
    assert first.id == second.id and first.up_ms <= second.up_ms
    assert PLAUSIBLE_MS == DAY
