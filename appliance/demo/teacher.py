"""One office process of the played outage: logs in and enters a plan through the same door as the screens.

Invariant: a line on stdout is written only after the office returned `Saved`, that is after the keeper's
fsync; whoever reads these lines knows exactly what was acknowledged, even when this process is killed.

Reads one JSON object a line on stdin: {"do": "mark"|"present"|"confirm"|"decide", …}; writes one JSON object a
line: the same object with `first_seq` and `last_seq`.
"""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any, Final

from appliance.login import login
from appliance.office import Office
from appliance.views import Saved

CORRECTION: Final = "保護者からの連絡"  # a class that has confirmed its day wants to know why


def main() -> int:
    """Run as `python -m appliance.demo.teacher SITE LOGIN`; the passphrase is the first line of stdin."""
    site, name = Path(sys.argv[1]), sys.argv[2]
    passphrase = sys.stdin.readline().rstrip("\n")
    office = login(site, name, passphrase)
    print(json.dumps({"ready": name}), flush=True)
    try:
        for line in sys.stdin:
            step = json.loads(line)
            saved = act(office, step)
            print(json.dumps(step | {"first_seq": saved.first_seq, "last_seq": saved.last_seq}), flush=True)
    finally:
        office.logout()
    return 0


def act(office: Office, step: dict[str, Any]) -> Saved:
    """Carry out one step of the plan."""
    match step["do"]:
        case "mark":
            on = date.fromisoformat(step["on"])
            return office.attendance.mark(
                step["class"], on, step["pupil"], step["code"], reason=step.get("reason"), why=CORRECTION
            )
        case "present":
            return office.attendance.mark_rest_present(step["class"], date.fromisoformat(step["on"]))
        case "confirm":
            return office.attendance.confirm(step["class"], date.fromisoformat(step["on"]))
        case "decide":
            return office.minutes.decide(step["meeting"], step["item"], step["text"])
        case other:
            raise ValueError(f"unknown step {other!r}")


if __name__ == "__main__":
    sys.exit(main())
