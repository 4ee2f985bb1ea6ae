"""Padmé: sizes in steps, so that the length of a sealed document tells little of the document.

Invariant: a padded size pads to itself, and never adds more than a sixteenth. Source: Nikitin, Barman, Lueks,
Underwood, Hubaux and Ford, "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
PoPETs 2019.
"""

from typing import Final

LENGTH_BYTES: Final = 8  # the true length, in front of the content and sealed with it
FLOOR: Final = 1024  # below it the steps would be so fine that they hide nothing


def padded_size(length: int) -> int:
    """Return the padded size of a content with its length field: few bits of mantissa, at least 1 KiB."""
    size = max(length + LENGTH_BYTES, FLOOR)
    exponent = size.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-size // step) * step
