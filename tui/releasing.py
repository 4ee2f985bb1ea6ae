"""Something leaves a screen: the form is asked, then the gate, then it is told where the file went.

Invariant: a screen decides nothing here: what needs a permit or encryption is what the gate says, and a passphrase
is asked for only when the gate wants one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.messages import explain
from appliance.office import Office
from appliance.permits.gate import Lock, LockMissingError, Released
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
    """One form in which something leaves; `copied` goes to the terminal's clipboard instead of a file."""

    word: str
    make: Callable[[Office, Lock], Released]
    copied: bool = False


def release(screen: OfficeScreen, title: str, importance: Importance, ways: Sequence[Way]) -> None:
    """Ask in which form, and let it out."""
    office = screen.office_app.door.office
    if office is None:
        return

    def chosen(place: int | None) -> None:
        if place is not None:
            screen.run_worker(_let_out(screen, importance, ways[place], Lock()))

    words = [way.word for way in ways]
    screen.app.push_screen(ReleaseScreen(title, importance, words, office.released_into), chosen)


async def _let_out(screen: OfficeScreen, importance: Importance, way: Way, lock: Lock) -> None:
    door = screen.office_app.door
    try:
        if way.copied:
            released = await door.call(lambda office: way.make(office, lock))
            screen.app.copy_to_clipboard(released.data.decode())
            screen.notify(_("写しました。表計算ソフトで貼り付けてください。"))
        else:
            handed = await door.call(lambda office: office.hand_out(lambda: way.make(office, lock)))
            screen.app.push_screen(HandedOutScreen(handed))
    except NotLoggedInError:
        return
    except LockMissingError:
        _encrypt(screen, importance, way)
    except ApprovalNeededError as error:
        _ask_permit(screen, error)
    except KurabakoError as error:
        screen.app.push_screen(ProblemScreen(error))


def _encrypt(screen: OfficeScreen, importance: Importance, way: Way) -> None:
    def typed(passphrase: str | None) -> None:
        if passphrase is not None:
            screen.run_worker(_let_out(screen, importance, way, Lock(passphrase=passphrase)))

    screen.app.push_screen(EncryptScreen(importance), typed)


def _ask_permit(screen: OfficeScreen, error: ApprovalNeededError) -> None:
    """Say whose approval is missing, and lead to where it is asked for."""

    def answered(yes: bool | None) -> None:
        if yes:
            screen.app.push_screen(PermitsScreen())

    told = explain(error)
    question = _("{told} 許可の画面を開きますか（そこで n を押すと申請できます）。").format(told=told.sentence)
    screen.app.push_screen(YesNoScreen(f"{question} [{told.code}]", _("開く")), answered)
