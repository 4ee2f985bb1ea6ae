"""A checkpoint is the site's word on its log; nobody else's counts, and a later one replaces an earlier one."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.identity import Identity
from crypto.importance import Importance
from sync.checkpoint import (
    Checkpoint,
    heads_digest,
    make_checkpoint,
    read_checkpoint,
    site_person,
)
from sync.client import KeeperClient
from sync.errors import BrokenChainError, ForgedChangeError, HeadsMismatchError, SyncError, WrongStoreError
from sync.ids import Origin, Site
from sync.openrecords import CHECKPOINT, checkpoint_record
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.sitevoice import SiteVoice
from sync.verify import verify_store
from sync.verifypass import Verified
from tests.sync.site import SCHOOL, TestSite, found_site

ORIGIN = Origin(SCHOOL, Site.BOX, 1)
HEADS = st.lists(
    st.tuples(
        st.sampled_from(["a", "ab", "b"]),
        st.binary(min_size=16, max_size=16),
        st.binary(min_size=24, max_size=24),
    ),
    unique=True,
    max_size=4,
).map(sorted)


def dirty(writer: SiteVoice) -> bool:
    return writer.dirty  # a property that changes by itself: mypy would take the first answer for good


class Bench:
    """A site whose own key is at hand, a session, and a checkpoint writer."""

    def __init__(self, site: TestSite, key: Identity) -> None:
        self.site = site
        self.key = key
        self.session = site.session("sato")
        self.reader = Reader(site.paths.store)
        self.client = KeeperClient(site.paths.socket)

    def writer(self, key: Identity | None = None) -> SiteVoice:
        return SiteVoice(self.reader, self.client, (key or self.key).sign)

    def put(self, *names: str) -> None:
        ids = [self.session.record_id("mark", Importance.III, name) for name in names]
        self.session.put([Draft("mark", name, Importance.III, b"x") for name in ids])

    def verify(self, *, full: bool = False) -> Verified:
        return verify_store(self.site.paths.store, self.site.root.sign.verify_key, SCHOOL, full=full)

    def close(self) -> None:
        self.session.close()
        self.reader.close()
        self.client.close()
        self.site.close()


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    key = Identity.generate(site_person(ORIGIN))
    made = Bench(found_site(tmp_path_factory.mktemp("checkpoint") / "site", site_key=key), key)
    yield made
    made.close()


@settings(deadline=None)
@given(HEADS, HEADS)
def test_different_heads_have_different_digests(
    one: list[tuple[str, bytes, bytes]], two: list[tuple[str, bytes, bytes]]
) -> None:
    assert (heads_digest(one) == heads_digest(two)) is (one == two)


def test_every_life_of_a_site_signs_under_its_own_name() -> None:
    origins = [Origin(school, site, epoch) for school in ("C1", "C2") for site in Site for epoch in (1, 2)]
    people = {site_person(origin) for origin in origins}
    assert len(people) == len(origins) and all(len(person) == 16 for person in people)


def test_a_checkpoint_sums_up_the_log_and_speaks_of_its_origin(bench: Bench) -> None:
    bench.put("a")
    made = make_checkpoint(bench.reader, 7)
    assert (made.seq, made.chain) == bench.reader.position() and made.at_ms == 7
    assert made.of(ORIGIN)
    for other in (Origin("C9", Site.BOX, 1), Origin(SCHOOL, Site.HUB, 1), Origin(SCHOOL, Site.BOX, 2)):
        assert not made.of(other)
    assert read_checkpoint(msgspec.msgpack.encode(made)) == made


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x80", b"\x81\xa6school\xa1\xff", b"\x81\xa5other\x01"])
def test_what_is_no_checkpoint_is_named(body: bytes) -> None:
    with pytest.raises(WrongStoreError):
        read_checkpoint(body)


def test_it_covers_what_was_kept_and_is_written_only_when_there_is_something_new(bench: Bench) -> None:
    writer = bench.writer()
    assert dirty(writer)
    assert writer.checkpoint().last_seq == bench.reader.position().seq
    assert not dirty(writer)
    covered = bench.verify()
    assert (covered.checkpoint_seq, covered.seq) == (covered.seq - 1, bench.reader.position().seq)
    assert covered.signatures == 1  # its own
    bench.put("a", "b")
    assert dirty(writer)
    assert bench.verify().signatures == 2
    writer.checkpoint()
    assert bench.verify().signatures == 1 and bench.verify().checkpoint_seq == bench.reader.position().seq - 1
    assert bench.verify(full=True).signatures == 4


def test_a_later_one_replaces_it_even_from_a_writer_started_anew(bench: Bench) -> None:
    for number in range(3):
        bench.put(str(number))
        bench.writer().checkpoint()
    record = checkpoint_record(ORIGIN)
    assert len(bench.reader.heads(CHECKPOINT, [record])) == 1
    assert len(bench.reader.history(CHECKPOINT, record)) == 3


def test_one_signed_by_another_key_covers_nothing(bench: Bench) -> None:
    """In the site's name, but not with its key: then the store itself does not pass."""
    bench.put("a")
    good = bench.verify()
    assert good.checkpoint_seq == 0 and good.signatures == good_batches(bench.reader)
    bench.writer(Identity.generate(bytes(16))).checkpoint()
    with pytest.raises(ForgedChangeError):
        bench.verify()


