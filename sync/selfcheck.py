"""The box's own verified restore, as a process of its own so that its memory goes back when it ends.

Invariant: it reads only the object store, writes only into its own folder and leaves one result: how far the
replica was restored and proven, or the code of what is wrong with it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from crypto.errors import KurabakoError
from crypto.secret import Secret
from crypto.signing import VerifyKey
from sync.atomic import atomic_write
from sync.authority import Rules
from sync.errors import MixedEpochsError, NoReplicaError, ReplicaCorruptError, WrongSchoolError
from sync.ids import Origin, Site
from sync.litestream import environment
from sync.objectstore import StoreConfig
from sync.programs import start_child, stop_child
from sync.restore import Restorer, Wanted
from sync.site import SitePaths

_RESULT: Final = "selfcheck.json"
_LOST: Final = (NoReplicaError, WrongSchoolError, MixedEpochsError)  # in a place where this site alone writes


class SelfCheck(msgspec.Struct, frozen=True):
    """`seq` was restored and proven; `problem` is the code of what was wrong, or empty."""

    seq: int
    problem: str


class _Job(msgspec.Struct, frozen=True):
    endpoint: str
    bucket: str
    region: str
    school: str
    site: str
    epoch: int
    root: str
    known_seq: int
    known_chain: bytes
    rules: Rules


class SelfCheckRun:
    """One run in the background. Start and stop it from the main thread."""

    def __init__(self, paths: SitePaths) -> None:
        self._folder = paths.run / "selfcheck"
        self._result = paths.run / _RESULT
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Say whether a run has been started whose result was not taken."""
        return self._child is not None

    def start(self, store: StoreConfig, wanted: Wanted) -> None:
        """Start restoring; everything up to `wanted.known_seq` must be there, in the replica itself."""
        self._result.unlink(missing_ok=True)
        origin = wanted.origin
        job = _Job(
            store.endpoint,
            store.bucket,
            store.region,
            origin.school,
            str(origin.site),
            origin.epoch,
            wanted.root.to_bytes().hex(),
            wanted.known_seq,
            wanted.known_chain,
            wanted.rules or Rules(),
        )
        command = [sys.executable, "-m", "sync.selfcheck", str(self._folder), msgspec.json.encode(job).decode()]
        self._child = start_child(command, environment(store))

    def result(self) -> SelfCheck | None:
        """Return the outcome once, or None while it runs."""
        if self._child is None or self._child.poll() is None:
            return None
        self._child = None
        try:
            return msgspec.json.decode(self._result.read_bytes(), type=SelfCheck)
        except (OSError, msgspec.DecodeError):
            return SelfCheck(0, "SYNC-042")

    def stop(self) -> None:
        """End a run that is under way."""
        stop_child(self._child, 4.0)
        self._child = None
        shutil.rmtree(self._folder, ignore_errors=True)


def check(store: StoreConfig, wanted: Wanted, folder: Path) -> SelfCheck:
    """Restore into `folder`, verify, and remove it again."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        report = Restorer(store, wanted, folder).run()
    except _LOST:
        return SelfCheck(0, ReplicaCorruptError.code)
    except KurabakoError as error:
        return SelfCheck(0, error.code)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # Anything less than the newest state, whole, means that this replica must be replaced while the box still can.
    return SelfCheck(report.verified.seq, "" if report.complete else ReplicaCorruptError.code)


def main() -> int:
    """Run as `python -m sync.selfcheck FOLDER JOB`; the key pair comes from the environment."""
    folder, job = Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=_Job)
    secret = Secret(os.environ["KURABAKO_STORE_SECRET"].encode())
    store = StoreConfig(job.endpoint, job.bucket, job.region, os.environ["KURABAKO_STORE_ACCESS"], secret)
    origin = Origin(job.school, Site(job.site), job.epoch)
    wanted = Wanted(
        origin,
        VerifyKey.from_bytes(bytes.fromhex(job.root)),
        known_seq=job.known_seq,
        known_chain=job.known_chain,
        rules=job.rules,
        segments=False,
    )
    atomic_write(folder.parent / _RESULT, msgspec.json.encode(check(store, wanted, folder)), durable=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
