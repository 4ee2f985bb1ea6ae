"""The root of every error Kurabako raises, and the failures of the crypto layer.

Invariant: an error carries a stable code, what was attempted, on what, and whether a retry is safe. The
sentence a person reads lives in `appliance/catalogue`, keyed by the code, so no layer words its own errors
and no personal data or secret can slip into one.
"""

from typing import ClassVar


class KurabakoError(Exception):
    """Carry a coded failure upwards.

    `operation` is an imperative phrase ("open identity"), `subject` names the thing without personal data,
    `retry_safe` says whether the same call may simply be made again, and `params` (str or int) fill the
    catalogue's sentence.
    """

    code: ClassVar[str] = "GEN-000"

    def __init__(
        self,
        *,
        operation: str,
        subject: str = "",
        retry_safe: bool = False,
        cause: BaseException | None = None,
        **params: str | int,
    ) -> None:
        self.operation = operation
        self.subject = subject
        self.retry_safe = retry_safe
        self.params = params
        super().__init__(f"{self.code}: {operation}" + (f" ({subject})" if subject else ""))
        if cause is not None:
            self.__cause__ = cause


class CryptoError(KurabakoError):
    """Base of every failure of keys, sealing and signatures."""

    code = "CRYPTO-000"


class MalformedError(CryptoError):
    """Bytes do not have the shape of the format: wrong length, trailing or missing parts."""

    code = "CRYPTO-001"


class UnknownVersionError(CryptoError):
    """The version byte is not one that this program knows."""

    code = "CRYPTO-002"


class UnknownSuiteError(CryptoError):
    """The suite byte is not one that this program knows."""

    code = "CRYPTO-003"


class WrongPassphraseError(CryptoError):
    """The passphrase (or the box's pepper) does not open the identity, or the sealed identity was altered."""

    code = "CRYPTO-004"


class OpenFailedError(CryptoError):
    """Authenticated decryption failed: wrong key, wrong context or altered bytes; these cannot be told apart."""

    code = "CRYPTO-005"


class BadSignatureError(CryptoError):
    """The signature does not fit the message and the signer."""

    code = "CRYPTO-006"


class ContextMismatchError(CryptoError):
    """The bytes are whole but speak of another school, class, person or key than expected."""

    code = "CRYPTO-007"


class SealBudgetError(CryptoError):
    """A batch key reached its limit of seals; a new one must be made."""

    code = "CRYPTO-008"


class BadPassphraseError(CryptoError):
    """The passphrase offered cannot be used: empty, or not text."""

    code = "CRYPTO-009"


class KdfCostError(CryptoError):
    """The key-derivation cost written in a sealed identity is outside the accepted bounds."""

    code = "CRYPTO-010"


class DocumentSizeError(CryptoError):
    """A document is longer than the limit, or its length is no length; nothing of it was written."""

    code = "CRYPTO-011"


class DocumentSourceError(CryptoError):
    """The bytes of a document could not be read, or are fewer or more than were announced."""

    code = "CRYPTO-012"


class DocumentSinkError(CryptoError):
    """The place that a document was being written to does not take it all."""

    code = "CRYPTO-013"
