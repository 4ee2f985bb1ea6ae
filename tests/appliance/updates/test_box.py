"""The updates of a box put together: a real site with its keeper, a real store, a medium, signed releases."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import cli, run
from appliance.commands import update as command
from appliance.exits import Exit
from appliance.provision.bundle import Bundle
from appliance.provision.slots import Slots
from appliance.site import open_site
from appliance.updates import children
from appliance.updates.box import Places, UpdateBox
from appliance.updates.boxtime import trusted_now
from appliance.updates.checking import Health, SelfTest
from appliance.updates.children import Answer, as_keeper, ask
from appliance.updates.errors import (
    PermitMissingError,
    SelfTestError,
    UpdateExpiredError,
    UpdateReturnedError,
)
from appliance.updates.publishing import send
from appliance.updates.pulse import problem_of
from appliance.updates.selftest import problems
from appliance.updates.stages import Stage
from appliance.updates.telling import tell
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.database import open_writer
from sync.embedded import EmbeddedStore
from sync.objectstore import ObjectStore
from sync.status import write_status
from sync.trustedtime import Clocks, TrustedTime
from tests.appliance.provision.bundles import BASE_PYTHON, MACHINE, PYTHON, make_bundle
from tests.appliance.test_statuscommand import told
from tests.appliance.updates.board import PHRASE, Board
from tests.appliance.updates.test_switching import QuickSlots, Units, fine
from tests.school import School, enrol

DAY_MS = 24 * 3600 * 1000
PERMIT = "2026-0012"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path_factory.mktemp("cloud"), "access", Secret(b"secret-secret"), "tests")
    store.start()
    yield store
    store.stop()


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, cloud: EmbeddedStore) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("box"), endpoint=cloud.config.endpoint, imported=False)
    yield made
    made.close()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two releases. Both have this version, since that is what answers from either slot."""
    works = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    return make_bundle(works[0]), make_bundle(works[1], body="def main():\n    print('the second')\n")


@pytest.fixture
def board(tmp_path: Path, bundles: tuple[Path, Path]) -> Board:
    made = Board(tmp_path, datetime.now(UTC)).begin()
    made.release(bundles[1])
    return made


class BoxSlots(QuickSlots):
    """Slots in which this environment's Python answers."""

    def install(self, bundle: Path, slot: str, digest: str) -> bool:
        done = super().install(bundle, slot, digest)
        python = self.path(slot) / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        (self.path(slot) / "systemd").mkdir()
        return done


@dataclass(frozen=True, slots=True)
class TestedBox(UpdateBox):
    """A box with quick slots."""

    __test__ = False

    @property
    def slots(self) -> Slots:
        return BoxSlots(self.places.slots, self.places.python)


@pytest.fixture
def box(school: School, board: Board, tmp_path: Path, bundles: tuple[Path, Path]) -> UpdateBox:
    """Return a box on which the first of the two releases runs."""
    places = Places(
        tmp_path / "opt", tmp_path / "state", tmp_path / "fetched", tmp_path / "root.json", BASE_PYTHON
    )
    places.slots.mkdir()
    places.first_root.write_bytes(board.repository.root())
    made = TestedBox(school.site, places, Units(places.slots), fine)
    bundle = Bundle.open(bundles[0])
    made.slots.install(bundle.unpack(tmp_path / "unpacked", PYTHON, MACHINE), "a", bundle.digest)
    made.slots.switch("a")
    return made


def test_a_release_comes_over_the_line(
    box: UpdateBox, board: Board, school: School, cloud: EmbeddedStore, bundles: tuple[Path, Path]
) -> None:
    store = ObjectStore(cloud.config)
    assert send(board.repository, store) > 0
    wanted = Bundle.open(bundles[1]).digest
    assert box.fetch(open_site(school.site)).digest == wanted == box.look().digest
    for path in (box.places.fetched, *box.places.fetched.rglob("*")):
        assert path.stat().st_mode & 0o004, path  # whoever installs has no right to read everything
    assert box.apply() and box.slots.current() == "b"
    assert not box.apply()
    assert list((box.places.state / "bundle").iterdir()) == []
    board.release(bundles[0])
    send(board.repository, store)
    assert box.fetch(open_site(school.site)).digest == box.look().digest != wanted
    assert box.apply() and box.slots.current() == "a"


