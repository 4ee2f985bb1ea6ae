"""The messages that come up in a corner and go by themselves.

Invariant: one that is over already when it is about to be shown gets no negative time. Textual would count it
backwards for ever without letting go of the screen, and the whole office stood still.
"""

from typing import Final

from textual.app import App
from textual.notifications import Notification, Notify, SeverityLevel

_SHORTEST_S: Final = 0.001


class Toasted(Notification):
    """A message; one that is over still has a moment to be shown."""

    @property
    def time_left(self) -> float:
        """Return the seconds until it goes, never less than a moment."""
        return max(_SHORTEST_S, super().time_left)

    @property
    def has_expired(self) -> bool:
        """Say whether its time is over."""
        return super().time_left <= 0


class ToastingApp(App[int]):
    """An app whose messages can be late."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a message for some seconds (as long as the app says, if None)."""
        lasts_s = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        self.post_message(Notify(Toasted(message, title, severity, lasts_s, markup=markup)))
