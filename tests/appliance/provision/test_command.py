"""The command over simulated boxes: what it prints, where its files go, and how it ends."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pypdfium2
import pytest

from appliance.board.folder import BoardFolder, init_board
from appliance.board.stafffile import read_staff, write_slips
from appliance.cli import run
from appliance.enrolment.boxside import begin_enrolment, take_grant
from appliance.enrolment.errors import StaffFileError
from appliance.enrolment.request import request_code
from appliance.provision import bundlesource, running
from appliance.provision.errors import StorePairsError
from appliance.provision.granters import BoardGrants, FileGrants
from appliance.provision.inventory import Inventory, read_inventory
from appliance.provision.storekeys import StorePairs
from appliance.site import open_site
from crypto.errors import BadSignatureError
from crypto.identity import KdfProfile
from sync.ids import Origin, Site
from tests.appliance.enrolment.test_enrolment import BOARD, new_school
from tests.appliance.provision.jobs import Source, make_request
from tests.appliance.provision.simulated import SimulatedBox, SimulatedSession
from tests.appliance.provision.test_inventory import TEXT

QUICK = KdfProfile.QUICK


@pytest.fixture
def board(tmp_path: Path) -> BoardFolder:
    return init_board(tmp_path / "board", "試験市教育委員会", BOARD, QUICK)


@pytest.fixture
def inventory(tmp_path: Path, board: BoardFolder) -> Path:
    file = tmp_path / "inventory.toml"
    file.write_text(TEXT.replace("ab" * 32, board.root.to_bytes().hex()), "utf-8")
    return file


@pytest.fixture
def provision(
    tmp_path: Path, inventory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command over boxes that are simulated; returns exit code, stdout, stderr."""
    boxes = {box.school: SimulatedBox(request=make_request(box.school)) for box in read_inventory(inventory).boxes}
    monkeypatch.setattr(running, "Session", SimulatedSession)
    monkeypatch.setattr(SimulatedSession, "boxes", boxes)
    monkeypatch.setattr(bundlesource, "BundleSource", lambda path: Source())
    monkeypatch.setenv("KURABAKO_LANG", "ja")
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(b"")

    def call(*words: str) -> tuple[int, str, str]:
        out = ["--out", str(tmp_path / "build")]
        code = run(["provision", str(inventory), "--bundle", str(bundle), *out, *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_check_shows_what_would_be_done_and_changes_nothing(
    provision: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, err = provision("--check")
    assert code == 3 and out.count("多良川市立") == 2
    assert " 10. 【注意】通信を閉じる" in out and " 15. 最初の確認済と、復元の検証を待つ" in out
    assert err.count("調べています") == 2
    assert not any(box.files for box in SimulatedSession.boxes.values()) and not (tmp_path / "build").exists()


def test_requests_are_written_for_the_board_and_their_codes_said(
    provision: Callable[..., tuple[int, str, str]], tmp_path: Path, inventory: Path
) -> None:
    school = read_inventory(inventory).boxes[0].school
    code, out, err = provision("--yes", "--school", school)
    asked = (tmp_path / "build" / "requests" / f"{school}-1.request").read_bytes()
    assert code == 3 and "教育委員会の許可待ち" in out and request_code(asked) in err


def test_a_failed_box_is_told_with_what_to_do_and_the_others_are_done(
    provision: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    inventory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FileGrants, "answer", lambda self, box, request: b"grant")
    one, two = read_inventory(inventory).boxes
    SimulatedSession.boxes[one.school].cut_at = 20
    code, out, _ = provision("--yes")
    assert code == 1 and f"{one.school} 失敗" in out and "[APP-500]" in out and f"{two.school} 済み" in out
    sheet = pypdfium2.PdfDocument(tmp_path / "build" / f"handover-{two.school}.pdf")
    text = sheet[0].get_textpage().get_text_range()
    assert len(sheet) == 1 and "引き渡し票" in text and "ABCD" in text and two.host_key in text
    code, out, _ = provision("--yes")
    assert code == 0 and f"{one.school} 済み" in out
    code, out, _ = provision("--yes")
    assert code == 0 and out.count("変えることはありません") == 2


def test_without_yes_it_asks_and_a_no_changes_nothing(
    provision: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    code, _, _ = provision()
    assert code == 3 and not any(box.files for box in SimulatedSession.boxes.values())


def test_another_board_than_the_inventory_s_is_refused(
    provision: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    init_board(tmp_path / "other", "別の教育委員会", BOARD, QUICK)
    code, _, err = provision("--yes", "--board", str(tmp_path / "other"))
    assert code == 2 and "another board" in err
    code, _, err = provision("--yes", "--replace", "B101210000018")
    assert code == 2 and "--epoch" in err


def keys_file(tmp_path: Path, *schools: str) -> Path:
    file = tmp_path / "keys.toml"
    own = 'board_access_key = "board"\nboard_secret_key = "board-secret"\n'
    file.write_text("".join(f'[{s}]\n{own}box_access_key = "box"\nbox_secret_key = "secret"\n' for s in schools))
    file.chmod(0o600)
    return file


def test_an_officer_s_one_run_answers_with_people_and_key_pairs(
    board: BoardFolder, inventory: Path, tmp_path: Path
) -> None:
    box = read_inventory(inventory).boxes[0]
    people = tmp_path / "people"
    people.mkdir()
    (people / f"{box.school}.toml").write_text(
        '[[person]]\nlogin = "sato"\nname = "佐藤 葵"\nroles = ["teacher"]\n'
    )
    pairs = StorePairs(keys_file(tmp_path, box.school))
    grants = BoardGrants(board, board.unlock(BOARD), pairs, people, tmp_path / "build", QUICK)
    request = begin_enrolment(tmp_path / "site", Origin(box.school, Site.BOX, 1), board.root)
    grant = grants.answer(box, request)
    slips = tmp_path / "build" / f"{box.school}.slips"
    words = slips.read_text()
    assert grant is not None and grants.answer(box, request) == grant and slips.read_text() == words
    assert words.startswith("sato\t") and stat.S_IMODE(slips.stat().st_mode) == 0o600
    take_grant(tmp_path / "site", grant)
    assert open_site(tmp_path / "site").store().access_key == "box"
    assert board.place(box.school).access_key == "board"


def test_grant_files_are_found_by_the_request_that_they_answer(
    board: BoardFolder, inventory: Path, tmp_path: Path
) -> None:
    from appliance.board.granting import grant_enrolment

    listed: Inventory = read_inventory(inventory)
    said: list[Path] = []
    folder = tmp_path / "grants"
    folder.mkdir()
    files = FileGrants([folder], board.root, tmp_path / "build", lambda box, request, paper: said.append(paper))
    new = new_school()
    request = begin_enrolment(tmp_path / "site", Origin(new.code, Site.BOX, 1), board.root)
    assert files.answer(listed.boxes[0], request) is None and said[0].read_bytes() == request
    grant = grant_enrolment(board, board.unlock(BOARD), request, new, [], QUICK)
    (folder / "one.grant").write_bytes(grant)
    assert files.answer(listed.boxes[0], request) == grant
    assert files.answer(listed.boxes[0], make_request(new.code)) is None, "another request's"
    (folder / "a.grant").write_bytes(grant[:40] + bytes([grant[40] ^ 1]) + grant[41:])
    with pytest.raises(BadSignatureError):
        files.answer(listed.boxes[0], request)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[person]]\nlogin = "a"\nname = "b"\nroles = ["boss"]\n', "boss"),
        ('[[person]]\nlogin = "a"\nname = "b"\nroles = []\n', "a:"),
        ('[[person]]\nlogin = "a"\npassphrase = "x"\n', "unknown"),
        ("[[person]\n", "line"),
    ],
)
def test_people_that_make_no_sense_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "staff.toml"
    file.write_text(text)
    with pytest.raises(StaffFileError) as refused:
        read_staff(file)
    assert problem in str(refused.value.params["problem"])


def test_key_pairs_that_others_may_read_or_that_are_not_there_are_refused(tmp_path: Path) -> None:
    file = keys_file(tmp_path, "B101210000018")
    with pytest.raises(StorePairsError):
        StorePairs(file).box("B101210000027")
    file.chmod(0o644)
    with pytest.raises(StorePairsError) as refused:
        StorePairs(file)
    assert "chmod 600" in str(refused.value.params["problem"])
    file.chmod(0o600)
    file.write_text('[X]\nbox_access_key = "very-secret"\nwrong = 1\n')
    with pytest.raises(StorePairsError) as refused:
        StorePairs(file)
    assert "very-secret" not in repr(refused.value) + str(refused.value.params)


def test_slips_are_written_anew_for_the_officer_alone(tmp_path: Path) -> None:
    paper = tmp_path / "out" / "x.slips"
    write_slips(paper, {"b": "two", "a": "one"})
    write_slips(paper, {"a": "three"})
    assert paper.read_text() == "a\tthree\n" and stat.S_IMODE(paper.stat().st_mode) == 0o600


def test_box_and_board_say_the_same_code_of_the_log(board: BoardFolder, tmp_path: Path) -> None:
    from appliance.board.granting import grant_enrolment

    new, site = new_school(), tmp_path / "site"
    began = site_command("begin", site, "--school", new.code, "--root-key", board.root.to_bytes().hex())
    assert began.returncode == 0
    shown = site_command("request", site).stdout.strip()
    assert shown in began.stderr
    request = begin_enrolment(site, Origin(new.code, Site.BOX, 1), board.root)
    grant = grant_enrolment(board, board.unlock(BOARD), request, new, [], QUICK)
    command_line = [sys.executable, "-m", "appliance.cli", "site", "take", str(site)]
    assert subprocess.run(command_line, input=grant, capture_output=True).returncode == 0
    seq = json.loads(site_command("head", board.path / "hubs" / new.code).stdout)["seq"]
    told = [
        json.loads(site_command("head", place, "--seq", str(seq)).stdout)
        for place in (site, board.path / "hubs" / new.code)
    ]
    assert told[0] == told[1] and len(told[0]["code"]) == 29 and seq > 0
    newest = json.loads(site_command("head", site).stdout)
    assert newest["seq"] > seq and newest["code"] != told[0]["code"]
    assert site_command("head", site, "--seq", "99999").returncode == 1


def site_command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli", "site", *map(str, words)], capture_output=True, text=True
    )
