"""Who may read and write what on a box: the table of docs/architecture.md, tried by processes of each user."""

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.credentials import PEPPER, SITE_KEY, STORE_KEY
from crypto.identity import Identity
from crypto.signing import VerifyKey
from sync.admission import Duty
from sync.errors import KeeperGoneError, PeerRefusedError, UnknownLoginError
from sync.reader import Reader
from sync.restore import Restorer, Wanted
from sync.site import SitePaths
from sync.status import Status, read_status
from tests.sync.cloud import ORIGIN, Cloud, Office, box_key, cloud_at, new_site, wait_until
from tests.sync.site import TestSite
from tests.systemd.layout import SUPPORT, Layout, layout, missing_here

pytestmark = pytest.mark.skipif(bool(missing_here()), reason=missing_here() or "-")

KEEPER, SYNC, INBOX = "kurabako-keeper", "kurabako-sync", "kurabako-inbox"
NOTICE, OFFICE, GENKAN = "kurabako-notice", "office", "genkan"
USERS = (KEEPER, SYNC, INBOX, NOTICE, OFFICE, GENKAN, SUPPORT)
S = "var/lib/kurabako/site"
# For each path what each of USERS may: r read, w write, - neither. In a folder: r list, w make and remove.
TABLE = {
    #                              keeper sync inbox notice office genkan support
    f"{S}": "rw rw r - r r r",
    f"{S}/kurabako.toml": "r r r - r r r",
    f"{S}/school.db": "rw rw r - r r r",
    f"{S}/school.db-wal": "rw rw r - r r r",
    f"{S}/school.db-shm": "rw rw r - r r r",
    f"{S}/local.db": "rw - - - - - -",
    f"{S}/local.db-wal": "rw - - - - - -",
    f"{S}/run": "rw rw r - r r r",
    f"{S}/run/keeper.lock": "rw - - - - - -",
    f"{S}/run/keeper.running": "rw r r - r r r",
    f"{S}/run/status.json": "r rw r - r r r",
    f"{S}/run/usb": "- rw - - - - -",
    f"{S}/run/inbox": "r r rw - r r r",
    f"{S}/log": "r rw r - r r r",
    f"{S}/litestream-meta": "- rw - - - - -",
    f"{S}/blobs": "- rw rw - rw - -",
    f"{S}/released": "- - - - rw - -",
    f"{S}/released/書出": "- - - - rw - -",
    f"{S}/ballots": "- rw rw - rw - -",
    f"{S}/inbox": "- - rw - - - -",
    f"{S}/inbox/I": "- - rw - - - -",
    f"{S}/inbox/取込": "- - rw - - - -",
    "etc/kurabako/credentials": "- - - - - - -",
    f"etc/kurabako/credentials/{SITE_KEY}": "- - - - - - -",
    f"etc/kurabako/credentials/{STORE_KEY}": "- - - - - - -",
    f"etc/kurabako/credentials/{PEPPER}": "- - - - - - -",
    "etc/kurabako/authorized_keys": "r r r r r r r",
    "var/lib/kurabako/office": "- - - - r r -",
    "var/lib/kurabako-notice": "- - - r rw - -",
    "var/lib/kurabako-notice/released.json": "- - - r rw - -",
}
PROBE = """
import json, os, sys
print(json.dumps([
    "".join(word for word, mode in (("r", os.R_OK), ("w", os.W_OK)) if os.access(path, mode)) or "-"
    for path in sys.argv[1:]
]))
"""
SERVE = """
import json, sys
from pathlib import Path
from sync.admission import Admission, Duty
from sync.keeper import run_keeper
others = {int(uid): frozenset(map(Duty, duties)) for uid, duties in json.loads(sys.argv[2]).items()}
sys.exit(run_keeper(Path(sys.argv[1]), Admission(others=others)))
"""
ENDED = """
import json, sys
from pathlib import Path
from sync.keeperlock import note_end
from sync.site import SitePaths
print(json.dumps(note_end(SitePaths(Path(sys.argv[1])))))
"""
READ = """
import json, sys
from pathlib import Path
from sync.database import OperationalError, open_writer
from sync.reader import Reader
reader = Reader(Path(sys.argv[1]))
for line in sys.stdin:
    try:
        open_writer(Path(sys.argv[1])).execute("DELETE FROM head")
        wrote = True
    except OperationalError as error:
        wrote = str(error)
    print(json.dumps([reader.position().seq, len(reader.heads("key.test")), wrote]), flush=True)
"""
ASK = """
import json, sys
from pathlib import Path
from sync.client import KeeperClient
from crypto.errors import KurabakoError
client, told = KeeperClient(Path(sys.argv[1]), 2.0), {}
for name, ask in {
    "hello": client.hello,
    "login": lambda: client.login_begin("sato"),
    "identity": lambda: client.local_get("identity", "sato"),
    "lease": lambda: client.local_get("lease", "secret"),
    "note": lambda: client.local_put("blobs", "a", b"1"),
    "judge": lambda: client.judge({}, ()),
}.items():
    try:
        ask()
        told[name] = "done"
    except KurabakoError as error:
        told[name] = error.code
print(json.dumps(told))
"""
RELEASE = """
import sys
from pathlib import Path
from appliance.noticeboard.snapshot import Snapshot, write_snapshot
write_snapshot(Path(sys.argv[1]), Snapshot(school="A", at_ms=1, notices=()))
print("null")
"""
DAEMON = """
import json, signal, sys
from pathlib import Path
from crypto.secret import Secret
from crypto.signing import SigningKey, VerifyKey
from sync.daemon import SiteDaemon
from sync.objectstore import StoreConfig
from sync.settings import Settings
from sync.site import SitePaths
told = json.loads(sys.stdin.readline())
store = StoreConfig(told["endpoint"], told["bucket"], "us-east-1", told["access"], Secret(told["secret"].encode()))
root = VerifyKey.from_bytes(bytes.fromhex(told["root"]))
key = SigningKey.from_bytes(Secret(bytes.fromhex(told["key"])))
daemon = SiteDaemon(SitePaths(Path(sys.argv[1])), Settings(store, root, key), None)
signal.signal(signal.SIGTERM, lambda *_: daemon.stop())
daemon.run()
"""


