"""What somebody without clearance makes who has a valid key and a program of their own.

Invariant: every batch is well-formed and signed by whoever sends it, so only judging can tell what it is.
"""

import contextlib
import os

import msgspec

from appliance.audit import AuditEntry
from appliance.credentials import read_pepper, read_store_key
from crypto.batchkeys import new_batch_key
from crypto.classkeys import ClassKeyPair, certify_class_key, wrap_class_key
from crypto.identity import Identity, open_identity
from crypto.importance import Importance
from crypto.people import sign_people
from crypto.sealing import seal_row
from sync.change import BATCH_DOMAIN, Batch, Change
from sync.client import KeeperClient
from sync.clock import HybridClock, wall_ms
from sync.ids import change_id
from sync.keyring import read_class_keys, read_people
from sync.localstore import IDENTITY_SPACE, LEASE_SECRET
from sync.log import signed_payload
from sync.openrecords import (
    BATCH_KEY,
    CLASS_KEY,
    PEOPLE,
    WRAP,
    class_key_record,
    open_change,
    people_record,
    wrap_record,
)
from sync.reader import Reader, Row
from sync.sealed import SealedStore
from tests.school import PASSPHRASE, School


def identity_of(school: School, name: str) -> Identity:
    """Open somebody's identity as the login does."""
    with contextlib.closing(KeeperClient(school.paths.socket)) as client:
        sealed = client.login_begin(name)
        client.login_done(name)
    return open_identity(sealed, PASSPHRASE, read_pepper(school.site))


def site_secrets(school: School) -> list[bytes]:
    """Return every secret that root finds on the box, those behind the keeper's socket too."""
    found = [path.read_bytes() for path in (school.site / "credentials").iterdir()]
    found.append(read_store_key(school.site).secret_key.reveal())
    with contextlib.closing(KeeperClient(school.paths.socket)) as client:
        for space in ("lease", "sync", "segments", "clock", IDENTITY_SPACE, "login", "fence"):
            found += [value for key in client.local_keys(space) if (value := client.local_get(space, key))]
        lease = client.local_get(*LEASE_SECRET)
    assert lease is not None and lease in found
    return found


class Forger:
    """Sends the keeper well-formed batches that no program of ours would make."""

    def __init__(self, school: School, signer: Identity) -> None:
        self.signer = signer
        self.author = signer.person
        self.reader, self.client = Reader(school.paths.store), KeeperClient(school.paths.socket)
        self.tag = self.reader.origin.tag
        self.writer = os.urandom(8)
        self.clock = HybridClock(wall_ms, self.client.hello().clock)
        self.root = school.board.root

    def name(self) -> bytes:
        return change_id(self.clock.next(), self.tag, self.writer)

    def send(self, *changes: Change) -> int:
        """Have a batch kept; return its first row."""
        batch = Batch(self.writer, 0, self.author, changes, bytes(64))
        signature = self.signer.sign.sign(BATCH_DOMAIN, signed_payload(self.tag, batch))
        return self.client.submit(msgspec.structs.replace(batch, signature=signature)).first_seq

    def made(self, kind: str, record: bytes, importance: int, payload: bytes) -> tuple[Change, Change]:
        """Return a change that stands for itself, sealed as anybody may."""
        row = self.reader.heads("roster.user")[0]._replace(record=record, importance=importance)
        announced, over = self.sealed(row, payload, kind)
        return announced, msgspec.structs.replace(over, base=())

    def sealed(self, row: Row, payload: bytes, kind: str = "") -> tuple[Change, Change]:
        """Return a change over a sealed one, sealed as anybody may: to the class's public key."""
        school = self.reader.origin.school
        public = next(
            p for p in read_class_keys(self.reader, self.root, school) if p.id.importance == row.importance
        )
        key, header = new_batch_key(public, self.author, self.signer.sign)
        announced, name = open_change(self.name(), BATCH_KEY, key.id, (), header), self.name()
        body = seal_row(key, kind or row.kind, row.record, name, payload)
        return announced, Change(
            name, kind or row.kind, row.record, (row.change_id,), row.importance, key.id, body
        )

    def close(self) -> None:
        self.reader.close()
        self.client.close()


def reason_row(store: SealedStore) -> Row:
    return store.reader.heads("attendance.reason")[0]


def forged_changes(forger: Forger, store: SealedStore) -> dict[str, tuple[Change, ...]]:
    """Return what somebody makes who would like to be cleared, or to change what they may not."""
    school, me = forger.reader.origin.school, forger.author
    publics = {p.id.importance: p for p in read_class_keys(forger.reader, forger.root, school)}
    own = ClassKeyPair.generate(publics[Importance.I].id)
    people = read_people(forger.reader, forger.root, school)
    mine = people.person(me)
    assert mine is not None
    everyone = tuple(
        msgspec.structs.replace(p, roles=("principal",), importances=(1, 2, 3, 4)) if p.id == me else p
        for p in people.people
    )
    roster = msgspec.structs.replace(people, version=people.version + 1, people=everyone)
    row = reason_row(store)
    base = (forger.reader.heads(PEOPLE, [people_record(school)])[0].change_id,)
    certificate = certify_class_key(own.public, forger.signer.sign)
    wrap = wrap_class_key(own, me, forger.signer.public.seal)
    signed = sign_people(roster, forger.signer.sign)
    entry = msgspec.msgpack.encode(AuditEntry(action="view", asset="meeting", graded=3, verdict="allow"))
    policy = store.reader.heads("policy.signed")
    return {
        "a wrap": (open_change(forger.name(), WRAP, wrap_record(own.id, me), (), wrap),),
        "a class key": (open_change(forger.name(), CLASS_KEY, class_key_record(own.id), (), certificate),),
        "a roster": (open_change(forger.name(), PEOPLE, people_record(school), base, signed),),
        "a reason": forger.sealed(row, b"x"),
        "a card": forger.sealed(store.reader.heads("emergency.card")[0], b"x"),
        "a disclosure": forger.sealed(row._replace(importance=Importance.III), entry, "breakglass.opened"),
        "a policy": forger.sealed(policy[0] if policy else row, b"x", "policy.signed"),
    }


KINDS = ("a wrap", "a class key", "a roster", "a reason", "a card", "a disclosure", "a policy")
