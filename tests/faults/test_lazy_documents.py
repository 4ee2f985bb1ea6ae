"""A school is at work again before any of its documents was fetched; each comes, proven, when it is opened."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.documents.desk import DocumentElsewhereError
from appliance.documents.intake import Incoming
from appliance.office import Office
from crypto.importance import Importance
from sync.blobmanifest import manifest_name, part_name
from sync.blobs import Blobs
from sync.ids import Origin, Site
from sync.objectstore import ObjectStore
from sync.site import SitePaths
from tests.documentline import DocumentLine
from tests.faults.city import City, mark, marks, office_at, wait_until

pytestmark = pytest.mark.faults
PAPERS = {
    title: os.urandom(150_000 + 70_000 * number) for number, title in enumerate(("指導案", "避難図", "献立"))
}


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path / "city")
    yield made
    made.close()


def put_away(city: City) -> tuple[str, dict[str, bytes]]:
    """Mark a pupil and put documents away until the store has them all; return the name, and each one's blob."""
    box, blobs = city.school.site, dict[str, bytes]()
    city.serve(box)
    city.run_hubs()
    city.until(box, lambda status: True, "served")
    with office_at(box) as office:
        name = mark(office, 0)
        for title, data in PAPERS.items():
            document, _ = office.filing.add(Incoming(io.BytesIO(data), len(data), "a.bin", Importance.III, title))
            blobs[title] = office.documents.versions(document)[0].blob
    city.until_confirmed(box)
    city.until(box, lambda status: status.documents == 0, "none is told to wait")
    store, origin = ObjectStore(city.cloud.config), Origin(city.code, Site.BOX, 1)
    names = [manifest_name(origin, blob) for blob in blobs.values()]
    wait_until(lambda: all(store.get(name) is not None for name in names), "every document is in the store")
    city.stop(box.name)
    return name, blobs


def ids(office: Office) -> dict[str, str]:
    return {view.title: view.document_id for view in office.documents.find().views}


def why_not(office: Office, document: str) -> str:
    """Try to open a document that is not here; return the code of what is in its way."""
    with pytest.raises(DocumentElsewhereError) as told:
        office.documents.open(document)
    return str(told.value.params["problem"])


def opened(office: Office, document: str) -> bytes:
    try:
        return office.documents.open(document).data
    except DocumentElsewhereError:
        return b""


def test_documents_come_when_they_are_opened_and_what_is_wrong_with_one_is_told(
    city: City, tmp_path: Path
) -> None:
    name, blobs = put_away(city)
    store, origin = ObjectStore(city.cloud.config), Origin(city.code, Site.BOX, 1)
    part = part_name(origin, blobs["避難図"], 1)
    good = store.get(part)
    assert good is not None
    store.put(part, bytes((good[0] ^ 1,)) + good[1:])
    city.cloud.stop()
    (tmp_path / "city/cloud/store" / city.cloud.config.bucket / manifest_name(origin, blobs["献立"])).unlink()
    city.cloud.start()

    with contextlib.closing(DocumentLine(city.cloud.port)) as line:
        city.board.keep_place(msgspec.structs.replace(city.board.place(city.code), endpoint=line.endpoint))
        new, slips = tmp_path / "new-box", tmp_path / "slips"
        done = city.as_board("replace", city.code, "--site", new, "--slips", slips, "--passphrase-stdin")
        assert done.returncode == 0, done.stderr
        words = dict(line.split("\t") for line in slips.read_text("utf-8").splitlines())
        city.serve(new)
        city.until_confirmed(new)
        with office_at(new, "sato", words["sato"]) as office:
            found, here = ids(office), Blobs(SitePaths(new).blobs)
            assert marks(office) == {name: "sick"} and set(found) == set(PAPERS)
            assert line.carried.requests > 0 and line.asked_for_documents == 0
            assert list(here.names()) == [], "ready for work with no byte of any document"

            office.filing.rename(found["指導案"], "指導案（一学期）")  # which does not make it this box's
            assert why_not(office, found["指導案"]) == ""
            wait_until(lambda: opened(office, found["指導案"]) == PAPERS["指導案"], "the document that was opened")
            assert list(here.names()) == [blobs["指導案"]], "and no other"

            wait_until(lambda: why_not(office, found["避難図"]) == "SYNC-055", "that its bytes are others")
            wait_until(lambda: why_not(office, found["献立"]) == "SYNC-054", "that it is not whole there")
            assert list(here.names()) == [blobs["指導案"]]
            city.until(new, lambda status: {"SYNC-054", "SYNC-055"} <= set(status.warnings), "at the light too")
            store.put(part, good)
            wait_until(lambda: opened(office, found["避難図"]) == PAPERS["避難図"], "once its bytes are right")
            assert why_not(office, found["献立"]) == "SYNC-054", "and one that lacks holds up no other"
        city.stop(new.name)