def test_a_medium_takes_a_permit_which_is_in_the_audit_record(
    box: UpdateBox, board: Board, school: School, tmp_path: Path
) -> None:
    medium = board.medium(tmp_path / "medium")
    for wrong in ("", "12", "2026-12", "none"):
        with pytest.raises(PermitMissingError):
            box.apply(medium, wrong)
    assert box.state.read().stage is Stage.NONE and box.slots.current() == "a"
    assert box.apply(medium, PERMIT)
    assert tell(open_site(school.site), box.state) and not tell(open_site(school.site), box.state)
    office = school.office("kocho")
    line = office.audit.lines(text=PERMIT)[0]
    office.logout()
    assert (line.who, line.permit, line.source, line.verdict) == ("端末", PERMIT, "USB", "")
    assert line.what.startswith("蔵箱の版の") and line.purpose == "0.1.0 → 0.1.0"


def test_an_update_that_returned_is_told_as_refused(
    box: UpdateBox, board: Board, school: School, tmp_path: Path
) -> None:
    ill = replace(box, healthy=lambda _: "sync")
    with pytest.raises(UpdateReturnedError):
        ill.apply(board.medium(tmp_path / "medium"), "2026-0044")
    assert tell(open_site(school.site), box.state)
    office = school.office("kocho")
    line = office.audit.lines(text="2026-0044")[0]
    office.logout()
    assert line.verdict == "拒否" and line.purpose.endswith("（sync）")


def test_an_update_that_nobody_vouches_for_is_not_made_fresh_by_a_clock_set_back(
    box: UpdateBox, board: Board, school: School, tmp_path: Path
) -> None:
    medium = board.medium(tmp_path / "medium")
    assert box.look(medium)
    with closing(KeeperClient(school.paths.socket)) as keeper:
        later = wall_ms() + 40 * DAY_MS
        TrustedTime(keeper, Clocks(wall=lambda: later)).keep(at_once=True)
        try:
            assert trusted_now(school.site) >= later
            with pytest.raises(UpdateExpiredError):
                box.apply(medium, PERMIT)
        finally:
            keeper.local_put("clock", "trusted", None)
    assert box.slots.current() == "a"


def test_a_site_that_cannot_be_read_is_judged_by_the_machines_clock(tmp_path: Path) -> None:
    before = wall_ms()
    assert before <= trusted_now(tmp_path) <= wall_ms()


def test_this_version_passes_its_own_self_test(box: UpdateBox, school: School) -> None:
    """Every module is imported by a process of its own, and the store is opened while the keeper writes."""
    SelfTest(school.site)(box.slots.path("a"), "0.1.0")
    with pytest.raises(SelfTestError) as caught:
        SelfTest(school.site)(box.slots.path("a"), "0.2.0")
    assert caught.value.params["problem"] == "it is 0.1.0"


def test_a_configuration_that_a_version_does_not_understand_fails_its_self_test(
    box: UpdateBox, school: School
) -> None:
    file = school.site / "kurabako.toml"
    kept = file.read_text("utf-8")
    file.write_text(kept + "\n[later]\nkey = 1\n", "utf-8")
    try:
        with pytest.raises(SelfTestError) as caught:
            SelfTest(school.site)(box.slots.path("a"), "0.1.0")
    finally:
        file.write_text(kept, "utf-8")
    assert "APP-003" in str(caught.value.params["problem"])


# What an extra brings is on no box: as if it were not installed.
_AS_ON_A_BOX = """
import re, sys
from importlib import metadata
extras = {re.match(r"[\\w-]+", line)[0] for line in metadata.requires("kurabako") if "extra ==" in line}
assert "distributed" in extras, extras
for name in (*extras, "dask"):
    sys.modules[name] = None
from appliance.updates.selftest import problems
from pathlib import Path
print(list(problems(Path(sys.argv[1]))))
"""


def test_a_box_that_has_no_extras_passes_the_self_test(school: School) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AS_ON_A_BOX, str(school.site)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_store_of_a_later_level_fails_the_self_test(tmp_path: Path) -> None:
    own = enrol(tmp_path, imported=False)
    own.close()
    assert list(problems(own.site)) == []
    with closing(open_writer(own.paths.store)) as connection:
        columns = "_sqlite_migrations (migration_set, name, applied_at)"
        connection.execute(f"INSERT INTO {columns} VALUES ('kurabako.store', 'm999', '')")
    assert list(problems(own.site)) == ["school.db: level 3, known 2"]


def test_a_version_that_cannot_answer_is_a_problem(box: UpdateBox, school: School, tmp_path: Path) -> None:
    assert "No such file" in ask(tmp_path / "nothing", "x", school.site).problem
    assert "nosuch" in ask(box.slots.path("a"), "nosuch", school.site).problem
    slow = tmp_path / "slow" / "bin"
    slow.mkdir(parents=True)
    (slow / "python").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "python").chmod(0o755)
    assert ask(slow.parent, "x", school.site, 0.2).problem == "x: no answer"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a child as somebody else")
