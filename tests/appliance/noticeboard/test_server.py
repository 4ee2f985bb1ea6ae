"""The noticeboard's process: one page, read only, out of one file."""

import gzip
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from appliance.noticeboard.server import Board
from appliance.noticeboard.snapshot import FILE, read_snapshot, write_snapshot
from tests.appliance.noticeboard.notices import Served, full, posted, serving, snapshot
from tests.sync.cloud import wait_until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("released")


@pytest.fixture(scope="module")
def board(folder: Path) -> Iterator[Served]:
    with serving(folder) as served:
        yield served


def test_it_shows_what_is_released_as_soon_as_it_is(folder: Path, board: Served) -> None:
    (folder / FILE).unlink(missing_ok=True)
    write_snapshot(folder, snapshot(posted("読書週間")))
    assert "読書週間" in board.get().text
    write_snapshot(folder, snapshot(posted("給食の献立")))
    page = board.get()
    assert "給食の献立" in page.text and "読書週間" not in page.text


def test_a_tablet_that_has_the_page_gets_nothing_twice_and_the_rest_packed(folder: Path, board: Served) -> None:
    write_snapshot(folder, full())
    plain, packed = board.get(), board.get(Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 5
    again = board.get(If_None_Match=plain.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    write_snapshot(folder, snapshot(posted("給食の献立")))
    assert board.get(If_None_Match=plain.headers["ETag"]).status == 200


def test_the_page_fetches_nothing_runs_nothing_and_stays_small(folder: Path, board: Served) -> None:
    write_snapshot(folder, full())
    page = board.get()
    assert len(page.body) < 100_000, "and it is all there is: no picture, no font, no script"
    for word in ("<script", "src=", "url(", "http:", "https:", "@import", "http-equiv", "<form", "<iframe"):
        assert word not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    assert "unsafe" not in policy and "Set-Cookie" not in page.headers
    assert "aiohttp" not in str(page.headers).lower() and "python" not in str(page.headers).lower()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_can_be_changed_through_it(folder: Path, board: Served, method: str) -> None:
    write_snapshot(folder, snapshot(posted()))
    before = (folder / FILE).read_bytes()
    assert board.get(method=method).status in (400, 405)
    assert (folder / FILE).read_bytes() == before and sorted(os.listdir(folder)) == [FILE]


@pytest.mark.parametrize(
    "path",
    [
        "/released.json",
        "/.lock",
        "/../released.json",
        "/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/x",
        "/static/",
        "/?a",
    ],
)
def test_there_is_no_other_address(folder: Path, board: Served, path: str) -> None:
    write_snapshot(folder, snapshot(posted()))
    page = board.get(path)
    assert page.status == (200 if path == "/?a" else 404) and b"root:" not in page.body
    assert page.headers["Server"] == "kurabako"


BAD = {
    "no JSON": b"{",
    "no UTF-8": b'{"school": "\xff"}',
    "another class": b'{"school":"A","at_ms":1,"notices":[],"version":1,"importance":"III"}',
    "a graver notice": None,
    "another version": b'{"school":"A","at_ms":1,"notices":[],"version":2}',
    "an unknown field": b'{"school":"A","at_ms":1,"notices":[],"version":1,"more":1}',
    "too large": b" " * (1 << 20) + b'{"school":"A","at_ms":1,"notices":[],"version":1}',
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_read_as_it_should_is_not_shown(tmp_path: Path, name: str) -> None:
    write_snapshot(tmp_path, snapshot(posted("読書週間")))
    raw = (tmp_path / FILE).read_bytes()
    bad = BAD[name] or raw.replace(b'"importance":"IV"', b'"importance":"III"').replace(
        b"\xe8\xaa\xad", b"\xe7\xa7\x98"
    )
    assert bad != raw
    board = Board(tmp_path)
    assert "読書週間".encode() in board.answer().plain
    (tmp_path / FILE).write_bytes(bad)
    assert read_snapshot(tmp_path) is None
    assert "読書週間".encode() in board.answer().plain, "the last one that could be read stays"
    assert "掲示板を読めません".encode() in Board(tmp_path).answer().plain


def test_a_link_or_a_pipe_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "board", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    write_snapshot(elsewhere, snapshot(posted("ほかの所")))
    (folder / FILE).symlink_to(elsewhere / FILE)
    assert read_snapshot(folder) is None
    (folder / FILE).unlink()
    os.mkfifo(folder / FILE)
    assert read_snapshot(folder) is None, "and nobody waits for a writer"


def test_days_come_and_go_without_anybody(tmp_path: Path) -> None:
    days = {"first": date(2026, 11, 24), "until": date(2026, 11, 26)}
    write_snapshot(tmp_path, snapshot(posted("雪", **days)))
    shown = []
    for day in range(23, 28):
        shown.append("雪".encode() in Board(tmp_path, lambda day=day: date(2026, 11, day)).answer().plain)  # type: ignore[misc]  # bound at once
    assert shown == [False, True, True, True, False]


def test_the_process_holds_no_key_and_has_no_file_open(folder: Path, board: Served) -> None:
    """What a keyless process is: no sealing, no database, no credential, nothing open but its socket."""
    write_snapshot(folder, full())
    board.get()
    process = Path(f"/proc/{board.process.pid}")
    mapped = {Path(line.split()[-1]).name for line in (process / "maps").read_text().splitlines() if "/" in line}
    held = [
        name
        for name in mapped
        if any(word in name for word in ("_rust", "openssl", "sqlite", "pyrage", "obstore"))
    ]
    assert held == [] and any("python" in name for name in mapped)

    def quiet() -> bool:
        links = [os.readlink(one) for one in (process / "fd").iterdir()]
        files = [link for link in links if link.startswith("/") and not link.startswith(("/dev/", "/proc/"))]
        return files == []

    wait_until(quiet, "no file is open between two questions")
    environment = (process / "environ").read_bytes()
    assert b"CREDENTIALS_DIRECTORY" not in environment and b"KURABAKO_SITE" not in environment
