"""Who may speak to the keeper, and that each duty gets what it needs and nothing of the others'."""

import grp
import os
import pwd
from collections.abc import Callable

import pytest

from sync.admission import Admission, Duty, admission
from sync.client import KeeperClient
from sync.errors import PeerNameError, PeerRefusedError
from sync.leaseguard import LEASE_NOTE, LOGIN_NOTE
from sync.localstore import FENCE, IDENTITY_SPACE, LEASE_SECRET, LOGIN_SPACE, POST_SPACE
from sync.post import PUBLIC_NOTE
from sync.protocol import (
    Hello,
    Judge,
    LocalGet,
    LocalList,
    LocalPut,
    LocalSwap,
    LoginBegin,
    LoginDone,
    Request,
    Take,
)
from tests.sync.site import TestSite
from tests.sync.test_keeper import InProcess

UID = 12_345
TAKE = Take("school", "hub", 1, 1, (), {})
JUDGE = Judge({}, ())
IDENTITIES: tuple[Request, ...] = (
    LocalGet(IDENTITY_SPACE, "sato"),
    LocalPut(IDENTITY_SPACE, "sato", b""),
    LocalSwap(IDENTITY_SPACE, "sato", None, b""),
    LocalList(IDENTITY_SPACE),
    LocalPut(LOGIN_SPACE, "sato", None),
)
LEASE: tuple[Request, ...] = (
    LocalGet(*LEASE_SECRET),
    LocalPut(*LEASE_SECRET, None),
    LocalGet(*LEASE_NOTE),
    LocalPut(*LOGIN_NOTE, b"1"),
)
LOGIN: tuple[Request, ...] = (LoginBegin("sato"), LoginDone("sato"))
MERGE: tuple[Request, ...] = (TAKE, JUDGE)
PLAIN: tuple[Request, ...] = (
    Hello(),
    LocalGet(*FENCE),
    LocalGet("inbox", "a"),
    LocalPut("inbox", "a", b""),
    LocalPut("blobs", "a", b""),
    LocalList("blobs"),
    LocalGet("documents", "discard"),
)
NOTES: tuple[Request, ...] = (LocalPut("segments", "out", b""), LocalSwap("segments", "out", None, b""))
FENCING: tuple[Request, ...] = (LocalPut(*FENCE, b"1"),)
LETTERS: tuple[Request, ...] = (LocalPut(POST_SPACE, "sato", b""), LocalSwap(POST_SPACE, "sato", None, b""))
READ: tuple[Request, ...] = (LocalGet(POST_SPACE, "sato"), LocalPut(*PUBLIC_NOTE, b""))
ALL = (*IDENTITIES, *LEASE, *LOGIN, *MERGE, *PLAIN, *NOTES, *FENCING, *LETTERS, *READ)
MAY = {
    Duty.OFFICE: (*LEASE, *LOGIN, *PLAIN, *NOTES, *READ),
    Duty.SYNC: (*LEASE, *MERGE, *PLAIN, *NOTES, *FENCING, *LETTERS, *READ),
    Duty.INBOX: PLAIN,
}


@pytest.mark.parametrize("duty", Duty)
def test_a_duty_may_ask_for_what_it_needs_and_nothing_else(duty: Duty) -> None:
    told = Admission(frozenset(), {UID: frozenset((duty,))})
    assert [request for request in ALL if told.may(UID, request)] == [r for r in ALL if r in MAY[duty]]


def test_the_keepers_own_user_may_ask_for_everything_and_a_stranger_for_nothing() -> None:
    told = Admission(frozenset((UID,)), {})
    assert told.admits(UID) and all(told.may(UID, request) for request in ALL)
    assert not told.admits(UID + 1) and not any(told.may(UID + 1, request) for request in ALL)


def test_two_duties_of_one_user_add_up() -> None:
    told = Admission(frozenset(), {UID: frozenset((Duty.SYNC, Duty.OFFICE))})
    assert [request for request in ALL if not told.may(UID, request)] == list(IDENTITIES)


def test_users_and_groups_are_found_by_their_names() -> None:
    user = pwd.getpwuid(os.getuid())
    group = grp.getgrgid(user.pw_gid).gr_name
    told = admission({Duty.OFFICE: [f"@{group}"], Duty.INBOX: [user.pw_name]})
    assert told.others[user.pw_uid] == {Duty.OFFICE, Duty.INBOX}
    members = {pwd.getpwnam(name).pw_uid for name in grp.getgrnam(group).gr_mem}
    assert members <= set(told.others)


@pytest.mark.parametrize("name", ["no-such-user-here", "@no-such-group-here"])
def test_an_unknown_name_is_refused_and_told(name: str) -> None:
    with pytest.raises(PeerNameError) as caught:
        admission({Duty.SYNC: [name]})
    assert caught.value.params == {"name": name}


def test_the_keeper_refuses_and_the_next_question_is_answered(site: TestSite) -> None:
    keeper = InProcess(site, admission=Admission(frozenset(), {os.getuid(): frozenset((Duty.INBOX,))}))
    client = KeeperClient(site.paths.socket, patience_s=10)
    try:
        forbidden: tuple[Callable[[], object], ...] = (
            lambda: client.local_get(*LEASE_SECRET),
            lambda: client.login_begin("sato"),
            lambda: client.judge({}, ()),
            lambda: client.local_put(*FENCE, b"1"),
        )
        for ask in forbidden:
            with pytest.raises(PeerRefusedError):
                ask()
            assert client.local_get(*FENCE) is None
    finally:
        client.close()
        keeper.stop()
