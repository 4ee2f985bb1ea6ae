"""Every door in the code that reveals or releases data is known, and each asks the policy first.

What opens sealed data is found in the source itself; a new place fails here until somebody has decided which
question it asks and has shown it (tests/appliance/test_policy.py calls every public method of every desk).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import appliance

ROOT = Path(appliance.__file__).parents[1]  # of the wheel, where the tests run against one
OPENERS = {"heads", "head", "history", "open_row", "open_stream", "open_restored", "open_as_board"}
# Module: who asks before it opens anything. A module that asks itself calls `ask`, `require` or `may` in its text.
DOORS = {
    "appliance/attendance/book.py": "appliance/attendance/desk.py",
    "appliance/attendance/closing.py": "appliance/attendance/desk.py",
    "appliance/attendance/desk.py": "itself",
    "appliance/auditdesk.py": "itself",
    "appliance/board/attendance.py": "itself",
    "appliance/board/enrolment.py": "nobody: it makes keys, and opens no record",
    "appliance/board/hubs.py": "appliance/session.py",
    "appliance/classification/signed.py": "nobody: the rules themselves, which everybody may read",
    "appliance/commands/board.py": "appliance/board/attendance.py",
    "appliance/devices/desk.py": "itself",
    "appliance/documents/book.py": "appliance/documents/door.py",
    "appliance/documents/desk.py": "appliance/documents/door.py",
    "appliance/emergency/desk.py": "itself",
    "appliance/emergency/disclosure.py": "nobody: that a disclosure stands is for everybody to see",
    "appliance/conflictdesk.py": "itself",
    "appliance/conflictreader.py": "itself",
    "appliance/conflicts.py": "appliance/conflictreader.py",
    "appliance/demo/compare.py": "nobody: the demo counts the entries of its own invented pupils",
    "appliance/demo/outage.py": "nobody: the demo counts the entries of its own invented pupils",
    "appliance/demo/second_act.py": "nobody: the demo counts the entries of its own invented pupils",
    "appliance/hours/book.py": "appliance/hours/desk.py",
    "appliance/ledger/desk.py": "itself",
    "appliance/ledger/published.py": "appliance/ledger/desk.py",
    "appliance/meetings/book.py": "appliance/meetings/guard.py",
    "appliance/permits/desk.py": "itself",
    "appliance/rosterindex.py": "appliance/session.py",
    "appliance/schoolcalendar.py": "itself",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("appliance", "tui"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text("utf-8"))


def opens(tree: ast.Module) -> set[str]:
    """Return the names of what a module calls to open sealed data."""
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            if name in OPENERS and not owner.endswith("reader") and owner not in ("self", "office"):
                called.add(f"{owner}.{name}")
    return {call for call in called if "office." not in call}


def test_every_module_that_opens_sealed_data_is_known() -> None:
    found = {name for name, tree in sources() if opens(tree)}
    assert found - set(DOORS) == set(), "decide who asks the policy before this opens anything, and write it down"
    assert {name for name in DOORS if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize(("module", "asker"), DOORS.items())
def test_whoever_answers_for_a_door_asks(module: str, asker: str) -> None:
    if asker.startswith("nobody"):
        return
    text = (ROOT / (module if asker == "itself" else asker)).read_text("utf-8")
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
    }
    assert calls & {"ask", "require"}


def test_a_new_door_would_be_found() -> None:
    tree = ast.parse("def leak(store):\n    return [plain.payload for plain in store.heads('roster.user')]\n")
    assert opens(tree) == {"store.heads"}


def test_no_screen_opens_anything_itself() -> None:
    assert {name for name, tree in sources() if name.startswith("tui/") and opens(tree)} == set()
