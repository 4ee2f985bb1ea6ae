"""The staff meeting of the demo school: an agenda that reads like one."""

import tomllib
from datetime import date, datetime, time
from importlib.resources import files

from appliance.meetings import AgendaItem, Meeting
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
    items = [
        AgendaItem(
            id=f"{meeting_id}-{number}",
            meeting_id=meeting_id,
            number=number,
            section=text["section"],
            department=text["department"],
            title=text["title"],
            proposer=text["proposer"],
            minutes=text["minutes"],
            body=text["body"].strip(),
        )
        for number, text in enumerate(texts, 1)
    ]
    return meeting, items
