"""Every door in the code that reveals or releases data is known, and each asks the policy first.

What opens sealed data is found in the source itself; a new place fails here until somebody has decided which
question it asks and has shown it (tests/appliance/test_policy.py calls every public method of every desk).
"""

import ast
import re
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
    "appliance/attendance/standing.py": "appliance/attendance/desk.py",
    "appliance/auditdesk.py": "itself",
    "appliance/board/attendance.py": "itself",
    "appliance/board/enrolment.py": "nobody: it makes keys, and opens no record",
    "appliance/board/granting.py": "nobody: it makes keys, and opens no record",
    "appliance/board/hubs.py": "appliance/session.py",
    "appliance/classification/signed.py": "nobody: the rules themselves, which everybody may read",
    "appliance/commands/board.py": "appliance/board/attendance.py",
    "appliance/commands/showing.py": "appliance/board/attendance.py",
    "appliance/devices/desk.py": "itself",
    "appliance/documents/book.py": "appliance/documents/door.py",
    "appliance/documents/desk.py": "appliance/documents/door.py",
    "appliance/emergency/desk.py": "itself",
    "appliance/emergency/disclosure.py": "nobody: that a disclosure stands is for everybody to see",
    "appliance/conflictdesk.py": "itself",
    "appliance/conflictreader.py": "itself",
    "appliance/contacts.py": "itself",
    "appliance/conflicts.py": "appliance/conflictreader.py",
    "appliance/demo/compare.py": "nobody: the demo counts the entries of its own invented pupils",
    "appliance/demo/outage.py": "nobody: the demo counts the entries of its own invented pupils",
    "appliance/demo/second_act.py": "nobody: the demo counts the entries of its own invented pupils",
    "appliance/exchange/book.py": "appliance/exchange/desk.py",
    "appliance/hours/book.py": "appliance/hours/desk.py",
    "appliance/ledger/desk.py": "itself",
    "appliance/ledger/published.py": "appliance/ledger/desk.py",
    "appliance/meetings/book.py": "appliance/meetings/guard.py",
    "appliance/noticeboard/book.py": "appliance/noticeboard/desk.py",
    "appliance/permits/desk.py": "itself",
    "appliance/rosterindex.py": "appliance/session.py",
    "appliance/schoolcalendar.py": "itself",
    "appliance/surveys/book.py": "appliance/surveys/desk.py",
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


