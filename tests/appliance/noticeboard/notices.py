"""Notices for tests, and the noticeboard's real process."""

import contextlib
import http.client
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from appliance.noticeboard.records import NoticeItem
from appliance.noticeboard.snapshot import PostedNotice, Snapshot

ALWAYS = (date(2020, 4, 1), date(2099, 3, 31))


def notice(title: str = "読書週間", body: str = "本を三冊かりられます。", **more: object) -> NoticeItem:
    told = {"first": ALWAYS[0], "until": ALWAYS[1], **more}
    return NoticeItem(title=title, body=body, **told)  # type: ignore[arg-type]  # the fields of a notice


def posted(title: str = "読書週間", **more: object) -> PostedNotice:
    told: dict[str, object] = {
        "notice": "00" * 16,
        "change": "11" * 24,
        "title": title,
        "body": "本を三冊かりられます。",
        "first": ALWAYS[0],
        "until": ALWAYS[1],
        "section": "お知らせ",
        "audience": "",
        "urgent": False,
    }
    return PostedNotice(**{**told, **more})  # type: ignore[arg-type]  # the fields of a notice


def snapshot(*notices: PostedNotice) -> Snapshot:
    return Snapshot(school="多良川市立青葉小学校", at_ms=1_795_500_000_000, notices=notices)


def full() -> Snapshot:
    """Return the most that a school would post: thirty notices, each as long as it may be."""
    sections = ("お知らせ", "行事", "持ち物・提出", "保健・給食", "図書・係")
    lines = ["校外学習は雨天のとき中止し、体育館で集会をします。持ち物は学級だよりを見てください。"] * 24
    return snapshot(
        *(
            posted(
                f"{number}番目のお知らせ",
                notice=f"{number:032x}",
                body="\n\n".join(lines)[:1_000],
                section=sections[number % 5],
                audience="" if number % 3 else "3年・4年",
                urgent=number == 7,
            )
            for number in range(30)
        )
    )


@dataclass(frozen=True)
class Page:
    """An answer of the process."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Served:
    """A running noticeboard."""

    port: int
    process: "subprocess.Popen[str]"

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> Page:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            line.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = line.getresponse()
            return Page(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            line.close()


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Run the noticeboard's own process over a folder."""
    command = [sys.executable, "-m", "appliance.cli", "notice", str(folder), "--address", "127.0.0.1:0"]
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=silent, stdout=subprocess.PIPE, stderr=silent, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])
            yield Served(port, process)
        finally:
            process.terminate()
            process.wait(30)
