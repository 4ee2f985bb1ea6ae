"""The transcript of the played outage: numbered steps with times, readable while it runs."""

import time

import click


class Transcript:
    """Print what happens, with seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._step = 0

    def step(self, title: str) -> None:
        """Open a numbered step."""
        self._step += 1
        click.echo(f"\n{self._step:2}. {title}")

    def say(self, text: str) -> None:
        """Add a line under the open step."""
        click.echo(f"    [{time.monotonic() - self._start:6.1f}s] {text}")
