"""Alarms of a whole box that runs: its line to the mail server cut, its processes killed, and all of it told.

Real `kurabako serve`, keeper, Litestream and object store; a real mail server and a real web server.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.alarms.book import read_book
from appliance.alarms.section import AlarmsSection
from appliance.config import load_config, write_config
from sync.keeperlock import keeper_pid
from sync.linecut import LineCut
from sync.site import SitePaths
from tests.appliance.alarms.listeners import Letters, Posts
from tests.faults.city import City, wait_until
from tests.soak.processes import below, gone

pytestmark = pytest.mark.faults


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def told() -> Iterator[tuple[Letters, Posts, LineCut, LineCut]]:
    letters, posts = Letters(), Posts()
    lines = LineCut("127.0.0.1", letters.port), LineCut("127.0.0.1", posts.port)
    yield letters, posts, *lines
    for one in (*lines, letters, posts):
        one.close()


def kill_box(city: City) -> None:
    """Kill the daemon, and with it whatever it was about to do; its children leave by themselves."""
    process = city.processes.pop(city.school.site.name)
    children = below(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: all(gone(pid) for pid in children.values()), "children")


def test_a_killed_keeper_is_told_when_the_line_is_back_whatever_dies_meanwhile(
    city: City, told: tuple[Letters, Posts, LineCut, LineCut]
) -> None:
    letters, posts, to_letters, to_posts = told
    site, paths = city.school.site, SitePaths(city.school.site)
    config = load_config(site)
    alarms = AlarmsSection(
        email_to=("shien@example.jp",),
        email_from="box@example.jp",
        smtp_host="127.0.0.1",
        smtp_port=to_letters.port,
        smtp_security="none",
        webhook=f"{to_posts.endpoint}/alarms",
        mute=("disk", "doctor"),
    )
    write_config(site, msgspec.structs.replace(config, alarms=alarms))
    to_letters.cut()
    to_posts.cut()
    city.serve(site)
    wait_until(lambda: (status := city.told(site)) is not None and status.sent, "the box sends")
    wait_until(lambda: "healing" in read_book(paths).marks, "the watcher looked once")

    os.kill(keeper_pid(paths) or 0, signal.SIGKILL)
    wait_until(lambda: "healing" in read_book(paths).raised, "raised")
    assert not letters.letters and not posts.posts
    kill_box(city)
    assert [one.alarm for one in read_book(paths).messages if one.alarm == "healing"]

    # The web server takes the message, and the box dies before it hears that.
    first: list[bool] = []

    def die_once() -> None:
        if not first:
            first.append(True)
            city.processes[site.name].send_signal(signal.SIGKILL)

    posts.before_answer = die_once
    city.serve(site)
    to_posts.mend()
    wait_until(lambda: first, "the first post")
    city.processes.pop(site.name).wait()
    city.serve(site)
    to_letters.mend()
    wait_until(lambda: {"raised", "cleared"} <= {post["state"] for post in of(posts, "healing")}, "the all-clear")
    wait_until(lambda: not read_book(paths).messages, "the queue is empty")

    raised = [post["id"] for post in posts.posts if post["state"] == "raised"]
    assert len(raised) > len(set(raised)), "at least once: the one that nobody was heard to take came again"
    subjects = [str(letter["Subject"]) for letter in letters.letters if "ALM-02" in str(letter["Subject"])]
    assert subjects[0].startswith("【蔵箱 通報】") and subjects[-1].startswith("【蔵箱 解消】")
    assert "healing" not in read_book(paths).raised


def of(posts: Posts, alarm: str) -> list[dict[str, object]]:
    return [post for post in posts.posts if post["alarm"] == alarm]
