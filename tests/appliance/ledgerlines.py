"""A line of a school's own ledger, and the standard's lines by their kind."""

from appliance.ledger.ledger import (
    Entry,
    read_ledger,
    standard,
)

LINE = """
[[asset]]
name = "部活動の名簿"
importance = "III"
place = "staff_room"
handlers = ["all_staff", "board"]
takeout = "general_permit"
retention = "1y"
kept_locally = true
source = "本校の定め"
"""
CLUB = read_ledger(LINE)[0]


def the(kind: str) -> Entry:
    return next(entry for entry in standard() if entry.kind == kind)
