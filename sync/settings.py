"""What a site needs to run, however it runs."""

from dataclasses import dataclass
from typing import Final

from crypto.signing import SigningKey, VerifyKey
from sync.authority import Rules
from sync.objectstore import StoreConfig
from sync.openstore import StorePlace


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the others are asked for news, in seconds.

    `awaiting_s`: first, while something of this site is not confirmed; each further question waits `growth` times
    longer. `lively`: (seconds since the last news, interval), the first that still holds; after them every
    `idle_s`, and every `quiet_s` when nothing was new for `quiet_after_s` (nights, holidays).
    """

    awaiting_s: float = 0.15
    growth: float = 1.4
    lively: tuple[tuple[float, float], ...] = ((600.0, 30.0),)
    idle_s: float = 45.0  # with what follows it, a revoked lease is heard of within a minute
    quiet_s: float = 300.0
    quiet_after_s: float = 7200.0


# A hub stands beside the store, where a question costs next to nothing: it does the waiting.
HUB_PACE: Final = Pace(lively=((60.0, 0.2), (900.0, 1.0), (3600.0, 5.0)))


@dataclass(frozen=True, slots=True)
class Settings:
    """`key` is what the site signs with; timers are in seconds.

    `store` is where this site may write; `segments` where its segments go, if not there; `library` where the other
    sites' segments are read, if that takes another key pair.
    """

    store: StoreConfig
    root: VerifyKey
    key: SigningKey
    checkpoint_every_s: float = 60.0
    verify_every_s: float = 21_600.0
    rules: Rules = Rules()
    library: StorePlace | None = None
    pace: Pace = Pace()
    segments: StorePlace | None = None
