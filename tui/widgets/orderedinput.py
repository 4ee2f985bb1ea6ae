"""A line of text whose Enter keeps its place among the letters.

Invariant: what is submitted is what stood in the line when Enter was typed. A binding runs only after its key went
up to the app, so a letter typed next would get into the line before it.
"""

from textual import events
from textual.widgets import Input


class OrderedInput(Input):
    """An Input for whoever types on before the next step is there."""

    async def on_key(self, event: events.Key) -> None:
        """Submit at once."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            await self.action_submit()
