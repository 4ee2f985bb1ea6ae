"""Exit codes of the command line: a stable contract with scripts and with systemd units."""

from enum import IntEnum


class Exit(IntEnum):
    """What the process tells its caller."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    NO_REPLICA = 10
    LOCKED = 11
    WRONG_KEY = 12
    UNSOUND = 13
    SUPERSEDED = 14
    INTERRUPTED = 130
