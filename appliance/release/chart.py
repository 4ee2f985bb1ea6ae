"""Bar charts as a PDF to print and as one HTML page.

Invariant: every page bears the label; a bar is as long as its number says, and the number stands beside it, so
that nobody needs to see colours or bars. Every text is data to both programs.
"""

import base64
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jinja2 import BaseLoader, Environment, StrictUndefined, Template
from markupsafe import Markup

from appliance.release.cells import lines
from appliance.release.glyphs import Fitting
from appliance.release.label import Label
from appliance.release.typeset import Printed, typeset

_CLOSED: Final = "default-src 'none'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One bar: `count` of at most `of`, `percent` in hundredths."""

    label: str
    count: int
    percent: int
    of: int


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """Bars, or texts, under one heading."""

    heading: str
    bars: tuple[ChartBar, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Groups of bars under a title."""

    title: str
    note: str
    groups: tuple[ChartGroup, ...]


def chart_pdf(chart: Chart, label: Label) -> Printed:
    """Return a chart as a PDF; raises PdfNotMadeError."""
    fitting = Fitting()
    data = {
        "title": fitting.fit(chart.title),
        "note": fitting.fit(chart.note),
        "groups": [
            {
                "heading": fitting.fit(group.heading),
                "bars": [[fitting.fit(bar.label), bar.count, bar.percent, bar.of] for bar in group.bars],
                "texts": [fitting.fit(text) for text in group.texts],
            }
            for group in chart.groups
        ],
    }
    return Printed(typeset("chart.typ", data, label, fitting), fitting.missing())


def chart_html(chart: Chart, label: Label) -> bytes:
    """Return a chart as one HTML page that fetches nothing and runs nothing."""
    style = files("appliance.release").joinpath("chart.css").read_text("utf-8")
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    made = _template().render(
        chart=chart,
        label=label.line(),
        clean=lines,
        style=Markup(style),  # noqa: S704 - our own file
        policy=f"{_CLOSED}; style-src 'sha256-{digest}'",
    )
    return made.encode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(files("appliance.release").joinpath("chart.html").read_text("utf-8"))
