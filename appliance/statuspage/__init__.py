"""The board's status page: how hubs, boxes and drills of all schools stand; no key, nobody's data."""
