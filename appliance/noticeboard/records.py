"""What is kept of a notice on the noticeboard 掲示板.

Invariant: a notice is importance IV and nothing else: what is graver has no record kind that could get there.
"""

from datetime import date
from typing import ClassVar, Final

import msgspec

from crypto.importance import Importance

SECTIONS: Final = ("お知らせ", "行事", "持ち物・提出", "保健・給食", "図書・係")
MOST_TITLE: Final = 60
MOST_BODY: Final = 1_000
MOST_AUDIENCE: Final = 20
MOST_TEXT_BYTES: Final = 80_000  # of all notices that stand at once: the page stays under 100 kB


class NoticeItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notice, shown from `first` to `until` (both days included).

    `section` is one of `SECTIONS`, `audience` says for whom in words (empty: for everybody); `urgent` puts it
    first, `withdrawn` takes it away before its time.
    """

    kind: ClassVar[str] = "notice.item"
    importance: ClassVar[Importance] = Importance.IV
    title: str
    body: str
    first: date
    until: date
    section: str = SECTIONS[0]
    audience: str = ""
    urgent: bool = False
    withdrawn: bool = False
