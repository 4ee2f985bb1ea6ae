"""What the board gives out is on the school's box by itself, and opens there when the line is cut."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.blobs import Blobs
from sync.openrecords import COPY
from sync.reader import Reader
from tests.faults.city import City, office_at, wait_until

pytestmark = pytest.mark.faults


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path / "city")
    yield made
    made.close()


def test_a_shared_document_comes_by_itself_and_opens_without_a_line(city: City, tmp_path: Path) -> None:
    box, file = city.school.site, tmp_path / "手引き.txt"
    file.write_text("避難の手引き\n" + "高い所へ。" * 40_000, "utf-8")
    city.serve(box)
    city.run_hubs()
    city.until_confirmed(box)
    done = city.as_board("share", "document", file, "--all", "--passphrase-stdin")
    assert done.returncode == 0 and "配りました" in done.stdout, done.stderr

    blobs = Blobs(city.school.paths.blobs)

    def here() -> bool:
        with contextlib.closing(Reader(city.school.paths.store)) as reader:
            wanted = [row.body for row in reader.heads(COPY)]
        return bool(wanted) and all(blobs.size(digest) is not None for digest in wanted)

    wait_until(here, "the box holds its copy, with nobody logged in")
    city.line.cut()
    with office_at(box) as office:
        (view,) = office.documents.find("手引き").views
        assert office.documents.open(view.document_id).data == file.read_bytes()