@pytest.fixture
def box() -> Iterator[Layout]:
    with layout() as made:
        yield made


def keep(box: Layout) -> "subprocess.Popen[str]":
    """Start the keeper as its own user, with the duties that a box gives to the others."""
    duties = {INBOX: [Duty.INBOX], SYNC: [Duty.SYNC], OFFICE: [Duty.OFFICE], GENKAN: [Duty.OFFICE]}
    named = {str(box.users[name].uid): given for name, given in duties.items()}
    keeper = box.users[KEEPER].popen(SERVE, str(box.site), json.dumps(named))
    wait_until(SitePaths(box.site).socket.exists, "the keeper serves")
    return keeper


@contextlib.contextmanager
def site_on(box: Layout, key: Identity | None = None) -> Iterator[TestSite]:
    """Found a site as root, as provisioning does, and put its rights in order."""
    site = new_site(box.site, key or box_key())
    site.stop_keeper()
    box.tmpfiles()
    try:
        yield site
    finally:
        site.close()


def test_each_user_may_do_what_the_table_says(box: Layout) -> None:
    with site_on(box):
        paths = SitePaths(box.site)
        (paths.root / "kurabako.toml").write_text("")
        paths.status.touch(0o644)
        os.chown(paths.status, box.users[SYNC].uid, box.users[SYNC].gid)
        box.users[OFFICE].run(RELEASE, str(box.root / "var/lib/kurabako-notice"))
        for name in (SITE_KEY, STORE_KEY, PEPPER):
            (box.root / "etc/kurabako/credentials" / name).touch(0o644)
        keeper = keep(box)
        box.tmpfiles()  # a start of the machine changes nothing of what runs
        try:
            found = {user: box.users[user].run(PROBE, *(str(box.root / path) for path in TABLE)) for user in USERS}
        finally:
            keeper.kill()
            keeper.wait()
    told = {path: " ".join(found[user][number] for user in USERS) for number, path in enumerate(TABLE)}
    assert told == TABLE


