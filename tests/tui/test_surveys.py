"""アンケート at the keyboard: made, answered without a name, closed, and what came out."""

from collections.abc import Iterator

import pytest
from textual.widgets import DataTable, Input, TextArea

from appliance.inbox.running import open_session
from appliance.office import Office
from appliance.site import open_site
from appliance.surveys.counting import BallotCounter
from sync.clock import wall_ms
from tests.school import STAFF, School, enrol
from tests.tui.driving import LARGE, SIZES, SMALL, Driver, at_home, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import KeepTextScreen, YesNoScreen
from tui.screens.surveyanswer import SurveyAnswerForm
from tui.screens.surveyresults import SurveyResultsScreen
from tui.screens.surveys import SurveysScreen
from tui.widgets.choices import Choices


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("asked"), imported=False)
    yield made
    made.close()


def count(school: School) -> None:
    """Let the process that counts look, some minutes from now."""
    site = open_site(school.site)
    key = site.signing_key()
    BallotCounter(site.paths, lambda: open_session(site.paths, site.root, key), lambda: wall_ms() + 600_000).turn()


def table(pilot: Driver) -> "DataTable[object]":
    return pilot.app.screen.query_one(DataTable)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
async def test_from_the_question_to_the_bars(own: School, size: tuple[int, int]) -> None:
    title = f"働き方 {size[0]}"
    async with at_home(own, size, "kyoto") as pilot:
        await pilot.press("q")
        await screen_of(pilot, SurveysScreen)
        check_fits(pilot)
        await pilot.press("n")
        made = await screen_of(pilot, KeepTextScreen)
        check_fits(pilot)
        area = made.query_one(TextArea)
        area.text = area.text.replace("テレワークについて", title)
        await pilot.press("f4")
        await screen_of(pilot, SurveysScreen)
        await sees(pilot, title)
        await pilot.press("enter")
        form = await screen_of(pilot, SurveyAnswerForm)
        await sees(pilot, "ほかの人の回答と混ぜて")
        await sees(pilot, f"1. {form._form.questions[0].text[:10]}")
        check_fits(pilot)
        await pilot.press("f4")
        await sees(pilot, "まだ何も答えていません")
        await pilot.press("down", "enter", "enter", "tab")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press(*"ok")
        one, many = form.query(Choices)
        assert one.chosen == (1,) and many.chosen == (0,)
        assert form.given() == ((1,), (0,), "ok")
        check_fits(pilot)
        await pilot.press("f4")
        await screen_of(pilot, SurveysScreen)
        await sees(pilot, "✓ 済")
        await pilot.press("enter")
        await sees(pilot, "もう答えています")
        assert isinstance(pilot.app.screen, SurveysScreen)
    for name in (login for login, _, _ in STAFF if login != "kyoto"):
        office = own.office(name)
        office.surveys.answer(survey_of(office, title), ((0,), (), ""))
        office.logout()
    async with at_home(own, size, "kyoto") as pilot:
        await pilot.press("q")
        await screen_of(pilot, SurveysScreen)
        await until(pilot, lambda: table(pilot).row_count > 0)
        await pilot.press("f4")
        await sees(pilot, "締め切って")
        await pilot.press("x")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        await screen_of(pilot, SurveysScreen)
        await sees(pilot, "◐ 集計中")
        count(own)
        await until(pilot, lambda: "◐ 集計中" not in shown(pilot) and "✓ 結果" in shown(pilot))
        check_fits(pilot)
        await pilot.press("f4")
        await screen_of(pilot, SurveyResultsScreen)
        await sees(pilot, "回答 6人（6人中）無記名")
        assert "████" in shown(pilot) and "はかどった" in shown(pilot)
        check_fits(pilot)
        await pilot.press("escape")
        await screen_of(pilot, SurveysScreen)


def survey_of(office: Office, title: str) -> str:
    return next(view.survey for view in office.surveys.listed() if view.form.title == title)


async def test_by_name_the_office_sees_who_said_what(own: School) -> None:
    text = "# 係の希望\n記名: 記名\n締切: 2099-01-01\n1. 係（一つ）\n- 図書\n- 体育"
    office = own.office("kyoto")
    survey, _ = office.surveys.make(text)
    office.surveys.answer(survey, ((1,),))
    office.surveys.close(survey)
    office.logout()
    async with at_home(own, LARGE, "jimu") as pilot:
        await pilot.press("q")
        await screen_of(pilot, SurveysScreen)
        await sees(pilot, "係の希望")
        place = next(n for n in range(table(pilot).row_count) if "係の希望" in str(table(pilot).get_row_at(n)[1]))
        table(pilot).move_cursor(row=place)
        await pilot.press("enter")
        await screen_of(pilot, SurveyResultsScreen)
        await sees(pilot, "田中 望: 体育")
        check_fits(pilot)


async def test_a_text_that_cannot_be_read_stays_and_names_its_line(own: School) -> None:
    async with at_home(own, SMALL, "kyoto") as pilot:
        await pilot.press("q", "n")
        made = await screen_of(pilot, KeepTextScreen)
        made.query_one(TextArea).text = "# 題だけ"
        await pilot.press("f4")
        await sees(pilot, "APP-650")
        await pilot.press("escape")
        assert (await screen_of(pilot, KeepTextScreen)).query_one(TextArea).text == "# 題だけ"
