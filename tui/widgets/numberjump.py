"""From digits to a row: typing a 出席番号 goes to that pupil."""

from collections.abc import Sequence


class NumberJump:
    """Collects digits until another key is pressed."""

    def __init__(self) -> None:
        self._typed = ""

    def forget(self) -> None:
        """Begin a new number with the next digit."""
        self._typed = ""

    def press(self, digit: str, numbers: Sequence[str]) -> int | None:
        """Take a digit; return the place of the number typed so far, None while there is no such number.

        What can become no number of the class begins anew with the last digit.
        """
        longer = self._typed + digit
        self._typed = longer if any(number.startswith(longer) for number in numbers) else digit
        return numbers.index(self._typed) if self._typed in numbers else None
