"""A bucket of anything that speaks S3 as a store of objects.

Invariant: an answer of `get` is the store's, never a cache's; failures tell an unreachable store from one that
answers and refuses. No retries here: the callers are loops that decide.
"""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import certifi
import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from crypto.secret import Secret
from sync.errors import StoreRefusedError, StoreUnreachableError, UnconditionalStoreError
from sync.stores import key_names

_SLOWEST: Final = 4_000  # bytes/s; half of what a line of 64 kbit/s carries
_SHORT: Final = 16 * 1024  # so much goes out within any patience
_LONGEST: Final = 1024 * 1024
_NO_ROOTS: Final = "No CA certificates"
_ROOTS: Final = "SSL_CERT_FILE"
_NO_BUCKET: Final = "<Code>NoSuchBucket</Code>"
# The text of a failure also holds the address that was asked: a port such as 40312 is no status.
_REFUSED: Final = re.compile(
    r"status code: 40[13]\b|<Code>(NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch)</Code>"
)


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where a bucket is and the key pair that opens it. `endpoint` is a URL such as https://s3.example."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: Secret


class ObjectStore:
    """One bucket."""

    def __init__(self, config: StoreConfig, timeout_s: float = 5.0) -> None:
        self._config = config
        self._timeout_s = timeout_s
        self._store = self._open(timeout_s, timeout_s + _LONGEST / _SLOWEST)
        self._senders: dict[int, S3Store] = {}

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, None when there is none; raises StoreUnreachableError, StoreRefusedError."""
        try:
            return bytes(obstore.get(self._store, _checked(key)).bytes())
        except (NotFoundError, FileNotFoundError) as exc:
            if _NO_BUCKET in str(exc):
                raise self._failure("read object", exc) from exc
            return None
        except (BaseError, PermissionError) as exc:
            raise self._failure("read object", exc) from exc

    def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of what stood there; raises StoreUnreachableError, StoreRefusedError."""
        try:
            obstore.put(self._sender(len(data)), _checked(key), data)
        except (BaseError, OSError) as exc:  # a 404 to a PUT comes as FileNotFoundError
            raise self._failure("store object", exc) from exc

    def create(self, key: str, data: bytes) -> bool:
        """Store an object where none stands; return whether it was this call that did.

        A store that knows no conditions (rclone) is asked first, which does not keep two creators apart.
        """
        if self.get(key) is not None:
            return False
        try:
            obstore.put(self._sender(len(data)), key, data, mode="create")
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as exc:
            raise self._failure("store object", exc) from exc
        return True

    def require_conditions(self, prefix: str) -> None:
        """Return when the store keeps two creators apart; raises UnconditionalStoreError."""
        key = f"{prefix}/conditions"
        self.put(key, b"")
        try:
            obstore.put(self._store, _checked(key), b"", mode="create")
        except AlreadyExistsError:
            return
        except (BaseError, OSError) as exc:
            raise self._failure("store object", exc) from exc
        where = self._config.endpoint
        raise UnconditionalStoreError(operation="create object", subject=where, endpoint=where)

    def probe(self, prefix: str) -> None:
        """Ask for one object that need not be there; returns when the store answers."""
        self.get(f"{prefix}/probe")

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return key → bytes of every object under a prefix."""
        try:
            below = _checked(prefix) if prefix else None
            return {entry["path"]: entry["size"] for page in obstore.list(self._store, below) for entry in page}
        except (NotFoundError, FileNotFoundError):
            return {}
        except (BaseError, PermissionError) as exc:
            raise self._failure("list objects", exc) from exc

    def _open(self, silent_s: float, whole_s: float) -> S3Store:
        """Return a client: so long nothing may come in (sending counts as silence), so long a request may take."""
        try:
            return self._client(silent_s, whole_s)
        except BaseError as exc:
            if _NO_ROOTS not in str(exc) or _ROOTS in os.environ:
                raise
        # A bare Debian has no certificate authorities; children (Litestream, the self-check) take this over.
        os.environ[_ROOTS] = certifi.where()
        return self._client(silent_s, whole_s)

    def _client(self, silent_s: float, whole_s: float) -> S3Store:
        config = self._config
        return S3Store(
            config.bucket,
            endpoint=config.endpoint,
            region=config.region,
            access_key_id=config.access_key,
            secret_access_key=config.secret_key.reveal().decode(),
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": True,
                "timeout": timedelta(seconds=whole_s),
                "read_timeout": timedelta(seconds=silent_s),
                "connect_timeout": timedelta(seconds=min(2.0, self._timeout_s)),
            },
            retry_config={"max_retries": 0},
        )

    def _sender(self, size: int) -> S3Store:
        """Return a client that waits as long as sending so many bytes may take."""
        if size <= _SHORT:
            return self._store
        room = 1 << (size - 1).bit_length()
        if room not in self._senders:
            patience_s = self._timeout_s + room / _SLOWEST
            self._senders[room] = self._open(patience_s, patience_s)
        return self._senders[room]

    def _failure(self, operation: str, exc: BaseException) -> StoreRefusedError | StoreUnreachableError:
        where = self._config.endpoint
        answered = isinstance(
            exc, PermissionError | PermissionDeniedError | UnauthenticatedError
        ) or _REFUSED.search(str(exc))
        kind = StoreRefusedError if answered else StoreUnreachableError
        return kind(operation=operation, subject=where, retry_safe=True, cause=exc, endpoint=where)


def _checked(key: str) -> str:
    return "/".join(key_names(key))
