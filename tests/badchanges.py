"""Changes that only another program makes: well signed, and nobody can read them."""

import msgspec

from sync.change import BATCH_DOMAIN, Batch, Change
from sync.log import signed_payload
from sync.sealed import Draft, SealedStore


def keep_damaged(store: SealedStore, draft: Draft) -> None:
    """Keep a draft as a change with one bent bit, signed as it is."""
    identity, changes = store._signer(), list[Change]()
    store._add(draft, identity, changes)
    body = bytearray(changes[-1].body)
    body[-1] ^= 1
    changes[-1] = msgspec.structs.replace(changes[-1], body=bytes(body))
    unsigned = Batch(store._writer, store._number, identity.person, tuple(changes), b"")
    signature = identity.sign.sign(BATCH_DOMAIN, signed_payload(store._tag, unsigned))
    assert store.client is not None
    store.client.submit(msgspec.structs.replace(unsigned, signature=signature))
    store._number += 1
