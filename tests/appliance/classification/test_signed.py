"""The policy in a school's store: believed only under the board's root, the highest version in force."""

from collections.abc import Iterator

import msgspec
import pytest

from appliance.board.hubs import board_store, open_hub
from appliance.board.publishing import publish_policy
from appliance.classification.model import Action, Verdict
from appliance.classification.rules import PolicyFileError, shipped_policy
from appliance.classification.signed import (
    KIND,
    open_policy,
    policies,
    policy_draft,
    policy_in_force,
    policy_record,
    sign_policy,
)
from appliance.office import Office
from crypto.errors import CryptoError
from crypto.importance import Importance
from crypto.signing import SigningKey
from sync.sealed import Draft
from tests.school import School

TAKU, MEXT = shipped_policy("taku-2018").source, shipped_policy("mext-2025").source


@pytest.fixture
def office(school: School) -> Iterator[Office]:
    opened = school.office("kocho")
    yield opened
    opened.logout()


def test_every_flipped_byte_is_refused() -> None:
    root = SigningKey.generate()
    blob = sign_policy("C2", 1, 5, MEXT, root)
    told = open_policy(blob, root.verify_key, "C2")
    assert (told.version, told.issued_ms, told.policy.text.profile) == (1, 5, "mext-2025")
    for place in range(0, len(blob), 97):
        damaged = bytearray(blob)
        damaged[place] ^= 1
        with pytest.raises(CryptoError):
            open_policy(bytes(damaged), root.verify_key, "C2")
    for place in range(len(blob)):
        with pytest.raises(CryptoError):
            open_policy(blob[:place], root.verify_key, "C2")
    with pytest.raises(CryptoError):
        open_policy(blob, root.verify_key, "C1")
    with pytest.raises(CryptoError):
        open_policy(blob, SigningKey.generate().verify_key, "C2")


def test_a_policy_that_lets_in_more_writers_than_the_sites_accept_is_not_signed() -> None:
    wider = TAKU.replace(
        '[[rule]]\nid = "T-1"',
        '[[rule]]\nid = "X"\nquote = "q"\nverdict = "allow"\n'
        'actions = ["edit"]\nkinds = ["roster"]\nroles = ["assistant"]\n\n[[rule]]\nid = "T-1"',
        1,
    )
    assert wider != TAKU
    with pytest.raises(PolicyFileError) as caught:
        sign_policy("C2", 1, 5, wider, SigningKey.generate())
    assert "roster: assistant" in str(caught.value.params["fault"])


def test_the_boards_policy_is_in_force_until_a_later_one_and_nobody_elses_counts(school: School) -> None:
    with board_store(open_hub(school.board, school.made.code), school.root) as store:
        verify_key = school.root.sign.verify_key
        assert policy_in_force(store, verify_key).text.profile == "taku-2018"
        assert publish_policy(store, school.root, MEXT) == 1
        assert publish_policy(store, school.root, MEXT) is None
        assert policy_in_force(store, verify_key).text.profile == "mext-2025"
        forged = sign_policy(store.keyring.school, 9, 5, TAKU, SigningKey.generate())
        store.put([Draft(KIND, policy_record(store), Importance.III, blob) for blob in (forged, b"", b"\x01x")])
        assert [found.version for found in policies(store, verify_key)] == [1]
        assert publish_policy(store, school.root, TAKU) == 2
        assert policy_in_force(store, verify_key).text.profile == "taku-2018"


def test_a_session_goes_by_a_new_policy_as_soon_as_it_is_there(school: School, office: Office) -> None:
    session = office._session
    session.person = msgspec.structs.replace(session.person, roles=("teacher",))
    reason = (Action.VIEW, "attendance.reason", Importance.II, "another class")
    assert session.may(*reason).verdict is Verdict.ALLOW
    for version, text, verdict in ((1, MEXT, Verdict.DENY), (2, TAKU, Verdict.ALLOW)):  # and back, for other tests
        signed = sign_policy(session.store.keyring.school, version, 5, text, school.root.sign)
        session.store.put([policy_draft(session.store, signed)])
        session.refresh()
        assert session.may(*reason).verdict is verdict
