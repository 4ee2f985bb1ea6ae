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
