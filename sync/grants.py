"""Grants: the board's word that a site may write in an epoch of its own.

Invariant: a grant is believed only under the board's root signature; an epoch is granted once (the object is
created only where none stands), so of two operators who replace one box one loses.
"""

from typing import Final

import msgspec

from crypto.errors import ContextMismatchError, CryptoError, MalformedError
from crypto.signedform import SignedForm
from crypto.signing import SigningKey, VerifyKey
from sync.ids import Origin, Site
from sync.openrecords import GRANT, grant_record
from sync.reader import Reader

VERSION: Final = 1
DOMAIN: Final = "kurabako/grant/v1"


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who writes as `school`/`site`/`epoch`: the site's signature key. `issued_ms` is ms since 1970."""

    school: str
    site: str
    epoch: int
    sign_key: bytes
    issued_ms: int

    @property
    def origin(self) -> Origin:
        """Return the origin that it speaks of."""
        return Origin(self.school, Site(self.site), self.epoch)


_FORM: Final = SignedForm(Grant, VERSION, DOMAIN, "grant")


def sign_grant(grant: Grant, root: SigningKey) -> bytes:
    """Sign a grant: version, msgpack body, signature of the board's root."""
    return _FORM.sign(grant, root)


def open_grant(blob: bytes, root: VerifyKey, school: str) -> Grant:
    """Check and read a grant.

    Raises UnknownVersionError, MalformedError, BadSignatureError, ContextMismatchError (another school's).
    """
    grant = _FORM.open(blob, root)
    if grant.site not in tuple(Site):
        raise MalformedError(operation="open grant", subject="site")
    if grant.school != school:
        raise ContextMismatchError(operation="open grant", subject="school")
    return grant


def grant_name(origin: Origin) -> str:
    """Return the name of a grant's object in the bucket."""
    return f"{origin.school}/grants/{origin.site}-{origin.epoch:08d}"


def read_grants(reader: Reader, root: VerifyKey) -> list[Grant]:
    """Return the grants of the school that the board signed, by site and epoch; others are passed over.

    Of two for one epoch the one issued last counts: an old one that is put back says nothing new.
    """
    school, found = reader.origin.school, dict[tuple[str, int], Grant]()
    for site in Site:
        for row in reader.history(GRANT, grant_record(school, site)):
            try:
                grant = open_grant(row.body, root, school)
            except CryptoError:
                continue  # not vouched for: as if it were not there
            held = found.get((grant.site, grant.epoch))
            if grant.site == site and (held is None or held.issued_ms < grant.issued_ms):
                found[grant.site, grant.epoch] = grant
    return [found[key] for key in sorted(found)]
