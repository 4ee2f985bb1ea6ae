"""What only SFTP has: a pinned host key, logins, algorithms, servers that fall silent or know no hard links."""

import dataclasses
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko.sftp import SFTP_FAILURE

from sync.errors import HostKeyError, StoreRefusedError, StoreUnreachableError
from sync.sftpline import SftpLine
from sync.sftpstore import SftpConfig, SftpStore
from tests.sync.servers import new_key
from tests.sync.sftpserver import OPENSSH, USER, SftpServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    (tmp_path / "remote").mkdir()
    it = SftpServer(new_key(tmp_path / "key"), None)
    yield it
    it.close()


@pytest.fixture
def config(server: SftpServer, tmp_path: Path) -> SftpConfig:
    remote = str(tmp_path / "remote")
    return SftpConfig("127.0.0.1", USER, tmp_path / "key", server.host_key.fingerprint, remote, server.port)


def test_another_host_key_is_refused_by_name_before_anything_is_said(
    server: SftpServer, config: SftpConfig, tmp_path: Path
) -> None:
    other = paramiko.ECDSAKey.generate().fingerprint
    store = SftpStore(dataclasses.replace(config, host_key=other))
    for call in (lambda: store.put("a/b", b"x"), lambda: store.get("a/b"), lambda: store.sizes("")):
        with pytest.raises(HostKeyError) as caught:
            call()
        assert caught.value.params["shown"] == server.host_key.fingerprint
    assert server.logins == 0 and not list((tmp_path / "remote").iterdir())


def test_the_fingerprint_is_what_ssh_keygen_prints(server: SftpServer, config: SftpConfig, tmp_path: Path) -> None:
    public = tmp_path / "host.pub"
    public.write_text(f"{server.host_key.get_name()} {server.host_key.get_base64()} host\n")
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("ssh-keygen is not installed")
    told = subprocess.run((program, "-l", "-f", public), capture_output=True, text=True, check=True)
    assert told.stdout.split()[1] == config.host_key


def test_one_connection_serves_many_calls(server: SftpServer, config: SftpConfig) -> None:
    store = SftpStore(config)
    for number in range(5):
        store.put(f"a/{number}", b"x")
        assert store.get(f"a/{number}") == b"x"
        assert store.get(f"a/{number}/none") is None
    assert server.logins == 1
    store.close()
    assert store.get("a/1") == b"x" and server.logins == 2
    store.close()


@pytest.mark.faults
@pytest.mark.parametrize("says", [b"", b"SSH-2.0-silent\r\n", b"HTTP/1.1 200 OK\r\n\r\n" * 100])
def test_a_server_that_falls_silent_or_is_none_is_unreachable(config: SftpConfig, says: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def take() -> None:
            taken.append(listener.accept()[0])
            taken[0].sendall(says)

        taking = threading.Thread(target=take)
        taking.start()
        store = SftpStore(dataclasses.replace(config, port=int(listener.getsockname()[1])), 0.5)
        with pytest.raises(StoreUnreachableError):
            store.get("a/b")
        taking.join()
        taken[0].close()


def test_a_server_with_weak_algorithms_only_is_refused(
    config: SftpConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = ("aes128-cbc", "3des-cbc")
    genuine = paramiko.Transport.start_server

    def weakened(self: paramiko.Transport, *args: object, **more: object) -> None:
        self.get_security_options().ciphers = weak
        genuine(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(paramiko.Transport, "start_server", weakened)
    with pytest.raises(StoreRefusedError):
        SftpStore(config).get("a/b")


def test_a_claim_of_somebody_who_vanished_is_passed_over_and_a_living_one_is_not(
    config: SftpConfig, tmp_path: Path
) -> None:
    store, claim = SftpStore(config, 1.0), tmp_path / "remote" / ".grant.0.claim"
    claim.touch()
    with pytest.raises(StoreUnreachableError):
        store.create("grant", b"mine")
    assert store.get("grant") is None
    os.utime(claim, (0, claim.stat().st_mtime - 3600))
    assert store.create("grant", b"mine")
    assert not store.create("grant", b"theirs")
    assert store.get("grant") == b"mine"
    assert [path.name for path in (tmp_path / "remote").iterdir()] == ["grant"]
    store.close()


def test_a_refused_write_is_noticed_at_each_of_its_packets(
    config: SftpConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, count = paramiko.SFTPHandle.write, iter(range(100))

    def full_once(self: paramiko.SFTPHandle, offset: int, data: bytes) -> int:
        return SFTP_FAILURE if next(count) == 3 else genuine(self, offset, data)

    monkeypatch.setattr(paramiko.SFTPHandle, "write", full_once)
    store = SftpStore(config)
    with pytest.raises(StoreUnreachableError):
        store.put("object", b"x" * 300_000)
    assert not list((tmp_path / "remote").iterdir()), "nor are there remains"
    store.put("object", b"x" * 300_000)
    assert store.get("object") == b"x" * 300_000
    store.close()


def test_openssh_links_and_syncs_and_needs_no_claims(
    config: SftpConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not OPENSSH.exists():
        pytest.skip(f"{OPENSSH} is not installed (Debian: openssh-sftp-server)")
    monkeypatch.delattr(SftpLine, "_claim")
    monkeypatch.setattr("sync.sftpline._UNSUPPORTED", re.compile("nothing is"))
    server = SftpServer(new_key(tmp_path / "key2"), OPENSSH)
    store = SftpStore(
        dataclasses.replace(
            config, port=server.port, host_key=server.host_key.fingerprint, key_file=tmp_path / "key2"
        )
    )
    assert store.create("a/grant", b"mine") and not store.create("a/grant", b"theirs")
    store.close()
    server.close()


def test_paramiko_is_not_imported_before_a_connection_is_made() -> None:
    code = "import sys, sync.openstore, sync.courier, sync.daemon, sync.hub; sys.exit('paramiko' in sys.modules)"
    assert subprocess.run((sys.executable, "-c", code), timeout=60, check=False).returncode == 0
