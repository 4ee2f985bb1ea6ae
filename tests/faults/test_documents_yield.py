"""A document of 5 MB on its way over a thin line holds up nothing that people enter."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from sync.blobcourier import BlobCourier
from sync.blobmanifest import manifest_name, part_name
from sync.blobnotes import ask_to_send
from sync.blobs import Blobs
from sync.blobtransfer import Told
from sync.client import KeeperClient
from sync.courier import Courier
from sync.reader import Reader
from tests.faults.shaping import Shape, ShapedLine
from tests.sync.cloud import wait_until
from tests.sync.pair import BOX, Pair, pair_at

pytestmark = pytest.mark.faults
SLOW: Final = Shape(1_000_000, 1_000_000, 0.03)  # 5 MB take 40 s of it
DATA: Final = os.urandom(5_000_000)
DIGEST: Final = sha256(DATA).digest()
MARKS: Final = 4
RUSH_S: Final = 8.0  # in which a document that does not yield goes on by three parts or four


class Scene:
    """A box that sends segments and a document over one thin line, each by its own courier, as a daemon would."""

    def __init__(self, pair: Pair) -> None:
        self.pair, self.site = pair, pair.box.site
        self.line = ShapedLine("127.0.0.1", pair.cloud.server.port, SLOW)
        settings = pair.settings(pair.box, dataclasses.replace(pair.cloud.direct, endpoint=self.line.endpoint))
        self.reader = Reader(self.site.paths.store)
        self.segments = Courier(self.site.paths, settings)
        self.documents = BlobCourier(self.site.paths, settings, self.segments.told)

    def segments_there(self) -> int:
        """Return how many segments stand in the store; looked up behind the line."""
        return sum(1 for _ in (self.pair.cloud.bucket / BOX.prefix / "changes").glob("*"))

    def seconds_to_store(self) -> float:
        """Enter a mark and wait until it is in the store."""
        before = self.segments_there()
        self.pair.box.mark("pupil")
        kept_at = time.monotonic()
        wait_until(lambda: self.segments_there() > before, "the mark is in the store")
        return time.monotonic() - kept_at

    def until_proven_more(self, parts: int) -> None:
        """Wait until the document went on by so many parts."""
        before = self.told().proven if self.documents.told() else 0
        wait_until(lambda: self.documents.told() and self.told().proven >= before + parts, "it goes on")

    def told(self) -> Told:
        (told,) = self.documents.told()
        return told

    def close(self) -> None:
        self.documents.stop()
        self.segments.stop()
        self.reader.close()
        self.line.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with pair_at(tmp_path) as pair:
        made = Scene(pair)
        made.segments.start()
        wait_until(lambda: made.segments.told().sent >= made.reader.position().seq, "the first segments are sent")
        try:
            yield made
        finally:
            made.close()


def test_a_mark_is_stored_promptly_while_a_document_goes_out(scene: Scene) -> None:
    blobs = Blobs(scene.site.paths.root / "blobs")
    with blobs.receive() as incoming:
        incoming.file.write(DATA)
        incoming.keep(DIGEST)
    with contextlib.closing(KeeperClient(scene.site.paths.socket)) as client:
        ask_to_send(client, DIGEST)
    scene.documents.start()
    for number in range(MARKS):
        scene.until_proven_more(2)
        print(f"mark {number}: in the store after {scene.seconds_to_store():.2f} s")
    scene.until_proven_more(1)
    before, end = scene.told().proven, time.monotonic() + RUSH_S
    while time.monotonic() < end:  # as at 8:25
        scene.pair.box.mark("pupil")
        time.sleep(RUSH_S / 100)
    assert scene.told().proven - before <= 1, "what was under way when the rush began, and nothing after it"
    assert scene.told().proven < scene.told().parts, "the document was under way all the time"
    scene.line.shape = Shape()
    wait_until(lambda: not scene.documents.told(), "the document is sent")
    data = (scene.pair.cloud.bucket / part_name(BOX, DIGEST, 0)).read_bytes()
    assert data == DATA[: len(data)] and (scene.pair.cloud.bucket / manifest_name(BOX, DIGEST)).exists()
