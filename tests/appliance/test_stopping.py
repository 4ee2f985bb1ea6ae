"""A process that is asked to end ends, however often it is asked at once and whatever it does then."""

import signal
import subprocess
import sys

import pytest

from appliance.stopping import SIGNALS

_HELD = """
import os, signal
from appliance.stopping import stop_event
stop = stop_event()
with stop._cond:  # as when the signal comes in the midst of another one's handler, or of a wait
    for number in {signals}:
        os.kill(os.getpid(), number)
assert stop.wait(30)
"""
_LOOP = """
from appliance.stopping import stop_event
stop = stop_event()
print("ready", flush=True)
while not stop.is_set():
    stop.wait(0.00001)
"""


def test_a_signal_in_the_midst_of_the_events_own_lock_is_heard() -> None:
    code = _HELD.format(signals=[int(number) for number in SIGNALS])
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_many_signals_at_once_are_heard(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", _LOOP], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        for _ in range(1000):
            if child.poll() is None:
                child.send_signal(number)
        assert child.wait(30) in (0, -number)  # the interpreter's own end gives the signals back
