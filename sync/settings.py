"""What a site needs to run, however it runs."""

from dataclasses import dataclass

from crypto.signing import SigningKey, VerifyKey
from sync.authority import Rules
from sync.objectstore import StoreConfig


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the others are asked for news: at once after some, then ever more rarely.

    `idle_s` is the longest wait, `quiet_s` after two hours without any news (nights, holidays).
    """

    busy_s: float = 0.15
    idle_s: float = 60.0
    quiet_s: float = 300.0
    growth: float = 1.3


@dataclass(frozen=True, slots=True)
class Settings:
    """`key` is what the site signs with; timers are in seconds.

    `store` is where this site may write; `library` where the other sites' segments are read, if that takes another
    key pair.
    """

    store: StoreConfig
    root: VerifyKey
    key: SigningKey
    checkpoint_every_s: float = 60.0
    verify_every_s: float = 21_600.0
    rules: Rules = Rules()
    library: StoreConfig | None = None
    pace: Pace = Pace()
