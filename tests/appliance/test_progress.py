"""The bar of long work: a stage that another one follows is done, one that broke off is not."""

import contextlib
import io

import pytest

from appliance.commands.progress import Progress


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """Return what stands in each line in the end."""
        return [line.rpartition("\r")[2].strip() for line in self.getvalue().rstrip("\n").split("\n")]


def test_a_stage_that_another_one_follows_ends_whole() -> None:
    with contextlib.redirect_stderr(Terminal()) as terminal, Progress("fetching") as progress:
        progress(37, 50)
        progress.relabel("fetching")
        progress.relabel("verifying")
        progress(50, 50)
    fetching, verifying = terminal.lines()
    assert fetching.startswith("fetching") and fetching.endswith("100 %")
    assert verifying.startswith("verifying") and verifying.endswith("100 %")


def test_a_stage_that_broke_off_stays_where_it_was() -> None:
    terminal = Terminal()
    with contextlib.redirect_stderr(terminal), pytest.raises(KeyError), Progress("fetching") as progress:
        progress(37, 50)
        raise KeyError
    assert [line[-4:] for line in terminal.lines()] == ["74 %"]


def test_nothing_is_drawn_where_nobody_looks() -> None:
    with contextlib.redirect_stderr(io.StringIO()) as file, Progress("fetching") as progress:
        progress(1, 2)
    assert file.getvalue() == ""
