"""Questionnaires over a real school: by name, and without, where nobody may be able to tell whose an answer is."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from appliance.inbox.running import open_session
from appliance.permits.releases import Form
from appliance.policy import PolicyDeniedError, writing_rules
from appliance.site import open_site
from appliance.surveys.ballots import open_ballot, seal_ballot
from appliance.surveys.box import FOLDER, BallotBox
from appliance.surveys.counting import BallotCounter
from appliance.surveys.desk import (
    AnsweredAlreadyError,
    AnswerUnfitError,
    BallotBoxError,
    ResultsHiddenError,
    Stage,
    SurveyClosedError,
    UnknownSurveyError,
)
from appliance.surveys.records import LEAST, Given, SurveyAnswer, SurveyBatch, SurveyForm
from crypto.importance import Importance
from sync.clock import wall_ms
from sync.sealed import Draft
from tests.hubside import as_board, to_box, to_hub
from tests.school import STAFF, School, enrol

TEXT = """# テレワーク
記名: 無記名
締切: {day}
1. はかどりましたか（一つ）
- はい
- いいえ
2. どこで（いくつでも）
- 自宅
- 図書館
3. ひとこと（文）
"""
EVERYBODY = tuple(login for login, _, _ in STAFF)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    school = enrol(tmp_path_factory.mktemp("surveys"), imported=False)
    yield school
    school.close()


@pytest.fixture
def own(made: School) -> School:
    """The school with an empty ballot box."""
    shutil.rmtree(made.site / FOLDER, ignore_errors=True)
    return made


def ask(school: School, *, named: bool = False) -> str:
    with school.opened("kyoto") as office:
        day = office.today() + timedelta(days=7)
        text = TEXT.format(day=day)
        return office.surveys.make(text.replace("無記名", "記名") if named else text)[0]


def answer(school: School, survey: str, *names: str, given: tuple[Given, ...] = ((0,), (0,), "")) -> None:
    for name in names:
        with school.opened(name) as office:
            office.surveys.answer(survey, given)


def close(school: School, survey: str) -> None:
    with school.opened("kyoto") as office:
        office.surveys.close(survey)


def count(school: School, later_ms: int = 600_000) -> int:
    """Let the process that counts look, some minutes from now."""
    site = open_site(school.site)
    key = site.signing_key()
    counter = BallotCounter(
        site.paths, lambda: open_session(site.paths, site.root, key), lambda: wall_ms() + later_ms
    )
    return counter.turn()


def waiting(school: School, survey: str) -> list[str]:
    """Return the files of one questionnaire; others may be open beside it."""
    folder = school.site / FOLDER
    return sorted(name for name in os.listdir(folder) if name.startswith(survey)) if folder.exists() else []


def test_six_answer_without_names_and_the_totals_are_everybodys(own: School) -> None:
    survey = ask(own)
    answer(own, survey, *EVERYBODY[:4], given=((0,), (0, 1), ""))
    answer(own, survey, *EVERYBODY[4:], given=((1,), (), "静かな場所が要る"))
    with own.opened("suzuki") as office:
        assert office.surveys.get(survey).stage is Stage.OPEN
        with pytest.raises(ResultsHiddenError):
            office.surveys.results(survey)
    close(own, survey)
    with own.opened("suzuki") as office:
        assert office.surveys.get(survey).stage is Stage.MIXING
        with pytest.raises(ResultsHiddenError):
            office.surveys.results(survey)
    assert count(own) == 6 and waiting(own, survey) == []
    with own.opened("shien") as office:
        results = office.surveys.results(survey)
        assert (results.answers, results.asked) == (6, 6)
        assert [[bar.count for bar in one.bars] for one in results.outcomes] == [[4, 2], [4, 4], []]
        assert results.outcomes[2].texts == ("静かな場所が要る",) * 2


def test_the_log_holds_nothing_of_whoever_answers_without_a_name(own: School) -> None:
    """Whoever reads the whole log with every key sees who took part, and no way from a person to an answer."""
    survey = ask(own)
    order = list(EVERYBODY)
    with own.opened("kyoto") as office:
        reader = office._session.store.reader
        people = {one.login: one.id for one in office._session.store.keyring.people.people}
        for number, name in enumerate(order):
            with own.opened(name) as voter:
                before = reader.position().seq
                voter.surveys.answer(survey, ((number % 2,), (), f"回答{number}"))
                assert reader.position().seq == before, (
                    "answering adds nothing to the log: no change, no audit entry"
                )
        office.surveys.close(survey)
        before = reader.position().seq
        assert count(own) == len(order)
        rows = reader.since(before)
        site = next(one for one in office._session.store.keyring.people.people if "site" in one.roles)
        assert {row.author for row in rows} == {site.id}, "the site wrote them, and nobody else did"
        (row,) = [row for row in rows if row.kind == SurveyBatch.kind]
        batch = msgspec.msgpack.decode(office._session.store.open_row(row).payload, type=SurveyBatch)
        assert list(batch.ballots) == sorted(batch.ballots), "in an order that tells nothing"
        assert list(batch.voters) == sorted(people[name].hex() for name in order)
        assert len({len(ballot) for ballot in batch.ballots}) == 1, "and all of one size"
        pair = office._session.store.keyring.pair(Importance.III)
        form = office.surveys.get(survey).form
        for ballot in batch.ballots:
            given = open_ballot(pair, survey, ballot, form)
            assert given is not None and not any(person.hex() in repr(given) for person in people.values())


def test_what_waits_on_the_box_names_nobody_beside_an_answer(own: School) -> None:
    survey = ask(own)
    answer(own, survey, "sato", "kocho", given=((0,), (), "だれの字か"))
    folder = own.site / FOLDER
    ballots = [name for name in waiting(own, survey) if ".b-" in name]
    marks = [name for name in waiting(own, survey) if ".v-" in name]
    assert len(ballots) == len(marks) == 2
    with own.opened("kyoto") as office:
        voters = {
            one.id.hex() for one in office._session.store.keyring.people.people if one.login in ("sato", "kocho")
        }
    assert {name.rpartition("-")[2] for name in marks} == voters
    for name in waiting(own, survey):
        told = (folder / name).stat()
        assert name.endswith(".until") or told.st_mtime_ns == 0, "no file says when"
        raw = (folder / name).read_bytes()
        assert "だれの字か".encode() not in raw and not any(one.encode() in raw for one in voters)
    assert not {name.rpartition("-")[2] for name in ballots} & voters


def test_below_five_nothing_leaves_the_box_and_nothing_is_shown(own: School) -> None:
    survey = ask(own)
    answer(own, survey, *EVERYBODY[: LEAST - 1])
    assert count(own, 0) == 0
    close(own, survey)
    assert count(own) == 0 and waiting(own, survey) == [], "they are gone, unread"
    with own.opened("kocho") as office:
        view = office.surveys.get(survey)
        assert (view.stage, view.answers) == (Stage.TOO_FEW, 0)
        with pytest.raises(ResultsHiddenError) as hidden:
            office.surveys.results(survey)
        assert hidden.value.params["least"] == LEAST
        for form in (Form.PDF, Form.HTML, Form.CSV, Form.XLSX):
            with pytest.raises(ResultsHiddenError):
                office.releases.survey(survey, form)
        batches = office.surveys._book.batches()[survey]
        assert [(batch.ballots, batch.voters, batch.dropped) for batch in batches] == [((), (), LEAST - 1)]


def test_while_it_is_open_ballots_go_by_lot_and_five_stay_behind(own: School) -> None:
    survey = ask(own)
    site = open_site(own.site)
    box = BallotBox(site.paths)
    with own.opened("kyoto") as office:
        public = office._session.store.keyring.public(Importance.III)
        sealed = [seal_ballot(public, survey, ((number % 2,), (), "")) for number in range(11)]
        for number, ballot in enumerate(sealed[:9]):
            box.put(survey, f"{number:032x}", ballot)
        assert count(own, 0) == 0, "nine are not enough for five to stay and five to go"
        for number, ballot in enumerate(sealed[9:], 9):
            box.put(survey, f"{number:032x}", ballot)
        assert count(own, 0) == 6
        left = [name for name in waiting(own, survey) if ".b-" in name]
        assert len(left) == LEAST and len([name for name in waiting(own, survey) if ".v-" in name]) == LEAST
        (batch,) = office.surveys._book.batches()[survey]
        assert len(batch.ballots) == 6 and not batch.last and {*batch.ballots} <= {*sealed}
        assert count(own, 0) == 0
    with own.opened("kocho") as office:
        assert office.surveys.get(survey).answers == 6
        office.surveys.close(survey)
    assert count(own) == 5
    with own.opened("kocho") as office:
        assert office.surveys.results(survey).answers == 11


def test_a_batch_that_a_power_cut_let_stand_twice_counts_once(
    own: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = ask(own)
    answer(own, survey, *EVERYBODY)
    close(own, survey)

    def cut(*_: object, **__: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(BallotBox, "take_out", cut)
        with pytest.raises(OSError, match="power"):
            count(own)
    assert count(own) == 6 and waiting(own, survey) == []
    with own.opened("kocho") as office:
        assert len(office.surveys._book.batches()[survey]) == 2
        assert office.surveys.get(survey).answers == office.surveys.results(survey).answers == 6


def test_nobody_answers_twice_before_or_after_mixing(own: School) -> None:
    survey = ask(own)
    answer(own, survey, *EVERYBODY)
    with own.opened("sato") as office:
        assert office.surveys.get(survey).own
        with pytest.raises(AnsweredAlreadyError):
            office.surveys.answer(survey, ((1,), (), ""))
    close(own, survey)
    count(own)
    with own.opened("sato") as office:
        assert office.surveys.get(survey).own, "the mark went with the ballots"
        with pytest.raises(SurveyClosedError):
            office.surveys.answer(survey, ((1,), (), ""))


def test_a_batch_counts_from_the_site_alone(own: School) -> None:
    """Whoever makes up answers with a program of their own writes beside the result."""
    survey = ask(own)
    answer(own, survey, *EVERYBODY)
    with own.opened("kocho") as office:
        store = office._session.store
        sealed = tuple(seal_ballot(store.keyring.public(Importance.III), survey, ((1,), (), "")) for _ in range(9))
        forged = SurveyBatch(survey=survey, ballots=sealed, voters=(), last=True)
        store.put([Draft(SurveyBatch.kind, os.urandom(16), Importance.III, msgspec.msgpack.encode(forged))])
        office.surveys.close(survey)
        assert office.surveys.get(survey).stage is Stage.MIXING
    count(own)
    with own.opened("kocho") as office:
        assert office.surveys.results(survey).answers == 6
    rules = writing_rules()
    for roles in (("principal",), ("vice_principal",), ("clerk",), ("teacher",), ("nurse",), ("assistant",)):
        assert not rules.allow(roles, SurveyBatch.kind), "no site takes one of them"
    assert rules.names("site", SurveyBatch.kind) and not rules.names("site", SurveyForm.kind)


def test_by_name_the_office_sees_who_and_others_see_nothing(own: School) -> None:
    survey = ask(own, named=True)
    answer(own, survey, "sato", "shien", given=((0,), (1,), "はい"))
    answer(own, survey, "sato", given=((1,), (), "やはり"))
    with own.opened("suzuki") as office:
        assert office.surveys.get(survey).answers == 2
    close(own, survey)
    with own.opened("jimu") as office:
        assert office.surveys.may_see_names()
        assert office.surveys.named_answers(survey) == (
            ("佐藤 葵", ((1,), (), "やはり")),
            ("森 遥", ((0,), (1,), "はい")),
        )
        assert [bar.count for bar in office.surveys.results(survey).outcomes[0].bars] == [1, 1]
    for name in ("suzuki", "shien"):
        with own.opened(name) as office:
            assert not office.surveys.may_see_names()
            for look in (office.surveys.results, office.surveys.named_answers):
                with pytest.raises(PolicyDeniedError):
                    look(survey)


def test_an_answer_by_name_is_its_authors_own(own: School) -> None:
    """Somebody who answers in another's place, with a program of their own, is not heard."""
    survey = ask(own, named=True)
    answer(own, survey, "sato", given=((0,), (), ""))
    with own.opened("suzuki") as office:
        store, book = office._session.store, office.surveys._book
        (victim,) = [one.id for one in store.keyring.people.people if one.login == "jimu"]
        payload = msgspec.msgpack.encode(SurveyAnswer(survey=survey, given=((1,), (), "うそ")))
        record = book.answer_record(survey, victim)
        store.put([Draft(SurveyAnswer.kind, record, Importance.II, payload)])
    close(own, survey)
    with own.opened("jimu") as office:
        assert [name for name, _ in office.surveys.named_answers(survey)] == ["佐藤 葵"]


