"""`kurabako meeting` and the export of meetings, as the office types them."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from appliance.cli import cli
from appliance.exits import Exit
from appliance.meetings.agendatext import AgendaTextError
from appliance.meetings.ics import CalendarFileError
from tests.school import PASSPHRASE, School, enrol


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("meeting-command"), imported=False)
    yield made
    made.close()


def run(*words: str) -> Result:
    told = [*words, "--login", "kyoto", "--passphrase-stdin"]
    return CliRunner().invoke(cli, told, input=f"{PASSPHRASE}\n", standalone_mode=False)


def test_a_template_is_kept_as_it_is_and_goes_out_again(own: School, tmp_path: Path) -> None:
    text = CliRunner().invoke(cli, ["meeting", "template", "training"], standalone_mode=False).stdout
    file, out = tmp_path / "kaigi.md", tmp_path / "out"
    out.mkdir()
    day = next(line for line in text.splitlines() if line.startswith("日時")).split()[1]
    for encoding in ("utf-8-sig", "cp932"):
        title = f"校内研修 {encoding}"
        file.write_text(text.replace("# 校内研修", f"# {title}"), encoding)
        done = run("meeting", "add", str(own.site), str(file))
        assert done.return_value == Exit.OK and "保存済" in done.stdout
        released = run("export", "minutes", str(own.site), "--on", day, "--title", title, "--to", str(out))
        assert released.return_value == Exit.OK
        (minutes,) = out.glob("*.md")
        assert f"# {title}" in minutes.read_text("utf-8")
        minutes.unlink()
    twice = run("export", "minutes", str(own.site), "--on", day, "--to", str(out))
    assert isinstance(twice.exception, click.UsageError) and not list(out.iterdir())
    assert run("export", "meetings", str(own.site), "--to", str(out)).return_value == Exit.OK
    (calendar,) = out.glob("*.ics")
    again = run("meeting", "add", str(own.site), str(calendar))
    assert "新しい会議 0、既にある会議 2" in again.stdout


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("x.md", b"", AgendaTextError),
        ("x.md", "会議\n日時: いつか".encode(), AgendaTextError),
        ("x.txt", b"\x81\xff\xfe\x00", AgendaTextError),
        ("x.ics", b"", CalendarFileError),
        ("x.ics", b"\xff\xfe no calendar", CalendarFileError),
        ("x.ics", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", CalendarFileError),
    ],
)
def test_a_bad_file_keeps_nothing(
    own: School, tmp_path: Path, name: str, data: bytes, error: type[Exception]
) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    office = own.office("kyoto")
    before = len(office.meetings.all())
    assert isinstance(run("meeting", "add", str(own.site), str(file)).exception, error)
    assert len(office.meetings.all()) == before
    office.logout()
