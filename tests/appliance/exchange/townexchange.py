"""A school of its own whose 取込 these tests fill."""

import hashlib

from appliance.documents.intake import Read
from appliance.exchange.views import ArrivalView
from appliance.inbox.folders import make_folders
from appliance.inbox.intakebox import InboxWorker
from appliance.inbox.running import open_session
from appliance.office import Office
from appliance.site import open_site
from tests.appliance.inbox.boxing import QUIET, reading, until
from tests.school import School


def put(school: School, name: str, data: bytes) -> None:
    """Put a file into 取込 and let the keyless worker take it, as with nobody logged in."""
    settings = open_site(school.site).daemon_settings()
    make_folders(school.paths.inbox)
    (school.paths.inbox / "取込" / name).write_bytes(data)
    worker = InboxWorker(
        school.paths, lambda: open_session(school.paths, settings.root, settings.key), _reading, QUIET
    )
    try:
        until(lambda: worker.turn() is None, "the worker still waits for something")
    finally:
        worker.close()


def dropped(office: Office, school: School, name: str, data: bytes) -> ArrivalView:
    """Put a file there and return what waits."""
    put(school, name, data)
    digest = hashlib.sha256(data).hexdigest()
    return next(one for one in reversed(office.exchange.waiting()) if one.sha256 == digest)


def _reading(source: object, length: int, name: str) -> Read:
    return reading(source, length, name)  # type: ignore[arg-type]
