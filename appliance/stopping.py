"""Being asked to end: SIGTERM, Ctrl-C and SIGHUP, told to a loop by an event.

Invariant: a handler takes no lock. Several signals may come at once (the kernel sends one for each thread of a
parent that was killed), so a handler interrupts another one, or the loop, anywhere; `Event.set` would then wait
for a lock that its own thread holds, for good, and the process would outlive its parent.
"""

import queue
import signal
import threading

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def stop_event() -> threading.Event:
    """Return an event that is set once this process was asked to end. Call it from the main thread."""
    stop, asked = (
        threading.Event(),
        queue.SimpleQueue[None](),
    )  # its `put` may interrupt itself, says its documentation

    def wait() -> None:
        asked.get()
        stop.set()

    threading.Thread(target=wait, name="stopping", daemon=True).start()
    for number in SIGNALS:
        signal.signal(number, lambda *_: asked.put(None))
    return stop
