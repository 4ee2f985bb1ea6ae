import ast
import gettext
import io
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import tui

ROOT = Path(tui.__file__).parent
PO = ROOT / "locale" / "en" / "LC_MESSAGES" / "kurabako.po"


def used() -> Iterator[str]:
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                (argument,) = node.args
                assert isinstance(argument, ast.Constant), f"{path}:{node.lineno}"
                yield str(argument.value)


def catalogue() -> dict[str, str]:
    with PO.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def test_every_word_of_the_screens_has_an_english_one() -> None:
    assert not sorted(set(used()) - set(catalogue()))


def test_no_word_is_left_over() -> None:
    assert not sorted(set(catalogue()) - set(used()))


@pytest.mark.parametrize(("ja", "en"), catalogue().items())
def test_both_have_the_same_places_to_fill(ja: str, en: str) -> None:
    names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (ja, en)]
    assert en and names[0] == names[1]


def test_the_compiled_catalogue_is_current() -> None:
    with PO.open("rb") as file:
        fresh = io.BytesIO()
        write_mo(fresh, read_po(file))
    fresh.seek(0)
    with PO.with_suffix(".mo").open("rb") as compiled:
        old, new = gettext.GNUTranslations(compiled), gettext.GNUTranslations(fresh)
    assert all(old.gettext(word) == new.gettext(word) for word in catalogue())
