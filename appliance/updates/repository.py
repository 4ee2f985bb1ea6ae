"""The board's folder of updates: whose signatures count, what the newest release is, and signing it.

Invariant: what becomes metadata carries the signatures that it takes (two officers for roots and releases); a step
that was cut off is done again by the same command. A private key is in here only sealed: the one that vouches
for freshness; the officers keep theirs elsewhere.

    staged/      root.json, targets.json: drafts that wait for signatures
    metadata/    what is published, each version a file of its own
    targets/     the files of the releases, in pieces
    keys/        online.sealed: signs snapshots and timestamps
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar, cast

from securesystemslib.signer import SSlibKey
from tuf.api import exceptions as tuf
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from appliance.provision.bundle import Bundle
from appliance.provision.manifest import FILE_NAME
from appliance.updates.errors import OfficerKeyError, RepositoryStateError, UpdateUnsignedError
from appliance.updates.keys import KeySigner, make_key
from appliance.updates.places import PIECE, hashed, piece_key
from crypto.identity import KdfProfile
from sync.atomic import atomic_write

THRESHOLD: Final = 2
OFFICERS: Final = (Root.type, Targets.type)
ONLINE: Final = (Snapshot.type, Timestamp.type)
LIVES: Final = {Root.type: 730, Targets.type: 730, Snapshot.type: 30, Timestamp.type: 30}  # days
_Signed = TypeVar("_Signed", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class Draft:
    """Something that waits for signatures: what it is, its version, who signed, how many signatures it takes."""

    role: str
    version: int
    signed: tuple[str, ...]
    threshold: int
    release: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """A folder of updates."""

    path: Path

    @property
    def online_key(self) -> Path:
        """Return the file of the sealed key that signs snapshots and timestamps."""
        return self.path / "keys" / "online.sealed"

    def init(self, passphrase: str, now: datetime, profile: KdfProfile = KdfProfile.STANDARD) -> None:
        """Begin: make the online key and the draft of the first root; raises RepositoryStateError."""
        if self._newest(Root.type) or self._staged(Root.type).exists():
            raise RepositoryStateError(operation="begin updates", subject=str(self.path), problem="begun already")
        for folder in ("staged", "metadata", "targets", "keys"):
            (self.path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.online_key.unlink(missing_ok=True)  # of a beginning that was cut off: nothing was signed with it
        online = make_key(self.online_key, passphrase, profile)
        root = Root(version=1, expires=_until(Root.type, now), consistent_snapshot=True)
        for role in ONLINE:
            root.add_key(online, role)
        for role in OFFICERS:
            root.roles[role].threshold = THRESHOLD
        self._stage(Metadata(root))

    def add_key(self, key: SSlibKey, now: datetime) -> Draft:
        """Let an officer's signature count, once the others have signed that; raises OfficerKeyError."""
        draft = self._root_draft(now)
        if key.keyid in draft.signed.keys:
            raise OfficerKeyError(operation="add key", subject=key.keyid[:12], file=key.keyid[:12])
        for role in OFFICERS:
            draft.signed.add_key(key, role)
        return self._stage(draft)

    def remove_key(self, key: SSlibKey, now: datetime) -> Draft:
        """Let an officer's signature no longer count; raises OfficerKeyError, RepositoryStateError."""
        draft = self._root_draft(now)
        if key.keyid not in draft.signed.roles[Root.type].keyids:
            raise OfficerKeyError(operation="remove key", subject=key.keyid[:12], file=key.keyid[:12])
        if len(draft.signed.roles[Root.type].keyids) <= THRESHOLD:
            raise RepositoryStateError(operation="remove key", problem=f"only {THRESHOLD} officers are left")
        for role in OFFICERS:
            draft.signed.revoke_key(key.keyid, role)
        return self._stage(draft)

    def stage(self, bundle: Bundle, now: datetime) -> Draft:
        """Lay a release in and draft what the officers have to sign."""
        newest = self._newest(Targets.type)
        files = {name: bundle.file(name) for name in (*bundle.manifest.files, FILE_NAME)}
        targets = {name: TargetFile.from_data(name, raw, ["sha256"]) for name, raw in files.items()}
        for name, raw in files.items():
            self._lay(hashed(name, targets[name].hashes["sha256"]), raw)
        signed = Targets(version=newest + 1, expires=_until(Targets.type, now), targets=targets)
        signed.unrecognized_fields["x-kurabako"] = {"version": bundle.version, "manifest": bundle.digest}
        return self._stage(Metadata(signed))

    def drafts(self) -> tuple[Draft, ...]:
        """Return what waits for signatures."""
        return tuple(self._draft(self._read(self._staged(r))) for r in OFFICERS if self._staged(r).exists())

    def sign(self, signer: KeySigner) -> tuple[Draft, ...]:
        """Put an officer's signature under every draft where it counts; raises OfficerKeyError where none is."""
        keyid, done = signer.public_key.keyid, []
        for role in OFFICERS:
            if self._staged(role).exists():
                draft = self._read(self._staged(role))
                if any(keyid in root.roles[role].keyids for root in self._judges(draft)):
                    draft.sign(signer, append=True)
                    done.append(self._stage(draft))
        if not done:
            raise OfficerKeyError(operation="sign", subject=keyid[:12], file=keyid[:12])
        return tuple(done)

    def publish(self, online: KeySigner, now: datetime) -> int:
        """Make signed drafts count and vouch for the newest state; return the timestamp's version.

        Without drafts it only renews that; before the first release there is nothing to vouch for (0). Raises
        UpdateUnsignedError, RepositoryStateError.
        """
        for role in OFFICERS:
            if self._staged(role).exists():
                self._settle(self._read(self._staged(role)))
        if not self._newest(Root.type):
            raise RepositoryStateError(operation="publish updates", problem="no root was signed")
        newest = self._newest(Targets.type)
        if not newest:
            return 0
        snapshot = Snapshot(self._newest(Snapshot.type) + 1, expires=_until(Snapshot.type, now))
        snapshot.meta = {"targets.json": _note(newest, self._file(Targets.type, newest).read_bytes())}
        raw = self._write(Metadata(snapshot), online)
        stamped = Timestamp(self._stamp() + 1, expires=_until(Timestamp.type, now))
        stamped.snapshot_meta = _note(snapshot.version, raw)
        self._write(Metadata(stamped), online)
        return stamped.version

    def root(self) -> bytes:
        """Return the newest root that counts: what a box is given at its birth; raises RepositoryStateError."""
        version = self._newest(Root.type)
        if not version:
            raise RepositoryStateError(operation="read root", problem="no root was signed")
        return self._file(Root.type, version).read_bytes()

    def metadata(self) -> Sequence[Path]:
        """Return the files of published metadata, in the order in which they may be sent."""
        stamp = self.path / "metadata" / "timestamp.json"
        return [*sorted(path for path in stamp.parent.glob("*.*.json")), stamp]

    def targets(self) -> Sequence[str]:
        """Return the names with hashes of the files of the newest release."""
        newest = self._newest(Targets.type)
        if not self._stamp():
            raise RepositoryStateError(operation="send updates", problem="no release was published")
        signed = cast(Targets, self._read(self._file(Targets.type, newest)).signed)
        return [hashed(name, target.hashes["sha256"]) for name, target in signed.targets.items()]

    def _settle(self, draft: Metadata[Root] | Metadata[Targets]) -> None:
        """Make a draft count if it carries the signatures that it takes."""
        role, version = draft.signed.type, draft.signed.version
        for root in self._judges(draft):
            try:
                root.verify_delegate(role, draft.signed_bytes, draft.signatures)
            except tuf.UnsignedMetadataError as exc:
                raise UpdateUnsignedError(operation="publish updates", cause=exc, problem=str(exc)) from exc
        atomic_write(self._file(role, version), draft.to_bytes(), mode=0o644)
        self._staged(role).unlink()

    def _judges(self, draft: Metadata[Root] | Metadata[Targets]) -> list[Root]:
        """Return the roots by which a draft's signatures count: for a root, the one before and itself."""
        version = self._newest(Root.type)
        before = [cast(Root, self._read(self._file(Root.type, version)).signed)] if version else []
        if isinstance(draft.signed, Root):
            return [*before, draft.signed]
        staged = self._staged(Root.type)
        return before or ([cast(Root, self._read(staged).signed)] if staged.exists() else [])

    def _root_draft(self, now: datetime) -> Metadata[Root]:
        if self._staged(Root.type).exists():
            draft = cast(Metadata[Root], self._read(self._staged(Root.type)))
            draft.signatures.clear()  # what was signed is about to change
            return draft
        version = self._newest(Root.type)
        if not version:
            raise RepositoryStateError(operation="change root", problem="not begun")
        root = cast(Root, self._read(self._file(Root.type, version)).signed)
        root.version, root.expires = version + 1, _until(Root.type, now)
        return Metadata(root)

    def _draft(self, draft: Metadata[Root] | Metadata[Targets]) -> Draft:
        told = draft.signed.unrecognized_fields.get("x-kurabako", {})
        release = f"{told.get('version', '')} {told.get('manifest', '')}".strip()
        return Draft(draft.signed.type, draft.signed.version, tuple(draft.signatures), THRESHOLD, release)

    def _stage(self, draft: Metadata[Root] | Metadata[Targets]) -> Draft:
        atomic_write(self._staged(draft.signed.type), draft.to_bytes(), mode=0o644)
        return self._draft(draft)

    def _write(self, metadata: Metadata[Snapshot] | Metadata[Timestamp], signer: KeySigner) -> bytes:
        metadata.sign(signer)
        raw = metadata.to_bytes()
        signed = metadata.signed
        stamp = self.path / "metadata" / "timestamp.json"
        file = stamp if isinstance(signed, Timestamp) else self._file(Snapshot.type, signed.version)
        atomic_write(file, raw, mode=0o644)
        return raw

    def _lay(self, name: str, raw: bytes) -> None:
        for number in range(max(1, -(-len(raw) // PIECE))):
            file = self.path / piece_key(name, number)
            piece = raw[number * PIECE : (number + 1) * PIECE]
            if not (file.is_file() and file.read_bytes() == piece):
                file.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(file, piece, mode=0o644)

    def _newest(self, role: str) -> int:
        found = (path.name.split(".")[0] for path in (self.path / "metadata").glob(f"*.{role}.json"))
        return max((int(number) for number in found if number.isdecimal()), default=0)

    def _stamp(self) -> int:
        file = self.path / "metadata" / "timestamp.json"
        return self._read(file).signed.version if file.exists() else 0

    def _file(self, role: str, version: int) -> Path:
        return self.path / "metadata" / f"{version}.{role}.json"

    def _staged(self, role: str) -> Path:
        return self.path / "staged" / f"{role}.json"

    def _read(self, file: Path) -> "Metadata[Root] | Metadata[Targets]":
        try:
            return cast("Metadata[Root]", Metadata.from_bytes(file.read_bytes()))
        except (OSError, tuf.RepositoryError, ValueError) as exc:
            raise RepositoryStateError(
                operation="read updates", subject=file.name, cause=exc, problem=file.name
            ) from exc


def _note(version: int, raw: bytes) -> MetaFile:
    """Return how metadata names other metadata: with its hash, so that parts of two states never fit together."""
    return MetaFile.from_data(version, raw, ["sha256"])


def _until(role: str, now: datetime) -> datetime:
    return (now.astimezone(UTC) + timedelta(days=LIVES[role])).replace(microsecond=0)
