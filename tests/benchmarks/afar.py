"""A school of five years whose box is gone and whose documents lie in the store: how soon people work again.

Everything is done by the commands that the board has; the documents are sealed, each by itself, and lie in the
store as a box puts them there.
"""

import contextlib
import io
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from appliance.attendance.records import Mark
from appliance.documents.desk import DocumentElsewhereError
from appliance.documents.filing import FilingDesk
from appliance.documents.intake import Incoming, Read
from appliance.office import Office
from crypto.importance import Importance
from sync.blobnotes import Way, note_done, wishes
from sync.blobs import Blobs
from sync.blobupload import Upload
from sync.client import KeeperClient
from sync.ids import Origin, Site
from sync.keeperchild import KeeperChild
from sync.reader import Reader
from sync.sealed import Draft
from sync.site import SitePaths
from sync.stores import Store
from tests.benchmarks.marks import CODES
from tests.documentline import DocumentLine
from tests.faults.city import City, office_at
from tests.school import BOARD_PASSPHRASE, SCHOOL_DAY

CHANGES = 500_000
BATCH = 35
DOCUMENTS = 400
DOCUMENT_BYTES = 5_000_000
OPENED = 7
PATIENCE_S = 3600.0


@dataclass(frozen=True)
class Seen:
    """Seconds until a class's day and the list of documents stood there, and what was asked of the store by then.

    `stored_gb` is what the documents take in the store, `open_s` the seconds from opening one until it was there.
    """

    ready_s: float
    asked_for_documents: int
    fetched_mb: float
    stored_gb: float
    open_s: list[float]


class _Plain:
    """A bucket's folder, written without waiting for the disk: so many objects would take a minute more."""

    def __init__(self, root: Path) -> None:
        self._root, self.bytes = root, 0

    def get(self, key: str) -> bytes | None:
        return (self._root / key).read_bytes()

    def put(self, key: str, data: bytes) -> None:
        (self._root / key).parent.mkdir(parents=True, exist_ok=True)
        (self._root / key).write_bytes(data)
        self.bytes += len(data)

    def sizes(self, prefix: str) -> dict[str, int]:
        found = (path for path in (self._root / prefix).rglob("*") if path.is_file())
        return {path.relative_to(self._root).as_posix(): path.stat().st_size for path in found}


def measure(folder: Path, changes: int = CHANGES, documents: int = DOCUMENTS) -> Seen:
    """Fill a school, lose its box, and bring it up at another place."""
    folder.mkdir(parents=True, exist_ok=True)
    city = City(folder)
    try:
        box = city.school.site
        stored = _fill(city, changes, documents)
        city.serve(box)
        city.run_hubs()
        _until_confirmed(city, box)
        city.stop(box.name)
        shutil.rmtree(box)
        with contextlib.closing(DocumentLine(city.cloud.port)) as line:
            place = msgspec.structs.replace(city.board.place(city.code), endpoint=line.endpoint)
            city.board.keep_place(place)
            return _bring_up(city, folder / "new-box", line, stored)
    finally:
        city.close()


def _bring_up(city: City, new: Path, line: DocumentLine, stored: int) -> Seen:
    began, slips = time.perf_counter(), new.with_name("slips")
    words = ("replace", city.code, "--site", new, "--slips", slips, "--passphrase-stdin")
    done = city.run(
        "board", "--board", city.board.path, *words, stdin=f"{BOARD_PASSPHRASE}\n", timeout_s=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    passphrases = dict(row.split("\t") for row in slips.read_text("utf-8").splitlines())
    city.serve(new)
    city.until(new, lambda status: True, "served")
    with office_at(new, "sato", passphrases["sato"]) as office:
        view = office.attendance.classes(SCHOOL_DAY)[0]
        assert office.attendance.day(view.class_id, SCHOOL_DAY).rows
        found = office.documents.find()
        ready_s = time.perf_counter() - began
        asked, fetched = line.asked_for_documents, line.carried.down
        assert found.count * DOCUMENT_BYTES <= stored and not [*Blobs(SitePaths(new).blobs).names()]
        seconds = [_open(office, one.document_id) for one in found.views[:OPENED]]
    city.stop(new.name)
    return Seen(ready_s, asked, fetched / 1e6, stored / 1e9, seconds)


def _open(office: Office, document: str) -> float:
    began = time.perf_counter()
    while True:
        try:
            assert len(office.documents.open(document).data) == DOCUMENT_BYTES
            return time.perf_counter() - began
        except DocumentElsewhereError:
            time.sleep(0.05)


def _fill(city: City, changes: int, documents: int) -> int:
    """Enter so much at the box while nothing else of it runs; return the bytes of documents in the store."""
    keeper = KeeperChild(city.school.paths)
    keeper.start()
    try:
        with office_at(city.school.site, "kocho") as office:
            _enter(office, changes)
            return _put_away(city, office, documents)
    finally:
        keeper.stop(10)


def _enter(office: Office, changes: int) -> None:
    """Enter so many marks, a class's day in one batch, back from today on."""
    store, days = office._session.store, _days()
    views = office.attendance.classes(SCHOOL_DAY)
    classes = [[row.pupil_id for row in office.attendance.day(v.class_id, SCHOOL_DAY).rows] for v in views]
    entered = 0
    while entered < changes:
        on = next(days)
        for pupils in classes:
            store.put([_mark(office, pupil, on, CODES[place % len(CODES)]) for place, pupil in enumerate(pupils)])
            entered += len(pupils)


def _days() -> Iterator[date]:
    on = SCHOOL_DAY
    while True:
        on -= timedelta(days=1)
        if on.weekday() < 5:
            yield on


def _mark(office: Office, pupil: str, on: date, code: str) -> Draft:
    record = office._session.store.record_id(Mark.kind, Mark.importance, pupil, on.isoformat())
    return Draft(Mark.kind, record, Mark.importance, msgspec.msgpack.encode(Mark(pupil=pupil, on=on, code=code)))


def _put_away(city: City, office: Office, count: int) -> int:
    """Seal so many documents and lay them into the store; return the bytes that lie there."""
    paths, blobs = city.school.paths, Blobs(city.school.paths.blobs)
    bucket = _Plain(city.folder / "cloud" / "store" / city.cloud.config.bucket)
    filing = FilingDesk(office._session, _unread)
    with contextlib.closing(KeeperClient(paths.socket)) as client:
        for number in range(count):
            data, title = os.urandom(DOCUMENT_BYTES), f"文書{number:04d}"
            filing.add(Incoming(io.BytesIO(data), len(data), f"{title}.bin", Importance.III, title))
            for wish in (wish for wish in wishes(client) if wish.way is Way.SEND):
                work = Upload(blobs, cast(Store, bucket), Origin(city.code, Site.BOX, 1), wish.digest)
                while not work.done:
                    work.step()
                note_done(client, wish)
                blobs.remove(wish.digest)
    return bucket.bytes


def _unread(source: BinaryIO, length: int, name: str) -> Read:
    return Read("application/octet-stream", "")


def _until_confirmed(city: City, site: Path) -> None:
    """Wait as long as it takes until board and replica have everything."""
    with contextlib.closing(Reader(SitePaths(site).store)) as reader:
        saved = reader.position().seq
    end = time.monotonic() + PATIENCE_S
    while (status := city.told(site)) is None or min(
        status.confirmed or 0, status.sent, status.replicated
    ) < saved:
        assert time.monotonic() < end, status
        time.sleep(0.2)
