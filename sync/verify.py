"""Proof that a store is whole: gapless, chained, headed and signed as its writers left it.

Invariant: a store passes only when every change was looked at. Signatures up to the newest checkpoint that its
site validly signed are covered by the chain; those after it (with `full`, all) are checked one by one.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from crypto.signing import VerifyKey
from sync.authority import Authority, Rules
from sync.database import DatabaseError, check_integrity
from sync.errors import BrokenChainError, MixedEpochsError, WrongSchoolError, WrongStoreError
from sync.keyring import read_people, read_rosters
from sync.log import SEQ_MASK
from sync.reader import Reader
from sync.verifypass import Options, Pass, Progress, Verified

# The column types that the file cannot be trusted to have: without them a hash could not even be computed.
_MISSHAPEN: Final = (
    "SELECT id FROM change WHERE typeof(change_id)<>'blob' OR length(change_id)<>24 OR typeof(author)<>'blob'"
    " OR length(author)<>16 OR typeof(kind)<>'text' OR length(kind) NOT BETWEEN 1 AND 48"
    " OR typeof(record)<>'blob' OR length(record)<>16 OR typeof(base)<>'blob' OR length(base)%24<>0"
    " OR length(base)>1536 OR typeof(replaced)<>'blob' OR importance NOT IN (1,2,3,4) OR typeof(key_id)<>'blob'"
    " OR length(key_id) NOT IN (0,16) OR typeof(body)<>'blob' OR typeof(hash)<>'blob'"
    " OR (signature IS NOT NULL AND (typeof(signature)<>'blob' OR length(signature)<>64 OR typeof(writer)<>'blob'"
    " OR length(writer)<>8 OR typeof(number)<>'integer' OR number<0 OR typeof(size)<>'integer' OR size<1))"
    " ORDER BY id LIMIT 1"
)

_DAMAGED: Final = (DatabaseError, TypeError, ValueError)  # a damaged page gives any value to any column


def verify_store(
    path: Path,
    root: VerifyKey,
    school: str,
    *,
    full: bool = False,
    rules: Rules | None = None,
    progress: Progress | None = None,
    proven: Verified | None = None,
) -> Verified:
    """Verify the store at `path` in one pass, while SQLite checks its own structures beside it.

    `proven` is what an earlier call on this machine said of this store, to which something was added since: every
    row is looked at again, but not the signatures that were vouched for then.
    `rules` are what the site judges by; without them, what it held back for its author's role is believed.
    Raises WrongStoreError (also for a damaged file), WrongSchoolError, BrokenChainError, ForgedChangeError,
    HeadsMismatchError, PeopleMissingError, CryptoError; each names the sequence number where it can.
    """
    try:
        reader = Reader(path)
    except DatabaseError as exc:
        raise WrongStoreError(operation="verify store", cause=exc) from exc
    with ThreadPoolExecutor(1, "integrity") as beside:
        structure = beside.submit(check_integrity, path)  # SQLite works outside the interpreter's lock
        try:
            verified = _verify(reader, root, school, Options(full, rules, progress, proven))
            _sound(structure)
        except _DAMAGED as exc:
            raise WrongStoreError(operation="verify store", cause=exc) from exc
        finally:
            reader.close()
    return verified


def _verify(reader: Reader, root: VerifyKey, school: str, options: Options) -> Verified:
    if reader.origin.school != school:
        found = reader.origin.school
        raise WrongSchoolError(operation="verify store", subject=found, found=found, wanted=school)
    with reader.snapshot():
        _check_shapes(reader)
        if reader.origin not in reader.origins():
            raise MixedEpochsError(operation="verify store", subject=reader.origin.prefix)
        read_people(reader, root, school)  # a store without a roster proves nothing
        authority = Authority(read_rosters(reader, root, school), options.rules or Rules())
        return Pass(reader, authority, options).run()


def _sound(structure: "Future[str]") -> None:
    fault = structure.result()
    if fault:
        raise WrongStoreError(operation="verify store", subject=fault)


def _check_shapes(reader: Reader) -> None:
    for (row_id,) in reader.rows(_MISSHAPEN):
        seq = row_id & SEQ_MASK
        raise BrokenChainError(operation="verify store", subject=f"shape of {seq}", seq=seq)