def test_root_asks_in_a_unit_of_the_keepers_user(tmp_path: Path) -> None:
    file = tmp_path / "school.db"
    file.touch()
    assert as_keeper(tmp_path, 20.0) == []
    os.chown(file, 65534, 65534)  # so root sees a box's store where its users are private
    program, *words = as_keeper(tmp_path, 20.0)
    assert program.endswith("systemd-run") and words[-1] == "--"
    assert {"--property=User=kurabako-keeper", "--property=RuntimeMaxSec=20", "--pipe", "--wait"} <= set(words)
    assert {f"--property={one}" for one in children.SHUT} < set(words)


def test_a_site_works_when_its_keeper_answers_and_its_daemon_reports(school: School, tmp_path: Path) -> None:
    assert problem_of(school.site) == "sync"
    write_status(school.paths, told())
    assert problem_of(school.site) == ""
    school.paths.status.unlink()
    assert problem_of(tmp_path).startswith("keeper SYNC-")


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        (["", "", ""], ""),
        (["keeper", "sync", "", "", ""], ""),
        (["", "keeper", "", "", ""], ""),
        (["keeper"], "keeper"),
        (["", "", "sync"], "sync"),
    ],
)
def test_health_is_three_good_answers_in_a_row(tmp_path: Path, answers: list[str], problem: str) -> None:
    left = list(answers)

    def question(_: Path, __: Path) -> Answer:
        return Answer(problem=left.pop(0) if len(left) > 1 else left[0])

    patience = 0.05 if problem else 60.0
    assert Health(tmp_path, patience, 0.0 if not problem else 0.02, question)(tmp_path) == problem


def test_the_command_does_the_same(
    box: UpdateBox,
    board: Board,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "_box", lambda _: box)
    medium, site = str(board.medium(tmp_path / "medium")), str(box.site)
    digest = box.look(Path(medium)).digest
    assert run(["update", "check", site, "--from", medium]) == Exit.INCOMPLETE
    assert run(["update", "apply", site, "--from", medium]) == Exit.USAGE
    assert run(["update", "apply", site, "--from", medium, "--permit", PERMIT]) == Exit.OK
    assert run(["update", "check", site, "--from", medium]) == Exit.OK
    assert run(["update", "apply", site, "--from", medium, "--permit", PERMIT]) == Exit.OK
    assert run(["update", "status", site]) == Exit.OK
    assert run(["update", "resume", site]) == Exit.OK
    assert run(["update", "rollback", site]) == Exit.OK
    assert run(["update", "tell", site]) == Exit.OK and run(["update", "tell", site]) == Exit.OK
    said, wrong = capfd.readouterr()
    lines = [
        line for line in said.splitlines() if not line.startswith("kurabako ")
    ]  # what `tell` says in the slot
    assert lines[:2] == [f"0.1.0 → 0.1.0 {digest}", "applied"] and "unchanged" in lines
    assert "  a 0.1.0" in lines and "* b 0.1.0" in lines and f"done 0.1.0 {PERMIT}" in lines
    assert lines[-2:] == ["told", "nothing to tell"]
    assert "[APP-566]" in wrong


def test_the_board_signs_and_publishes_by_command(tmp_path: Path, bundles: tuple[Path, Path]) -> None:
    def does(*words: str, phrase: bool = False) -> str:
        more = ["--passphrase-stdin"] if phrase else []
        done = CliRunner().invoke(cli, ["update", "repo", *words, *more], input=f"{PHRASE}\n")
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    folder, keys = str(tmp_path / "updates"), [str(tmp_path / name) for name in ("one", "two")]
    assert "root 1: 0/2" in does("init", folder, phrase=True)
    for key in keys:
        does("make-key", "--key", key, phrase=True)
        does("add-key", folder, "--public", f"{key}.pub")
    assert Bundle.open(bundles[0]).digest in does("stage", folder, str(bundles[0]))
    for count, key in enumerate(keys, 1):
        assert f": {count}/2" in does("sign", folder, "--key", key, phrase=True)
    medium = tmp_path / "medium"
    medium.mkdir()
    assert "timestamp 1" in does("publish", folder, "--to", str(medium), phrase=True)
    does("root", folder, "--to", str(tmp_path / "root.json"))
    assert (medium / "updates" / "metadata" / "1.root.json").read_bytes() == (tmp_path / "root.json").read_bytes()


def test_children_have_no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    slot = tmp_path / "slot" / "bin"
    slot.mkdir(parents=True)
    (slot / "python").write_text('#!/bin/sh\nprintf \'{"problem":"%s"}\' "$PYTHONPATH"\n')
    (slot / "python").chmod(0o755)
    (tmp_path / "school.db").touch()
    assert children.ask(slot.parent, "x", tmp_path).problem == ""
