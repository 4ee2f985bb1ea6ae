import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from appliance.cli import cli
from appliance.config import Config
from tui.actions import ATTENDANCE, AUDIT, CONFLICT, EMERGENCY, HOME, MEETING

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.ja.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = {page: page.read_text("utf-8") for page in PAGES}
EVERYTHING = "\n".join(TEXT.values())
KEYS = {"escape": "Esc", "enter": "Enter", "left": "←", "right": "→"}


def commands(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_is_documented_and_helpful(path: tuple[str, ...]) -> None:
    words = r"\b.*?\b".join(map(re.escape, path)) if path[0] == "board" else " ".join(path)
    assert re.search(rf"kurabako {words}\b", EVERYTHING) or re.search(rf"`{path[-1]}`", TEXT[ROOT / "README.md"])
    assert ALL[path].help


def shown() -> Iterator[tuple[str, str]]:
    for page, text in TEXT.items():
        for line in text.replace("\\\n", " ").splitlines():
            if re.match(r"    +(\.venv/bin/)?kurabako ", line):
                yield page.name, line.split("kurabako ", 1)[1].split("#")[0].strip()


@pytest.mark.parametrize(("page", "line"), sorted(set(shown())))
def test_every_shown_command_exists_with_its_options(page: str, line: str) -> None:
    words = line.split()
    if words[:1] == ["board"] and words[1:2] == ["--board"]:
        words = ["board", *words[3:]]
    path = next(p for p in ALL if tuple(words[: len(p)]) == p)
    known = {name for option in ALL[path].params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= known, page


def test_every_configuration_key_is_documented() -> None:
    text = TEXT[ROOT / "docs" / "support.md"]
    for section in msgspec.structs.fields(Config):
        assert f"`{section.name}`" in text
        for key in msgspec.structs.fields(section.type):
            assert f"`{key.name}`" in text, f"{section.name}.{key.name}"


@pytest.mark.parametrize("page", ["docs/office.md", "docs/ja/office.md"])
def test_every_key_of_the_screens_is_documented(page: str) -> None:
    text = TEXT[ROOT / page]
    for action in (*HOME, *ATTENDANCE, *MEETING, *CONFLICT, *EMERGENCY, *AUDIT):
        key = KEYS.get(action.key, action.key.upper() if action.key.startswith("f") else f"`{action.key}`")
        assert key in text or action.key == "escape", action.id


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT[page]):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_every_make_target_is_documented_and_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"make ([a-z-]+)", TEXT[ROOT / "README.md"]))
    assert named <= targets
    assert {"run", "test", "demo", "check", "bench", "fmt", "lock"} <= named


def test_both_readmes_show_the_same_commands() -> None:
    english, japanese = (
        {
            line.strip().split("#")[0].strip()
            for line in TEXT[ROOT / name].splitlines()
            if ".venv/bin/kurabako" in line
        }
        for name in ("README.md", "README.ja.md")
    )
    assert english == japanese and english


def test_no_page_names_a_path_of_some_machine() -> None:
    for page, text in TEXT.items():
        assert not re.search(r"(?<![\w.])/(home|root|work|tmp|Users)/", text), page


@pytest.mark.parametrize("page", ["controls.md", "threat-model.md"])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    text = TEXT[ROOT / "docs" / page]
    named = set(re.findall(r"`(tests/[\w./-]+)`", text))
    assert named
    assert [name for name in sorted(named) if not _holds_tests(ROOT / name)] == []


def _holds_tests(path: Path) -> bool:
    files = path.rglob("test_*.py") if path.is_dir() else [path]
    return any(
        file.exists() and re.search(r"^(async )?def test_", file.read_text("utf-8"), re.M) for file in files
    )


def test_every_demand_is_shown_by_a_test_or_said_not_to_be_the_products() -> None:
    lines = [line for line in TEXT[ROOT / "docs" / "controls.md"].splitlines() if line.startswith("| ")][1:]
    assert len(lines) > 20
    for line in lines:
        demand, _where, shown_by, left = (part.strip() for part in line.strip("|").split(" | "))
        targets = re.findall(r"`(tests/[^`]+|make \w+)`", shown_by)
        assert demand and (targets or (shown_by == "—" and left)), demand