def good_batches(reader: Reader) -> int:
    return sum(reader.signature_of(row.id) is not None for row in reader.since(0))


@pytest.mark.parametrize("over", [True, False], ids=["over the site's", "beside it"])
def test_a_members_own_one_covers_nothing(bench: Bench, over: bool) -> None:
    bench.put("a")
    bench.writer().checkpoint()
    bench.put("b")
    record = checkpoint_record(ORIGIN)
    base = tuple(row.change_id for row in bench.reader.heads(CHECKPOINT, [record])) if over else ()
    body = msgspec.msgpack.encode(make_checkpoint(bench.reader, 0))
    insider: SealedStore = bench.site.session("suzuki")
    insider.put([Draft(CHECKPOINT, record, Importance.IV, body, base)])
    insider.close()
    told = bench.verify()
    assert told.seq == bench.reader.position().seq
    assert told.checkpoint_seq < make_checkpoint(bench.reader, 0).seq - 2
    assert told.signatures == (good_batches(bench.reader) if over else 3)


@pytest.mark.parametrize(("field", "error"), [("chain", BrokenChainError), ("heads", HeadsMismatchError)])
def test_one_that_does_not_fit_the_log_is_refused(bench: Bench, field: str, error: type[SyncError]) -> None:
    """The site's key signed another past than the one that stands here."""
    bench.put("a")
    true = make_checkpoint(bench.reader, 0)
    sign_as_site(bench, msgspec.structs.replace(true, **{field: bytes(32)}))
    with pytest.raises(error) as broken:
        bench.verify()
    assert broken.value.subject == "checkpoint"


@pytest.mark.parametrize("change", [{"epoch": 2}, {"school": "C9"}, {"seq": 10_000}], ids=str)
def test_one_of_another_life_or_of_the_future_covers_nothing(bench: Bench, change: dict[str, object]) -> None:
    sign_as_site(bench, msgspec.structs.replace(make_checkpoint(bench.reader, 0), **change))
    told = bench.verify()
    assert told.checkpoint_seq == 0 and told.signatures == good_batches(bench.reader)


def sign_as_site(bench: Bench, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint of any content under the site's own, valid signature."""
    session = SealedStore(bench.reader, bench.client, bench.key, bench.session.keyring)
    body = msgspec.msgpack.encode(checkpoint)
    session.put([Draft(CHECKPOINT, checkpoint_record(ORIGIN), Importance.IV, body)])


def test_what_is_shown_as_confirmed_never_falls_when_somebody_writes(bench: Bench) -> None:
    bench.put("a")
    countersigned = bench.reader.position().seq
    assert bench.reader.confirmed_to(countersigned - 1) == countersigned - 1
    bench.writer().checkpoint()  # the site's last word: nobody countersigns it
    shown = bench.reader.confirmed_to(countersigned)
    assert shown == bench.reader.position().seq == countersigned + 1
    bench.put("b")
    assert bench.reader.confirmed_to(countersigned) == shown
    assert bench.reader.confirmed_to(bench.reader.position().seq) == bench.reader.position().seq == shown + 1
