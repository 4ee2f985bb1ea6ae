"""Failures of the school layer: configuration, rosters, rules, login and the command line.

Invariant: one subclass per failure, one stable code each; wording lives in `appliance/catalogue`.
"""

from crypto.errors import KurabakoError


class ApplianceError(KurabakoError):
    """Base of every failure of the appliance layer."""

    code = "APP-000"
