"""Reading what a document says, for searching: whatever the file is, an answer comes.

Invariant: reads in a confined process (`pages`); never raises for what a file holds.
"""

from typing import BinaryIO, Final

from appliance.documents.intake import Read
from appliance.documents.media import Media, media_of
from appliance.documents.pages import Pages

MOST_LETTERS: Final = 60_000
_SILENT: Final = frozenset((Media.BINARY, Media.PNG, Media.JPEG))


def read_document(source: BinaryIO, length: int, name: str) -> Read:
    """Say what a document is and what it says, at most 60,000 letters of it."""
    media = media_of(source, name)
    if media in _SILENT or not length:
        return Read(media, unread="" if not length else "文字のない種類のファイル")
    texts: list[str] = []
    letters = 0
    with Pages(source, length, media) as pages:
        for text in pages.texts():
            texts.append(text)
            letters += len(text)
            if letters > MOST_LETTERS or pages.fault:
                break
        fault = pages.fault
    whole = "\n".join(texts)
    if fault:
        return Read(media, whole[:MOST_LETTERS], unread="読み取れないファイル", cut=True)
    unread = "" if whole.strip() else "文字のない文書（画像だけなど）"
    return Read(media, whole[:MOST_LETTERS], unread, cut=letters > MOST_LETTERS)
