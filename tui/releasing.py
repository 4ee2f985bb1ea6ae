"""Something leaves a screen: the form is asked, then the gate, then it is told where the file went.

Invariant: a screen decides nothing here: what needs a permit or encryption is what the gate says, and a passphrase
is asked for only when the gate wants one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.exchange.errors import NothingNewError
from appliance.messages import explain
from appliance.office import Office
from appliance.permits.gate import Lock, LockMissingError, Released
from appliance.permits.handing import HandedOut
from appliance.policy import ApprovalNeededError
from crypto.errors import KurabakoError
from crypto.importance import Importance
from tui.door import NotLoggedInError
from tui.i18n import _
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.permits import PermitsScreen
from tui.screens.problem import ProblemScreen
from tui.screens.release import EncryptScreen, HandedOutScreen, ReleaseScreen


@dataclass(frozen=True, slots=True)
class Way:
    """One form in which something leaves; `copied` goes to the terminal's clipboard instead of a file.

    `hand` puts it down itself, and is told whether it goes out though it is what went out last; `graded` is its
    own importance where the forms differ.
    """

    word: str
    make: Callable[[Office, Lock], Released] | None = None
    copied: bool = False
    hand: Callable[[Office, Lock, bool], HandedOut] | None = None
    graded: Importance | None = None

    def handed(self, office: Office, lock: Lock, again: bool) -> HandedOut:
        """Put the file down."""
        if self.hand is not None:
            return self.hand(office, lock, again)
        return office.hand_out(lambda: self.released(office, lock))

    def released(self, office: Office, lock: Lock) -> Released:
        """Make the file."""
        assert self.make is not None  # noqa: S101 - every way has one of the two
        return self.make(office, lock)


def release(screen: OfficeScreen, title: str, importance: Importance, ways: Sequence[Way]) -> None:
    """Ask in which form, and let it out."""
    office = screen.office_app.door.office
    if office is None:
        return

    def chosen(place: int | None) -> None:
        if place is not None:
            way = ways[place]
            screen.run_worker(_let_out(screen, way.graded or importance, way, Lock()))

    words = [way.word for way in ways]
    screen.app.push_screen(ReleaseScreen(title, importance, words, office.released_into), chosen)


async def _let_out(
    screen: OfficeScreen, importance: Importance, way: Way, lock: Lock, again: bool = False
) -> None:
    door = screen.office_app.door
    try:
        if way.copied:
            released = await door.call(lambda office: way.released(office, lock))
            screen.app.copy_to_clipboard(released.data.decode())
            screen.notify(_("写しました。表計算ソフトで貼り付けてください。"))
        else:
            handed = await door.call(lambda office: way.handed(office, lock, again))
            screen.app.push_screen(HandedOutScreen(handed))
    except NotLoggedInError:
        return
    except LockMissingError:
        _encrypt(screen, importance, way, again)
    except NothingNewError:
        _once_more(screen, importance, way, lock)
    except ApprovalNeededError as error:
        _ask_permit(screen, error)
    except KurabakoError as error:
        screen.app.push_screen(ProblemScreen(error))


def _once_more(screen: OfficeScreen, importance: Importance, way: Way, lock: Lock) -> None:
    """Say that it is what went out last; whoever lost that file has it again."""

    def answered(yes: bool | None) -> None:
        if yes:
            screen.run_worker(_let_out(screen, importance, way, lock, again=True))

    question = _("前に書き出したものと同じなので、書き出していません。前のファイルをなくしましたか。")
    screen.app.push_screen(YesNoScreen(question, _("もう一度")), answered)


def _encrypt(screen: OfficeScreen, importance: Importance, way: Way, again: bool) -> None:
    def typed(passphrase: str | None) -> None:
        if passphrase is not None:
            screen.run_worker(_let_out(screen, importance, way, Lock(passphrase=passphrase), again))

    screen.app.push_screen(EncryptScreen(importance), typed)


def _ask_permit(screen: OfficeScreen, error: ApprovalNeededError) -> None:
    """Say whose approval is missing, and lead to where it is asked for."""

    def answered(yes: bool | None) -> None:
        if yes:
            screen.app.push_screen(PermitsScreen())

    told = explain(error)
    question = _("{told} 許可の画面を開きますか（そこで n を押すと申請できます）。").format(told=told.sentence)
    screen.app.push_screen(YesNoScreen(f"{question} [{told.code}]", _("開く")), answered)
