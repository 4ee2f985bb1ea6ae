"""Write into the audit record which version came, on which way, and under which permit.

Invariant: an update that happened stays untold until the entry is on the disk; it is told by the version that runs
then, since that is the one that fits the keeper. It holds no key that opens anything.
"""

import contextlib
import os
from typing import Final

import msgspec

from appliance.audit import AuditEntry
from appliance.classification.model import Action, Verdict
from appliance.site import SiteFolder
from appliance.updates.stages import Stage, State, StateFile
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.reader import Reader
from sync.sealed import Draft
from sync.sitesession import site_session

KIND: Final = "kurabako.release"
_RULE: Final = "kurabako-update"


def tell(site: SiteFolder, file: StateFile) -> bool:
    """Keep an entry of the last update if there is none yet; return whether there was something to tell.

    Raises KeeperGoneError, PeopleMissingError and what the keeper refuses with; then it stays untold.
    """
    with file.held():
        state = file.read()
        if state.told or state.stage not in (Stage.DONE, Stage.RETURNED):
            return False
        settings, paths = site.daemon_settings(), site.paths
        reader, client = Reader(paths.store), KeeperClient(paths.socket)
        with contextlib.closing(reader), contextlib.closing(client):
            store = site_session(reader, client, settings.root, settings.key)
            entry = msgspec.msgpack.encode(_entry(state))
            store.put([Draft(AuditEntry.kind, os.urandom(16), AuditEntry.importance, entry)])
        file.write(msgspec.structs.replace(state, told=True))
        return True


def _entry(state: State) -> AuditEntry:
    done = state.stage is Stage.DONE
    return AuditEntry(
        action=Action.EDIT,
        asset=KIND,
        graded=Importance.IV,
        verdict=Verdict.ALLOW if done else Verdict.DENY,
        rule=_RULE,
        permit=state.permit,
        purpose=f"{state.former} → {state.version}" + ("" if done else f"（{state.problem}）"),
        source="USB" if state.medium else "",
    )
