"""Reading back from the object store, independently of the program that wrote there.

Invariant: an answer of `get` is the store's, never a cache's; failures tell an unreachable store from one that
answers and refuses. No retries here: the callers are loops that decide.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

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
from sync.errors import StoreRefusedError, StoreUnreachableError

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
        self._store = S3Store(
            config.bucket,
            endpoint=config.endpoint,
            region=config.region,
            access_key_id=config.access_key,
            secret_access_key=config.secret_key.reveal().decode(),
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": True,
                "timeout": timedelta(seconds=timeout_s),
                "connect_timeout": timedelta(seconds=min(2.0, timeout_s)),
            },
            retry_config={"max_retries": 0},
        )

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, None when there is none; raises StoreUnreachableError, StoreRefusedError."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (NotFoundError, FileNotFoundError) as exc:
            if _NO_BUCKET in str(exc):
                raise self._failure("read object", exc) from exc
            return None
        except BaseError as exc:
            raise self._failure("read object", exc) from exc

    def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of what stood there; raises StoreUnreachableError, StoreRefusedError."""
        try:
            obstore.put(self._store, key, data)
        except BaseError as exc:
            raise self._failure("store object", exc) from exc

    def create(self, key: str, data: bytes) -> bool:
        """Store an object where none stands; return whether it was this call that did.

        A store that knows no conditions (rclone) is asked first, which does not keep two creators apart.
        """
        if self.get(key) is not None:
            return False
        try:
            obstore.put(self._store, key, data, mode="create")
        except AlreadyExistsError:
            return False
        except BaseError as exc:
            raise self._failure("store object", exc) from exc
        return True

    def probe(self, prefix: str) -> None:
        """Ask for one object that need not be there; returns when the store answers."""
        self.get(f"{prefix}/probe")

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return name → bytes of every object under a prefix."""
        try:
            return {entry["path"]: entry["size"] for page in obstore.list(self._store, prefix) for entry in page}
        except (NotFoundError, FileNotFoundError):
            return {}
        except BaseError as exc:
            raise self._failure("list objects", exc) from exc

    def _failure(self, operation: str, exc: BaseException) -> StoreRefusedError | StoreUnreachableError:
        where = self._config.endpoint
        answered = isinstance(exc, PermissionDeniedError | UnauthenticatedError) or _REFUSED.search(str(exc))
        kind = StoreRefusedError if answered else StoreUnreachableError
        return kind(operation=operation, subject=where, retry_safe=True, cause=exc, endpoint=where)
