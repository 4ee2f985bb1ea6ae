"""A site adds what it cannot read: sealed to public keys, signed as itself, within what the rules name it for."""

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from appliance.attendance.records import Mark
from appliance.audit import AuditEntry
from appliance.policy import writing_rules
from appliance.site import open_site
from crypto.importance import Importance
from sync.authority import ROLE, Authority
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import NotClearedError
from sync.keyring import read_rosters
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.sitesession import site_session
from tests.school import School


@pytest.fixture
def session(school: School) -> Iterator[SealedStore]:
    with closing(of_site(school)) as opened:
        yield opened


def of_site(school: School) -> SealedStore:
    settings = open_site(school.site).daemon_settings()
    reader, client = Reader(school.paths.store), KeeperClient(school.paths.socket)
    return site_session(reader, client, settings.root, settings.key)


@pytest.mark.parametrize("importance", Importance)
def test_people_read_what_the_site_added_and_the_site_cannot(
    school: School, session: SealedStore, importance: Importance
) -> None:
    record = os.urandom(16)
    session.put([Draft("document.file", record, importance, b"secret")])
    kocho = school.office("kocho")
    plain = kocho._session.store.head("document.file", record)
    kocho.logout()
    assert plain is not None and plain.payload == b"secret"
    assert plain.author == site_person(session.reader.origin)
    with closing(of_site(school)) as later, pytest.raises(NotClearedError):
        later.head("document.file", record)


def test_what_no_rule_names_it_for_counts_for_nothing(school: School, session: SealedStore) -> None:
    site = open_site(school.site)
    rosters = read_rosters(session.reader, site.root, session.reader.origin.school)
    authority, origin = Authority(rosters, writing_rules()), session.reader.origin
    now = wall_ms()
    for kind in ("document.file", "document.text", "device.refused", AuditEntry.kind):
        assert authority.fault(origin, site_person(origin), now, kind) == ""
    for kind in (Mark.kind, "breakglass.opened", "permit.grant", "roster.user", "policy.signed", "ledger.entry"):
        assert authority.fault(origin, site_person(origin), now, kind) == ROLE