def test_the_office_reads_what_the_keeper_writes_and_writes_nothing(box: Layout) -> None:
    with site_on(box) as site:
        keeper = keep(box)
        office = Office(site)
        reader = box.users[OFFICE].popen(
            READ, str(SitePaths(box.site).store), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert reader.stdin is not None and reader.stdout is not None
        try:
            for _ in range(5):
                last = office.make(3)
                reader.stdin.write("\n")
                reader.stdin.flush()
                seq, _, wrote = json.loads(reader.stdout.readline())
                assert seq == last and wrote == "attempt to write a readonly database"
        finally:
            reader.kill()
            reader.communicate()
            office.close()
            keeper.kill()
            keeper.wait()


def test_the_office_reads_while_no_keeper_runs(box: Layout) -> None:
    with site_on(box), contextlib.closing(Reader(SitePaths(box.site).store)) as root:
        there = root.position().seq
        with box.users[OFFICE].popen(
            READ, str(SitePaths(box.site).store), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as reader:
            told, _ = reader.communicate("\n", timeout=60)
        assert json.loads(told)[0] == there


def test_each_user_gets_an_answer_to_what_is_its_business_only(box: Layout) -> None:
    with site_on(box):
        keeper = keep(box)
        try:
            told = {user: box.users[user].run(ASK, str(SitePaths(box.site).socket)) for user in USERS}
        finally:
            keeper.kill()
            keeper.wait()
    done, refused = "done", PeerRefusedError.code
    everything = dict.fromkeys(("hello", "login", "identity", "lease", "note", "judge"), done)
    nothing = dict.fromkeys(everything, refused)
    assert told[KEEPER] == everything | {"login": UnknownLoginError.code}
    assert told[OFFICE] == told[GENKAN] == told[KEEPER] | {"identity": refused, "judge": refused}
    assert told[SYNC] == everything | {"identity": refused, "login": refused}
    assert told[INBOX] == nothing | {"hello": done, "note": done}
    assert told[SUPPORT] == nothing
    assert told[NOTICE] == dict.fromkeys(everything, KeeperGoneError.code)  # it does not even reach the socket


@pytest.mark.faults
def test_a_keeper_killed_under_its_own_user_is_healed_by_the_sync_of_another(box: Layout, tmp_path: Path) -> None:
    key, paths = box_key(), SitePaths(box.site)
    with site_on(box, key) as site, cloud_at(tmp_path) as cloud:
        keeper, office = keep(box), Office(site)
        daemon = serve(box, cloud, site.root.sign.verify_key, key)
        try:
            office.make(5)
            until(paths, lambda status: status.sent > 0 and not status.waiting, "all is sent")
            keeper.kill()
            keeper.wait()
            assert box.users[KEEPER].run(ENDED, str(box.site)) is True
            keeper = keep(box)
            last = office.make(3)
            until(paths, lambda status: status.replica_resets == 1 and status.replicated >= last, "made anew")
        finally:
            office.close()
            for process in (daemon, keeper):
                process.terminate()
                process.communicate(timeout=60)
        assert not paths.reset_mark.exists() and not paths.running_mark.exists()
        wanted = Wanted(ORIGIN, site.root.sign.verify_key, known_seq=last)
        report = Restorer(cloud.direct, wanted, tmp_path / "back").run()
        assert report.complete and report.verified.seq >= last


def serve(box: Layout, cloud: Cloud, root: VerifyKey, key: Identity) -> "subprocess.Popen[str]":
    """Start the sync as its own user."""
    store = cloud.direct
    job = {
        "endpoint": store.endpoint,
        "bucket": store.bucket,
        "access": store.access_key,
        "secret": store.secret_key.reveal().decode(),
        "root": root.to_bytes().hex(),
        "key": key.sign.to_bytes().reveal().hex(),
    }
    daemon = box.users[SYNC].popen(DAEMON, str(box.site), stdin=subprocess.PIPE)
    assert daemon.stdin is not None
    daemon.stdin.write(json.dumps(job) + "\n")
    daemon.stdin.flush()
    return daemon


def until(paths: SitePaths, ready: Callable[[Status], bool], what: str) -> None:
    """Wait until the status file says so."""
    wait_until(lambda: (told := read_status(paths)) is not None and ready(told), what)
