"""Two boxes of one school: a new one takes over while the old one is cut off, and the old one comes back."""

import contextlib
import random
import shutil
import time
from pathlib import Path
from typing import Final

from crypto.identity import Identity
from sync.carry import export_segments, import_segments
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.folderstore import FolderConfig, FolderStore
from sync.founding import admit, grant_draft, site_member
from sync.grants import Grant, grant_name, sign_grant
from sync.ids import Origin, Site
from sync.inbox import give_place, known_place
from sync.merge import Merger, copy_log
from sync.offlinelog import OfflineLog, rebase
from sync.openrecords import GRANT, grant_record
from sync.outbox import read_outbox
from sync.reader import Reader
from sync.restore import Restorer, Wanted
from sync.site import create_site
from tests.soak.office import Clerk, Ledger
from tests.soak.results import Play, Row
from tests.soak.town import QUICK, Side, Town, town_at
from tests.soak.truth import missing, replica_faults
from tests.sync.cloud import store_of
from tests.sync.pair import BOX, HUB, RULES, Party
from tests.sync.site import SCHOOL, TestSite

NEXT: Final = Origin(SCHOOL, Site.BOX, 2)


def two_boxes(play: Play, row: Row) -> None:
    """Replace a cut-off box, let the old one return: nothing is lost, nothing overwritten, one of them writes."""
    source = random.Random(play.seed)
    by_hand = 0
    for _ in play.each(row, play.runs(1, 3, 50)):
        with town_at(play.sub(row.runs)) as town:
            by_hand += _replaced(town, source, row)
        play.say(f"two_boxes: {row.runs}, all merged {row.confirmed[-1]:.1f} s after the old one's return")
    row.note += f"{by_hand} of {row.runs} carried the old box's last entries on a medium"


def _replaced(town: Town, source: random.Random, row: Row) -> bool:
    """Play it once; return whether the old box's last entries had to be carried."""
    old, new = Ledger(BOX), Ledger(NEXT)
    clerk = Clerk(town.box.party, old, "old")
    clerk.save(3)
    town.until_confirmed(town.box, old.last)
    town.line.cut()
    for _ in range(source.randint(1, 5)):
        clerk.save(2)  # what nobody else has
    if source.random() < 0.5:
        town.box.stop()  # switched off and forgotten in a cupboard, else merely cut off
    successor = _successor(town)
    successor.start()
    try:
        town.until(lambda: successor.status, "the new box runs")
        young = Clerk(successor.party, new, "new")
        young.save(3)
        town.until_confirmed(successor, new.last)
        began = time.monotonic()
        carried = _return(town, clerk, old)
        _await_everything(town, successor, old, young, new)
        row.confirmed.append(time.monotonic() - began)
        row.runs += 1
        _judge(town, successor, old, new, row)
        young.close()
    finally:
        clerk.close()
        successor.stop()
    return carried


def _return(town: Town, clerk: Clerk, old: Ledger) -> bool:
    """Let the old box come back and learn that it was replaced; carry what it did not send before it knew."""
    town.line.mend()
    if town.box.pid is None:
        town.box.start()
    town.until(lambda: (status := town.box.status) and status.superseded, "the old box says 交代済")
    refused = old.refused
    assert clerk.save() == 0 and old.refused == refused + 1, "an old box takes nothing any more"
    hub, paths = town.hub.party, town.box.party.site.paths
    time.sleep(1.0)  # what it sent in the moment before it knew is read by now
    with contextlib.closing(Reader(hub.site.paths.store)) as reader:
        if reader.position(BOX).seq >= old.last:
            return False
    medium = town.folder / "medium"
    medium.mkdir()
    client, reader = KeeperClient(paths.socket), Reader(paths.store)
    export_segments(reader, client, town.box.party.key.sign, FolderStore(FolderConfig(medium)))
    client.close()
    reader.close()
    client, reader = KeeperClient(hub.site.paths.socket), Reader(hub.site.paths.store)
    settings = town.pair.settings(hub, town.cloud.direct)
    import_segments(reader, client, settings, FolderStore(FolderConfig(medium)), store_of(town.cloud.direct))
    client.close()
    reader.close()
    return True


