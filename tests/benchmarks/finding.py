"""Searching 5,000 documents by title and by text, as the screen does at every key that is typed."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from appliance.documents.desk import DocumentDesk, FoundDocuments
from appliance.documents.records import DocumentFile, DocumentText, encode, text_record
from crypto.importance import Importance
from sync.sealed import Draft
from tests.school import School, enrol

DOCUMENTS = 5_000
TEXT = "校外学習は雨天のとき中止し、体育館で集会をします。持ち物と集合時刻は学級だよりでお知らせします。" * 20
WORDS = ("し", "しお", "しおり", "修学旅行", "0123")
_BATCH = 250


def searches(folder: Path) -> tuple[float, list[float], list[float]]:
    """Return the seconds of a session's first search, of later ones by title, and of some by text."""
    folder.mkdir()
    school = enrol(folder, imported=False)
    try:
        fill(school)
        office = school.office("sato")
        desk = DocumentDesk(office._session)
        first = _timed(lambda: desk.find("しおり"))
        titles = [_timed(partial(desk.find, word)) for word in WORDS * 3]
        texts = [_timed(lambda: desk.find_in_text("体育館 学級だより")) for _ in range(5)]
        office.logout()
    finally:
        school.close()
    return first, titles, texts


def fill(school: School) -> None:
    """Keep the records of 5,000 documents; their bytes are not looked at by a search."""
    office = school.office("kocho")
    store = office._session.store
    for start in range(0, DOCUMENTS, _BATCH):
        drafts = []
        for number in range(start, start + _BATCH):
            blob, importance = os.urandom(32), Importance.III if number % 3 else Importance.II
            title = f"{number:04} {('学級だより', '修学旅行のしおり', '職員会議の資料')[number % 3]}"
            file = DocumentFile(title=title, name=f"{number}.pdf", media="application/pdf", size=1, blob=blob)
            drafts.append(Draft(DocumentFile.kind, os.urandom(16), importance, encode(file)))
            text = DocumentText(blob=blob, text=f"{number} {TEXT}")
            drafts.append(Draft(DocumentText.kind, text_record(blob), importance, encode(text)))
        store.put(drafts)
    office.logout()


def _timed(search: Callable[[], FoundDocuments]) -> float:
    began = time.perf_counter()
    found = search()
    took = time.perf_counter() - began
    assert found.count
    return took
