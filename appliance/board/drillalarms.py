"""Telling somebody that drills failed: one letter and one POST for each run, by the board's `alarms.toml`.

Invariant: nothing is sent where none failed, and what is sent holds no more than codes of schools and of errors. A
file that cannot be read is told before the first school is tried; who could not be told is in the journal.
"""

import json
import secrets
import tomllib
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import msgspec

from appliance.alarms.channels import AlarmUnsentError, Parcel, addressees, deliver
from appliance.alarms.section import AlarmsSection
from appliance.board.drills import Drill
from appliance.board.folder import BoardFolder
from appliance.config import ConfigDeniedError, ConfigSyntaxError, ConfigValueError, refuse_unknown
from appliance.errors import ApplianceError
from appliance.messages import language
from appliance.session import JST
from appliance.text import printable
from crypto.errors import KurabakoError

FILE: Final = "alarms.toml"
FORMAT: Final = 1
_SUBJECT: Final = {
    "ja": "【蔵箱 通報】{board}: 復元訓練 {count}校が失敗",
    "en": "[Kurabako alarm] {board}: the restore drill failed for {count} schools",
}
_WHAT_TO_DO: Final = {
    "ja": "すること: kurabako board drill --status で全校を見て、失敗した学校をもう一度試します。\n",
    "en": "What to do: look at all with kurabako board drill --status, and try those again.\n",
}


class DrillUntoldError(ApplianceError):
    """Nobody took the letter or POST that says which drills failed."""

    code = "APP-460"


def read_alarms(board: BoardFolder) -> AlarmsSection:
    """Return who is told; nobody without the file. Raises what a configuration that cannot be read raises."""
    file = board.path / FILE
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
        refuse_unknown(raw, AlarmsSection, file, "")
        return msgspec.convert(raw, AlarmsSection)
    except FileNotFoundError:
        return AlarmsSection()
    except PermissionError as exc:
        raise ConfigDeniedError(operation="read alarms", subject=FILE, cause=exc, file=str(file)) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigSyntaxError(
            operation="read alarms", subject=FILE, cause=exc, file=str(file), problem=str(exc)
        ) from exc
    except msgspec.ValidationError as exc:
        raise ConfigValueError(
            operation="read alarms", subject=FILE, cause=exc, file=str(file), problem=str(exc)
        ) from exc


def tell_failures(
    board: BoardFolder, section: AlarmsSection, failed: Sequence[Drill], lines: Sequence[str]
) -> list[KurabakoError]:
    """Tell everybody of drills that failed, `lines` in words; return why somebody could not be told."""
    problems = list[KurabakoError]()
    parcel = _parcel(board, section, failed, lines)
    for to in addressees(section) if failed else ():
        try:
            deliver(parcel, to, section, board.path)
        except AlarmUnsentError as error:
            problem = str(error.params["problem"])
            problems.append(
                DrillUntoldError(operation="tell of drill", subject=error.subject, cause=error, problem=problem)
            )
        except KurabakoError as error:  # such as a password that is not there
            problems.append(error)
    return problems


def _parcel(board: BoardFolder, section: AlarmsSection, failed: Sequence[Drill], lines: Sequence[str]) -> Parcel:
    number, at_ms = secrets.token_hex(8), max((drill.at_ms for drill in failed), default=0)

    def letter(to: str) -> EmailMessage:
        made = EmailMessage()
        made["Subject"] = _SUBJECT[language()].format(board=printable(board.name), count=len(failed))
        made["From"], made["To"] = section.email_from, to
        made["Date"] = format_datetime(datetime.fromtimestamp(at_ms / 1000, JST))
        made["Message-ID"] = f"<{number}@kurabako.invalid>"
        made["Auto-Submitted"] = "auto-generated"
        made.set_content("".join(f"{line}\n" for line in lines) + _WHAT_TO_DO[language()])
        return made

    rows = [{"school": drill.school, "problem": drill.code or None, "missing": drill.missing} for drill in failed]
    told = {"format": FORMAT, "id": number, "alarm": "drill", "state": "raised", "at_ms": at_ms}
    return Parcel(number, json.dumps(told | {"board": board.name, "schools": rows}).encode(), letter)