# What makes a file out of records, or hands it on: only behind the gate, which asks, keeps the record and labels.
MAKERS = {
    *("csv_file", "cells_file", "xlsx_file", "sheet_pdf", "document_pdf", "ics_file", "minutes_text"),
    *("chart_html", "chart_pdf", "result_sheet"),
    *("minutes_sheet", "for_recipients", "for_passphrase"),
}
GATE = {"appliance/permits/gate.py", "appliance/permits/releases.py", "appliance/exchange/outgoing.py"}
# Whoever writes a file or the terminal's clipboard, and what stands in it. No record is opened into any other.
WRITERS = {
    "appliance/alarms/book.py": "codes and times of alarms",
    "appliance/board/depositing.py": "where the board's deposit is, and its number",
    "appliance/board/orphans.py": "sealed documents on their way from a medium to the store, for a moment",
    "appliance/board/officerkey.py": "an officer's own key, sealed under a passphrase",
    "appliance/board/recovery.py": "the board's own keys, sealed, and its settings",
    "appliance/board/folder.py": "the board's own keys, sealed, and its settings",
    "appliance/board/standby.py": "a standby's certificate, its key, and the sign-on's secret",
    "appliance/standby/proxy.py": "the proxy's settings with the sign-on's secret, owner-only",
    "appliance/standby/serving.py": "the folder of the proxy's socket and settings",
    "appliance/standby/visitors.py": "who signed on when from which device",
    "appliance/board/replacement.py": "a site's signing key",
    "appliance/board/regional.py": "marks of hubs that are with the region",
    "appliance/board/restored.py": "positions of schools",
    "appliance/commands/demo.py": "the report of a played outage",
    "appliance/board/granting.py": "a grant: the store's key pair, sealed to one box",
    "appliance/board/officers.py": "wraps of the board's root key",
    "appliance/board/restorereport.py": "counts and times of a restore",
    "appliance/board/stafffile.py": "first passphrases, to be handed out",
    "appliance/commands/granting.py": "a grant: the store's key pair, sealed to one box",
    "appliance/commands/provision.py": "the hand-over sheet: names of a box, no pupil's",
    "appliance/enrolment/boxside.py": "a box's request and its public keys",
    "appliance/enrolment/vault.py": "a box's own keys, encrypted by the machine",
    "appliance/provision/crosswheel.py": "a library built for another machine",
    "appliance/provision/granters.py": "a box's request and the grant for it",
    "appliance/commands/site.py": "the box's settings that provisioning sends",
    "appliance/commands/supportbundle.py": "figures and known words",
    "appliance/config.py": "settings",
    "appliance/fleet/remembered.py": "figures of boxes",
    "appliance/health/bundle.py": "figures and known words",
    "appliance/health/watched.py": "what doctor found",
    "appliance/credentials.py": "pepper, site key, key pair of the store",
    "appliance/demo/city.py": "the demo's own keys and logs",
    "appliance/demo/live.py": "whether the demo's line is cut",
    "appliance/devices/spool.py": "vendor, product and class of a refused device",
    "appliance/documents/filing.py": "a pipe to this process itself",
    "appliance/inbox/told.py": "counts and codes, no names",
    "appliance/noticeboard/snapshot.py": "notices of importance IV that somebody released",
    "appliance/commands/updaterepo.py": "the public root of updates",
    "appliance/permits/handing.py": "what the gate released",
    "appliance/provision/bundle.py": "programs out of a checked bundle",
    "appliance/provision/bundling.py": "programs into a bundle",
    "appliance/provision/install.py": "programs into a slot",
    "appliance/region/cluster.py": "the workers' scratch folder, which goes with them",
    "appliance/region/drilling.py": "a sealed store that was restored, removed when its drill ends",
    "appliance/region/reports.py": "counts of all schools, small ones hidden, and figures of machines",
    "appliance/surveys/box.py": "sealed answers without names, and marks of who answered",
    "appliance/updates/keys.py": "keys of those who sign updates, sealed",
    "appliance/updates/repository.py": "signed lists of programs",
    "appliance/updates/services.py": "unit files of a slot",
    "appliance/updates/stages.py": "how far an update is",
    "tui/releasing.py": "what the gate released",
    "tui/screens/problem.py": "the code of an error",
    "tui/screens/release.py": "the place of a released file",
}
_FILES = {
    *("atomic_write", "write_bytes", "write_text", "copyfile", "copy2", "copytree", "copy_to_clipboard"),
    *("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "TemporaryDirectory"),
}
_NOWHERE = ("os.devnull", "/ LOCK")


def called(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")), node


def writes(tree: ast.Module) -> bool:
    """Say whether a module writes a file, a temporary one too, or the terminal's clipboard."""
    for name, call in called(tree):
        words = [ast.unparse(part) for part in (*call.args, *(one.value for one in call.keywords))]
        text = f"{ast.unparse(call.func)} {' '.join(words)}"
        opened = name in ("open", "fdopen") and any(
            re.fullmatch(r"'[rbt]*[wax+][rbt+]*'", word) or "O_WRONLY" in word or "O_RDWR" in word
            for word in words
        )
        if (name in _FILES or opened) and not any(nowhere in text for nowhere in _NOWHERE):
            return True
    return False


def test_whatever_makes_a_file_of_records_stands_behind_the_gate() -> None:
    found = {name: {call for call, _ in called(tree)} & MAKERS for name, tree in sources()}
    makers = {name for name, calls in found.items() if calls and not name.startswith("appliance/release/")}
    assert makers == GATE, "what leaves goes through ReleaseGate"
    assert set().union(*(found[name] for name in GATE)) == MAKERS, "else a name here is no longer anything's"


def test_whatever_writes_a_file_is_known_with_what_it_writes() -> None:
    assert {name for name, tree in sources() if writes(tree)} == set(WRITERS)


@pytest.mark.parametrize(
    "line",
    [
        "path.write_text(card.allergies)",
        "open(path, 'w').write(reason)",
        "os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT), 'wb')",
        "tempfile.NamedTemporaryFile()",
        "path.open('ab')",
        "path.open(mode='r+b')",
        "self.app.copy_to_clipboard(reason)",
    ],
)
def test_a_new_writer_would_be_found(line: str) -> None:
    assert writes(ast.parse(line))


def test_reading_is_no_writing() -> None:
    assert not writes(
        ast.parse("path.open('rb'); open(path); os.open(path, os.O_RDONLY); path.read_text('utf-8')")
    )
