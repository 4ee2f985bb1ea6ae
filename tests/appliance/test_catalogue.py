import importlib.util
import pkgutil
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import appliance
import crypto
import sync
import tui
from appliance.exits import Exit
from appliance.messages import Language, catalogue, explain, language
from crypto.errors import KurabakoError

DOCS = Path(__file__).resolve().parents[2] / "docs"


def error_classes() -> Iterator[type[KurabakoError]]:
    for package in (crypto, sync, appliance, tui):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    pending = list(KurabakoError.__subclasses__())
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        if cls.__module__.split(".")[0] in {"crypto", "sync", "appliance", "tui"}:
            yield cls


ALL = sorted({c for c in error_classes() if not c.code.endswith("-000")}, key=lambda c: c.code)


def test_codes_are_unique() -> None:
    codes = [c.code for c in ALL if "code" in vars(c)]
    assert len(codes) == len(set(codes)), sorted({c for c in codes if codes.count(c) > 1})


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_code_is_worded(lang: Language) -> None:
    missing = [c.code for c in ALL if c.code not in catalogue(lang)]
    assert not missing
    for code, entry in catalogue(lang).items():
        assert str(entry["sentence"]).strip() and str(entry["hint"]).strip(), code
        Exit(int(entry.get("exit", 1)))


def test_no_entry_without_an_error() -> None:
    assert set(catalogue("ja")) == set(catalogue("en")) == {c.code for c in ALL}


def test_both_languages_use_the_same_params() -> None:
    for code, entry in catalogue("ja").items():
        other = catalogue("en")[code]
        for part in ("sentence", "hint"):
            names = [
                {name for _, name, _, _ in string.Formatter().parse(str(e[part])) if name} for e in (entry, other)
            ]
            assert names[0] == names[1], (code, part)
        assert entry.get("exit", 1) == other.get("exit", 1), code


def test_unknown_errors_are_still_explained() -> None:
    told = explain(ZeroDivisionError("x"), "ja")
    assert told.code.startswith("GEN-000") and told.exit is Exit.FAILED and "保存済" in told.sentence


def test_language_follows_the_environment_and_defaults_to_japanese() -> None:
    assert language({}) == "ja"
    assert language({"LANG": "C.UTF-8"}) == "ja"
    assert language({"LANG": "en_GB.UTF-8"}) == "en"
    assert language({"KURABAKO_LANG": "ja", "LANG": "en_GB.UTF-8"}) == "ja"


def test_the_page_of_codes_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_errors", DOCS / "make_errors.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "errors.md").read_text("utf-8") == module.page(), "run `make docs`"