def _await_everything(town: Town, successor: Side, old: Ledger, young: Clerk, new: Ledger) -> None:
    for party in (town.hub.party, successor.party):

        def merged(party: Party = party) -> bool:
            with contextlib.closing(Reader(party.site.paths.store)) as reader:
                return reader.position(BOX).seq >= old.last

        town.until(merged, "the old box's entries are merged")
    young.save(2)
    town.until_confirmed(successor, new.last)


def _judge(town: Town, successor: Side, old: Ledger, new: Ledger, row: Row) -> None:
    for party in (town.hub.party, successor.party):
        row.lost += sum(missing(party.site.paths.store, party, ledger) for ledger in (old, new))
    lacking, fault = replica_faults(town, successor, new)
    row.lost += lacking
    # The old one's replica stands as it ended; it may lack what it never could send, but it must be whole.
    _, past = replica_faults(town, town.box, Ledger(BOX))
    row.corrupt += bool(fault) + bool(past)
    row.note += " ".join(text for text in (fault, past) if text)


def _successor(town: Town) -> Side:
    """Make the next box as `board replace` does: grant, roster, restore, what the hub knows, places to read on."""
    key = Identity.generate(site_person(NEXT))
    _grant(town, key)
    hub = town.hub.party
    with contextlib.closing(Reader(hub.site.paths.store)) as reader:
        known = reader.position(BOX)
    wanted = Wanted(BOX, town.pair.root.sign.verify_key, known_seq=known.seq, known_chain=known.chain, rules=RULES)
    restored = Restorer(town.cloud.direct, wanted, town.folder / "restored-box").run().path / "school.db"
    _share(town, restored)
    rebase(restored, NEXT)
    paths = create_site(town.folder / "next", NEXT)
    for stale in paths.root.glob("school.db*"):
        stale.unlink()
    shutil.copy(restored, paths.store)
    site = TestSite(paths, town.pair.root, hub.site.people)
    _give_places(town, site)
    return Side("next", Party(site, key, NEXT), town.cloud.direct, QUICK)


def _grant(town: Town, key: Identity) -> None:
    root, store = town.pair.root, store_of(town.cloud.direct)
    grant = Grant(SCHOOL, str(NEXT.site), NEXT.epoch, key.public.sign.to_bytes(), wall_ms())
    assert store.create(grant_name(NEXT), sign_grant(grant, root.sign))
    assert not store.create(grant_name(NEXT), sign_grant(grant, root.sign)), "only one of two officers wins"
    with contextlib.closing(town.hub.party.session("")) as session:
        base = session.base_of(GRANT, [grant_record(SCHOOL, NEXT.site)]).get(grant_record(SCHOOL, NEXT.site), ())
        admit(session, root, [site_member(NEXT, key.public)], wall_ms(), [grant_draft(grant, root, base)])


def _share(town: Town, restored: Path) -> None:
    hub, root = town.hub.party.site, town.pair.root.sign.verify_key
    log, here, there = OfflineLog(restored), Reader(restored), Reader(hub.paths.store)
    merger = Merger(here, log, root, RULES)
    for origin in there.origins():
        copy_log(there, origin, merger, here.position(origin).seq)
    for each in (here, there, log):
        each.close()


def _give_places(town: Town, site: TestSite) -> None:
    site.start_keeper()
    client, hub = KeeperClient(site.paths.socket), KeeperClient(town.hub.party.site.paths.socket)
    with contextlib.closing(Reader(site.paths.store)) as here:
        sent = read_outbox(hub)
        if here.position(HUB).seq >= sent.last:
            give_place(client, HUB, sent.number, sent.hash)
    give_place(client, BOX, *known_place(hub, BOX))
    client.close()
    hub.close()
    site.stop_keeper()
