"""A visit to a hub as a task: what a worker is told, does, and tells.

Invariant: a task carries what the hub itself has (its signing key, the key that opens lease escrows, its key pair
of the store), nothing of an officer's; a worker keeps the keys in memory only. Its copy of a hub lies where the
other workers of its machine find it when it was lost; all of them may be lost at any moment.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.folder import ReplicaPlace
from appliance.board.restored import store_of
from appliance.messages import explain
from appliance.policy import writing_rules
from appliance.region.cluster import scratch_folder, worker_address
from appliance.region.stores import kept_store
from crypto.secret import Secret
from crypto.signing import SigningKey, VerifyKey
from sync.errors import AnotherWriterError
from sync.hubimage import bring_up
from sync.hubvisit import Visited, visit
from sync.ids import Origin, Site
from sync.leaseissuer import HUB_SECRET
from sync.settings import Settings
from sync.site import SitePaths
from sync.stores import Store

_TRIES: Final = 3


class Errand(msgspec.Struct, frozen=True):
    """`secret` opens lease escrows; `checkpoint_s` is the hub's own setting."""

    place: ReplicaPlace
    root: bytes
    key: bytes
    secret: bytes
    checkpoint_s: float = 60.0

    def __repr__(self) -> str:  # a cluster may log what it was given
        return f"Errand({self.place.school})"


class Outcome(msgspec.Struct, frozen=True):
    """What came of a visit: `code` is why it failed, "" when it did not; `told` is None where it did."""

    worker: str
    told: Visited | None = None
    code: str = ""
    cold: bool = False


def visit_one(errand: Errand) -> Outcome:
    """Visit one school's hub; this is what a worker runs. Never raises."""
    try:
        return _visit(errand)
    except Exception as error:  # noqa: BLE001 - one school's trouble is told, and holds up no other
        return Outcome(worker_address(), code=explain(error).code)


def _visit(errand: Errand) -> Outcome:
    """Visit with the copy that is here, or bring one up; give way to whoever was quicker, then look again."""
    origin, settings = Origin(errand.place.school, Site.HUB, 1), _settings(errand)
    store = kept_store(errand.place)
    scratch = scratch_folder()
    machine = Path(scratch).parent if scratch else Path(tempfile.gettempdir())
    folder = machine / "kurabako-hubs" / errand.root.hex()[:16] / origin.school
    for _ in range(_TRIES):
        cold = not (folder / "school.db").exists()
        if cold:
            _bring_up(folder, origin, settings, store)
        try:
            secrets = {HUB_SECRET: errand.secret} if errand.secret else {}
            return Outcome(worker_address(), visit(SitePaths(folder), settings, secrets, store), cold=cold)
        except AnotherWriterError:
            shutil.rmtree(folder)
    return Outcome(worker_address(), code=AnotherWriterError.code)


def _bring_up(folder: Path, origin: Origin, settings: Settings, store: Store) -> None:
    """Bring a hub up beside its place first: a worker may be lost meanwhile, and its scratch folder be kept."""
    work = folder.with_name(f".{folder.name}")
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    bring_up(SitePaths(work), origin, settings, store)
    work.rename(folder)


def _settings(errand: Errand) -> Settings:
    return Settings(
        store_of(errand.place),
        VerifyKey.from_bytes(errand.root),
        SigningKey.from_bytes(Secret(errand.key)),
        checkpoint_every_s=errand.checkpoint_s,
        rules=writing_rules(),
    )