def test_the_board_asks_and_answers_are_counted_at_the_school(own: School) -> None:
    to_hub(own)
    with as_board(own) as board:
        day = board.today() + timedelta(days=7)
        survey, _ = board.surveys.make(TEXT.format(day=day))
        with pytest.raises((PolicyDeniedError, BallotBoxError)):
            board.surveys.answer(survey, ((0,), (), ""))
    to_box(own)
    answer(own, survey, *EVERYBODY)
    close(own, survey)
    count(own)
    to_hub(own)
    with as_board(own) as board:
        results = board.surveys.results(survey)
        assert results.answers == 6 and [bar.count for bar in results.outcomes[0].bars] == [6, 0]


@pytest.mark.parametrize("given", [((), (), ""), ((0, 1), (), ""), ((9,), (), ""), ((0,),)])
def test_what_is_no_answer_is_not_kept(own: School, given: tuple[Given, ...]) -> None:
    survey = ask(own)
    with own.opened("sato") as office:
        with pytest.raises(AnswerUnfitError):
            office.surveys.answer(survey, given)
        assert not office.surveys.get(survey).own


def test_a_full_or_shut_ballot_box_says_so_and_nobody_counts_as_having_answered(own: School) -> None:
    survey = ask(own)
    shutil.rmtree(own.site / FOLDER)
    (own.site / FOLDER).write_text("in the way")
    try:
        with own.opened("sato") as office, pytest.raises(BallotBoxError):
            office.surveys.answer(survey, ((0,), (), ""))
    finally:
        (own.site / FOLDER).unlink()
    with own.opened("sato") as office:
        assert not office.surveys.get(survey).own


def test_what_is_released_is_totals_with_a_label(own: School, tmp_path: Path) -> None:
    survey = ask(own)
    answer(own, survey, *EVERYBODY, given=((0,), (), ""))
    close(own, survey)
    count(own)
    with own.opened("jimu") as office:
        page = office.releases.survey(survey, Form.HTML)
        assert (
            page.name.endswith(".html")
            and "テレワーク" in page.data.decode()
            and "重要性分類Ⅲ" in page.data.decode()
        )
        assert office.releases.survey(survey, Form.PDF).data.startswith(b"%PDF")
        assert "はい" in office.releases.survey(survey, Form.CSV).data.decode("utf-8-sig")
        names = [shown for _, shown, _ in STAFF if shown != "齋藤 久美子"]
        assert not any(name in page.data.decode() for name in names)


def test_there_is_no_other_questionnaire(own: School) -> None:
    with own.opened("kyoto") as office:
        for survey in ("", "zz", "00" * 16):
            with pytest.raises(UnknownSurveyError):
                office.surveys.get(survey)
