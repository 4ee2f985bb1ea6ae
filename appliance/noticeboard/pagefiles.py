"""The files that a page is made of, beside the module that makes it: `page.html` and `page.css` of a package.

Invariant: a page's style stands in the page and is allowed by its hash; nothing else is allowed at all.
"""

import base64
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined, Template


def policy_of(package: str) -> str:
    """Return the Content-Security-Policy of a package's page: its own style by hash, and nothing else."""
    digest = base64.b64encode(sha256(style_of(package).encode()).digest()).decode()
    closed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return f"{closed}; style-src 'sha256-{digest}'"


@cache
def template_of(package: str) -> Template:
    """Return a package's page as a template that escapes every text."""
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(files(package).joinpath("page.html").read_text("utf-8"))


@cache
def style_of(package: str) -> str:
    """Return a package's style."""
    return files(package).joinpath("page.css").read_text("utf-8")
