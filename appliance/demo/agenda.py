"""The staff meeting of the demo school: an agenda that reads like one."""

import tomllib
from datetime import date, datetime, time
from importlib.resources import files

import msgspec

from appliance.board.publishing import AgendaText, agenda_items
from appliance.meetings.records import AgendaItem, Meeting
from appliance.session import JST


def demo_agenda(on: date) -> tuple[Meeting, list[AgendaItem]]:
    """Return a meeting at 16:00 of that day, with its items."""
    meeting_id = f"demo-{on.isoformat()}"
    meeting = Meeting(
        id=meeting_id,
        title=f"職員会議（{on.month}月）",
        starts=datetime.combine(on, time(16, 0), JST),
        place="職員室",
        chair="教頭",
        recorder="教務主任",
    )
    texts = tomllib.loads(files("appliance.demo").joinpath("agenda.toml").read_text("utf-8"))["item"]
    return meeting, agenda_items(meeting_id, msgspec.convert(texts, list[AgendaText]))
