import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.provision.errors import (
    NotLetInError,
    OtherHostKeyError,
    RemoteCommandError,
    RemoteTimeoutError,
    UnreachableError,
    WeakSshError,
)
from appliance.provision.ssh import Session
from tests.appliance.provision.sshd import Sshd, make_key, needs_sshd, tool

pytestmark = needs_sshd


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path / "sshd") as server:
        yield server


def test_a_command_gets_its_input_and_answers_with_all_it_says(sshd: Sshd) -> None:
    with Session(sshd.target()) as session:
        big = os.urandom(3_000_000)
        ran = session.run(["sh", "-c", "cat; echo gone >&2; exit 7"], big)
        assert (ran.code, ran.stdout == big, ran.stderr) == (7, True, b"gone\n")
        assert session.run(["printf", "%s", "a b'c\"$HOME"]).text == "a b'c\"$HOME"
        with pytest.raises(RemoteCommandError) as failed:
            session.check(["sh", "-c", "echo why >&2; exit 3"])
        assert failed.value.params["exit"] == 3 and failed.value.params["said"] == "why"


def test_a_command_that_reads_nothing_does_not_hang_us(sshd: Sshd) -> None:
    with Session(sshd.target()) as session:
        assert session.run(["true"], bytes(9_000_000)).code == 0


def test_a_command_that_takes_too_long_is_left(sshd: Sshd) -> None:
    with Session(sshd.target()) as session:
        with pytest.raises(RemoteTimeoutError):
            session.run(["sleep", "60"], timeout_s=0.5)
        assert session.run(["true"]).code == 0


def test_another_host_key_is_refused_before_anything_is_said(sshd: Sshd) -> None:
    with pytest.raises(OtherHostKeyError) as refused:
        Session(sshd.target(host_key="SHA256:" + "A" * 43))
    assert refused.value.params["shown"] == sshd.host_key
    assert "Accepted" not in (sshd.folder / "log").read_text()


def test_a_key_that_is_not_known_there_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(NotLetInError):
        Session(sshd.target(key_file=make_key(tmp_path / "other")))
    with pytest.raises(NotLetInError):
        Session(sshd.target(key_file=tmp_path / "none"))


def test_a_key_under_a_passphrase_is_named(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(NotLetInError) as refused:
        Session(sshd.target(key_file=make_key(tmp_path / "sealed", "long words")))
    assert "agent" in str(refused.value.params["problem"])


def test_the_agent_is_asked_when_no_key_file_is_named(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = sshd.folder / "agent"
    agent = subprocess.Popen([tool("ssh-agent"), "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        while not socket.exists():
            assert agent.poll() is None
        subprocess.run([tool("ssh-add"), "-q", sshd.client_key], check=True)
        with Session(sshd.target(key_file=None)) as session:
            assert session.run(["id", "-u"]).text == "0"
    finally:
        agent.terminate()
        agent.wait()


@pytest.mark.parametrize(
    "weak",
    [
        "Ciphers aes128-cbc,aes256-cbc,3des-cbc",
        "MACs hmac-sha1,hmac-md5\nCiphers aes128-ctr",
        "KexAlgorithms diffie-hellman-group14-sha1",
        "HostKeyAlgorithms ssh-rsa",
    ],
)
def test_a_server_with_weak_algorithms_alone_is_refused(tmp_path: Path, weak: str) -> None:
    server = Sshd(tmp_path / "weak", weak)
    if "ssh-rsa" in weak:
        make_key(tmp_path / "weak" / "host", kind="rsa")
    with server, pytest.raises(WeakSshError):
        Session(server.target())


def test_a_box_that_is_not_there_is_named(sshd: Sshd) -> None:
    sshd.stop()
    with pytest.raises(UnreachableError) as missing:
        Session(sshd.target())
    assert missing.value.retry_safe


def test_a_file_is_put_whole_with_mode_and_owner(sshd: Sshd, tmp_path: Path) -> None:
    place = tmp_path / "etc" / "kurabako" / "site.env"
    with Session(sshd.target()) as session:
        session.put(b"one\n", str(place), 0o640, "nobody:nogroup")
        session.put(b"two\n", str(place), 0o600)
        found = place.stat()
        assert place.read_bytes() == b"two\n" and found.st_mode & 0o777 == 0o600 and found.st_uid == 0
        with pytest.raises(RemoteCommandError):
            session.put(b"three", str(place), 0o600, "nobody-like-this:root")
    assert place.read_bytes() == b"two\n"


def test_an_upload_goes_on_where_it_was_cut(sshd: Sshd, tmp_path: Path) -> None:
    source, remote = tmp_path / "bundle", tmp_path / "box" / "bundle"
    source.write_bytes(os.urandom(3_000_001))
    remote.parent.mkdir()
    remote.with_name("bundle.part").write_bytes(source.read_bytes()[:1_000_000])
    seen: list[int] = []
    with Session(sshd.target()) as session:
        told = session.upload(source, str(remote), lambda done, total: seen.append(done))
    assert remote.read_bytes() == source.read_bytes() and seen[0] > 1_000_000
    assert told == hashlib.sha256(source.read_bytes()).hexdigest()


def test_what_lay_there_of_another_file_is_not_believed(sshd: Sshd, tmp_path: Path) -> None:
    source, remote = tmp_path / "bundle", tmp_path / "box" / "bundle"
    source.write_bytes(os.urandom(500_000))
    remote.parent.mkdir()
    remote.with_name("bundle.part").write_bytes(os.urandom(400_000))
    with Session(sshd.target()) as session:
        session.upload(source, str(remote))
    assert remote.read_bytes() == source.read_bytes()
