"""The page: every text is data, in an order that helps."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.noticeboard.page import page
from tests.appliance.noticeboard.notices import posted, snapshot

ON = date(2026, 11, 24)
EVIL = "<script>alert(1)</script><img src=x onerror=y> \" ' & </style></article>"


@pytest.mark.parametrize("field", ["title", "body", "audience", "section"])
def test_whatever_is_written_is_text(field: str) -> None:
    made = page(snapshot(posted(**{field: EVIL})), ON).decode()
    assert "<script" not in made and "<img" not in made and made.count("</style>") == 1
    assert field == "section" or "&lt;script&gt;" in made


@given(text=st.text(max_size=200))
def test_no_text_makes_another_page(text: str) -> None:
    plain, made = (page(snapshot(posted("題", body=body)), ON).decode() for body in ("x", text))
    assert made.count("<article") == plain.count("<article") == 1
    assert made.count("<") == plain.count("<") + 2 * (made.count("<p>") - plain.count("<p>")) + made.count("<br>")


def test_what_is_urgent_comes_first_and_says_so_in_words() -> None:
    notices = (posted("献立"), posted("貸出日", section="図書・係"), posted("大雪", section="行事", urgent=True))
    made = page(snapshot(*notices), ON).decode()
    assert made.index("大雪") < made.index("献立") < made.index("貸出日")
    assert "<strong>たいせつ</strong> 大雪" in made


def test_lines_and_paragraphs_stay_as_they_were_written() -> None:
    made = page(snapshot(posted(body="一\n二\n\n三")), ON).decode()
    assert "<p>一<br>二</p>" in made and "<p>三</p>" in made


def test_nothing_released_is_said() -> None:
    assert "いま掲示はありません" in page(snapshot(), ON).decode()
