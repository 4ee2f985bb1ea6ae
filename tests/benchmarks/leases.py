"""How long after a revocation the office of a box can open nothing of importance I and II any more."""

import time
from collections.abc import Callable
from pathlib import Path

from sync.leaseguard import LeaseState
from tests.faults.city import City, mark, office_at


def unreadable_s(folder: Path) -> float:
    """Return the seconds from the board's command until a person who sits at the box is refused."""
    folder.mkdir()
    city = City(folder)
    box = city.school.site
    try:
        city.serve(box)
        city.run_hubs()
        with office_at(box) as office:
            mark(office, 0)
        city.until_confirmed(box)
        city.until(box, lambda status: status.lease == LeaseState.LIVE, "a lease")
        with office_at(box, "kocho") as office:
            session = office._session
            began = time.monotonic()
            done = city.as_board("lease", "revoke", city.code)
            assert done.returncode == 0, done.stderr
            _wait(lambda: not session.lease().opens)
            return time.monotonic() - began
    finally:
        city.close()


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not holds():
        assert time.monotonic() < deadline, "the office still opens importance I"
        time.sleep(0.05)
