"""Failures of the sealed store and of replication.

Invariant: one subclass per failure, one stable code each; 001–039 the store, 040–079 replication.
"""

from crypto.errors import KurabakoError


class SyncError(KurabakoError):
    """Base of every failure of the sync layer."""

    code = "SYNC-000"


class SqliteTooOldError(SyncError):
    """The SQLite library has the WAL-reset corruption bug (before 3.51.3)."""

    code = "SYNC-001"


class SecondKeeperError(SyncError):
    """Another keeper already writes this site."""

    code = "SYNC-002"


class KeeperGoneError(SyncError):
    """The keeper did not answer in time; whether the last entry was kept is unknown."""

    code = "SYNC-003"


class DiskFullError(SyncError):
    """The keeper could not write; nothing of this request was kept."""

    code = "SYNC-004"


class BadBatchError(SyncError):
    """A batch has the wrong structure; nothing of it was kept."""

    code = "SYNC-005"


class PeerRefusedError(SyncError):
    """The process at the other end of the socket runs as a user that may not write."""

    code = "SYNC-006"


class PeerNameError(SyncError):
    """The configuration lets a user or group speak to the keeper that this machine does not know."""

    code = "SYNC-030"


class LoginLockedError(SyncError):
    """Too many failed logins; `wait_s` seconds must pass."""

    code = "SYNC-007"


class WrongStoreError(SyncError):
    """The database belongs to another school, site or epoch, or is no sealed store at all."""

    code = "SYNC-008"


class NotClearedError(SyncError):
    """This person has no wrap for the class of this importance."""

    code = "SYNC-009"


class BrokenChainError(SyncError):
    """The change log has a gap, or a hash does not fit, from change `seq` on."""

    code = "SYNC-010"


class ForgedChangeError(SyncError):
    """A batch's signature does not fit its author, or the author is not in the signed roster."""

    code = "SYNC-011"


class HeadsMismatchError(SyncError):
    """The heads do not follow from the changes."""

    code = "SYNC-012"


class PeopleMissingError(SyncError):
    """The store holds no roster of people signed by the board."""

    code = "SYNC-013"


class SiteExistsError(SyncError):
    """A site already stands at this path."""

    code = "SYNC-014"


class UnknownLoginError(SyncError):
    """There is no identity for this login on this box."""

    code = "SYNC-015"


class ClockAheadError(SyncError):
    """A change carries a time far ahead of the keeper's clock."""

    code = "SYNC-016"


class RefusedError(SyncError):
    """The keeper refused a request for a reason that this program has no class for."""

    code = "SYNC-017"


class WrongSchoolError(SyncError):
    """The store or replica holds another school's data."""

    code = "SYNC-018"


class ReadOnlyError(SyncError):
    """This store was opened for reading only, such as a restored one."""

    code = "SYNC-019"


class SupersededError(SyncError):
    """A newer box took over for this one: it only reads."""

    code = "SYNC-020"


class RolledBackError(SyncError):
    """The store lacks changes, or holds others, than the other side countersigned."""

    code = "SYNC-021"


class SegmentError(SyncError):
    """A segment is damaged, of another origin, or does not follow the one before it."""

    code = "SYNC-022"


class BrokenSegmentChainError(SyncError):
    """Segments of one origin contradict each other: two writers, or a store that was rolled back."""

    code = "SYNC-023"


class MixedEpochsError(SyncError):
    """The store mixes changes of two lives of a site, or says that it is one that it is not."""

    code = "SYNC-024"


class BlobDamagedError(SyncError):
    """The bytes of a sealed document on this disk are not those that its name stands for."""

    code = "SYNC-025"


class BlobMissingError(SyncError):
    """A sealed document is not on this disk."""

    code = "SYNC-026"


class BlobFolderError(SyncError):
    """The folder of sealed documents cannot be read or written, or has no room; no document was touched."""

    code = "SYNC-027"


class StoreUnreachableError(SyncError):
    """The object store does not answer."""

    code = "SYNC-040"


class StoreRefusedError(SyncError):
    """The object store answers, but refuses the key pair or does not know the bucket."""

    code = "SYNC-041"


class ReplicatorError(SyncError):
    """Litestream did not do what it was asked, or not in time."""

    code = "SYNC-042"


class NoReplicaError(SyncError):
    """There is no replica at this place."""

    code = "SYNC-043"


class ReplicaCorruptError(SyncError):
    """Nothing in the replica passes verification."""

    code = "SYNC-044"


class RestoreTargetError(SyncError):
    """The folder to restore into is not empty."""

    code = "SYNC-045"


class NoPointError(SyncError):
    """The replica does not go back to the time that was asked for."""

    code = "SYNC-046"


class ProgramMissingError(SyncError):
    """A program that comes with Kurabako (Litestream, rclone) is not where it should be."""

    code = "SYNC-047"


class ClockBehindError(SyncError):
    """This machine's clock stands far behind what the log has seen; entries keep their order all the same."""

    code = "SYNC-048"


class HostKeyError(SyncError):
    """The SFTP server shows another host key than the one that is pinned."""

    code = "SYNC-049"


class NotLeasedError(SyncError):
    """The school's box opens without leases: it was made before there were any."""

    code = "SYNC-050"


class HubKeyMissingError(SyncError):
    """The hub's key for locking wraps is not here, or does not open them."""

    code = "SYNC-051"


class LeaseRevokedError(SyncError):
    """The board revoked this box's lease; only `board lease allow` makes another one."""

    code = "SYNC-052"


class LeaseLapsedError(SyncError):
    """The box's lease is over: importance I and II stay closed until the board's hub sends the next one."""

    code = "SYNC-053"


class BlobAbsentError(SyncError):
    """The store holds no whole copy of a sealed document: it was not sent, or not to its end."""

    code = "SYNC-054"


class BlobAlteredError(SyncError):
    """The store gives other bytes of a sealed document than were sent; nothing of them is used."""

    code = "SYNC-055"


class AnotherWriterError(SyncError):
    """Another visit to this hub was quicker: what stands in the store is not what was to be put there."""

    code = "SYNC-056"


class UnconditionalStoreError(SyncError):
    """The store takes a second object in the place of one that was to be created once. Params: `endpoint`."""

    code = "SYNC-057"


class DivergedStoresError(SyncError):
    """Two stores of one site are not of one past: a log goes apart, or its heads do. Params: `log`."""

    code = "SYNC-058"
