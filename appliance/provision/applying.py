"""Carrying out a plan on a box, step by step.

Invariant: a step may be repeated, and its mark is written after all of it took effect; so a cut anywhere is mended
by looking again, planning again and applying that plan. After the last step the box is looked at once more.
"""

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from appliance.enrolment.request import open_request
from appliance.provision.boxsecrets import BoxSecrets
from appliance.provision.errors import NotConfirmedError, UnitFailedError
from appliance.provision.facts import Facts, StatusFact
from appliance.provision.inventory import Box
from appliance.provision.plan import Act, Step
from appliance.provision.scripts import KEEP, MARK, POINT, REQUEST
from appliance.provision.sending import ReleaseSource, send
from appliance.provision.ssh import Session
from appliance.provision.wanted import (
    BUNDLES,
    CREDENTIALS,
    ENABLED,
    LOCAL_CONFIG,
    MARKS,
    SERVICES,
    SITE,
    SLOTS,
    STARTED,
    TARGET,
    Group,
    Wanted,
)

KURABAKO: Final = "/usr/local/bin/kurabako"
_LOOK_S: Final = 1.0
_ACTIVE_S: Final = 60.0

Say = Callable[[str, int, int], None]
"""Is told a step's name, what is done of it and the total (0 of 0: no measure)."""


class Granter(Protocol):
    """Gets the board's answer to a box's request."""

    def answer(self, box: Box, request: bytes) -> bytes | None:
        """Return the grant file, None while the board has not answered: then the request is kept for it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What applying a plan needs beside the box. `epoch`: which box of its school the new one is."""

    source: ReleaseSource
    granter: Granter
    epoch: int = 1
    secrets: BoxSecrets = field(default_factory=BoxSecrets)
    confirm_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Applied:
    """How far it went: all steps (`waiting` empty), or up to the one that waits for the board's grant."""

    done: tuple[str, ...]
    waiting: str = ""


class Applier:
    """Applies a plan over one session."""

    def __init__(self, session: Session, facts: Facts, wanted: Wanted, tools: Tools, say: Say) -> None:
        self._session, self._facts, self._wanted, self._tools, self._say = session, facts, wanted, tools, say

    def apply(self, steps: Sequence[Step]) -> Applied:
        """Do the steps in order; raises what a step fails with."""
        done: list[str] = []
        for step in steps:
            self._say(step.name, 0, 0)
            if not self._do(step):
                return Applied(tuple(done), step.name)
            done.append(step.name)
        return Applied(tuple(done))

    def _do(self, step: Step) -> bool:
        if step.act is Act.GRANT:
            return self._take_grant()
        act = {
            Act.BUNDLE: self._send_bundle,
            Act.RELEASE: lambda: self._install(step.slot),
            Act.GROUP: lambda: self._put_group(step.group),
            Act.REQUEST: self._request,
            Act.SECRETS: lambda: self._put_secrets(step.why),
            Act.SETTINGS: self._set,
            Act.RIGHTS: self._rights,
            Act.START: self._start,
            Act.CONFIRM: self._confirm,
        }[step.act]
        act()
        return True

    def _send_bundle(self) -> None:
        release = self._wanted.release
        missing = [n for n, (_, digest) in release.files.items() if self._facts.bundle.get(n) != digest]
        send(
            self._session,
            self._tools.source,
            release,
            missing,
            self._bundle_folder,
            lambda done, total: self._say("bundle", done, total),
        )

    def _install(self, slot: str) -> None:
        folder, manifest = self._bundle_folder, self._wanted.release.manifest
        command = ["python3", "-I", f"{folder}/install.py", folder, f"{SLOTS}/{slot}", "--manifest", manifest]
        if self._facts.slots.manifests.get(slot) != manifest:
            self._session.check(["mkdir", "-p", SLOTS])
            self._session.check(command, timeout_s=900)
        self._point(f"{SLOTS}/current", slot)
        self._point(KURABAKO, f"{SLOTS}/current/bin/kurabako")
        self._session.check(["rm", "-rf", folder])

    def _put_group(self, group: Group | None) -> None:
        assert group is not None  # noqa: S101 - a plan's group step has its group
        for file in group.files:
            there = self._facts.files.get(file.path)
            if there is None or (there.sha256, there.mode, there.owner) != (file.sha256, file.mode, file.owner):
                self._session.put(file.content, file.path, file.mode, file.owner)
        runs = not group.only_with or self._facts.units.get(group.only_with, ("", "", False))[1] == "active"
        for command in (*group.check, *group.commands) if runs else ():
            self._session.check(command)
        self._mark(group.name, group.digest)

    def _request(self) -> None:
        self._session.check(
            [
                KURABAKO,
                "site",
                "begin",
                SITE,
                "--school",
                self._wanted.box.school,
                "--epoch",
                str(self._tools.epoch),
                "--root-key",
                self._wanted.root_key,
                "--machine-vault",
                CREDENTIALS,
            ]
        )

    def _put_secrets(self, names: Sequence[str]) -> None:
        """Let the machine encrypt them; they are on its disk in no other form, and on no command line."""
        secrets = self._tools.secrets.of(self._wanted.box)
        for name in names:
            keep = ["python3", "-I", "-c", KEEP, f"{CREDENTIALS}/{name}"]
            self._session.check(keep, secrets[name].reveal())

    def _set(self) -> None:
        self._session.check([KURABAKO, "site", "settle", SITE, "--local", LOCAL_CONFIG])

    def _take_grant(self) -> bool:
        ran = self._session.check(["python3", "-I", "-c", REQUEST, SITE])
        request = base64.b64decode(ran.stdout)
        open_request(request)
        grant = self._tools.granter.answer(self._wanted.box, request)
        if grant is None:
            return False
        command = [KURABAKO, "site", "take", SITE, "--machine-vault", CREDENTIALS, "--local", LOCAL_CONFIG]
        self._session.check(command, grant, timeout_s=900)
        return True

    def _rights(self) -> None:
        self._session.check(["systemd-tmpfiles", "--create", "kurabako.conf"])
        self._mark("rights", "done")

    def _start(self) -> None:
        masked = {unit for unit, (enabled, *_) in self._facts.units.items() if enabled == "masked"}
        units = [unit for unit in (*STARTED, *ENABLED) if unit not in masked]
        self._session.check(["systemctl", "daemon-reload"])
        self._session.check(["systemctl", "enable", *units])
        self._session.check(["systemctl", "restart", TARGET], timeout_s=300)
        self._session.check(["systemctl", "start", "kurabako-update.timer"])
        until = time.monotonic() + _ACTIVE_S
        while self._session.run(["systemctl", "is-active", "--quiet", *SERVICES]).code != 0:
            if time.monotonic() > until:
                self._tell_failed()
            time.sleep(_LOOK_S)

    def _tell_failed(self) -> None:
        states = self._session.run(["systemctl", "is-active", *SERVICES]).text.split()
        failed = ", ".join(unit for unit, state in zip(SERVICES, states, strict=False) if state != "active")
        log = self._session.run(["journalctl", "-n", "3", "-o", "cat", *(f"-u{unit}" for unit in SERVICES)]).text
        name = self._session.target.name
        raise UnitFailedError(operation="start", subject=name, box=name, units=failed, said=log[-300:])

    def _confirm(self) -> None:
        """Wait until the board countersigned and a restore was verified; raises NotConfirmedError."""
        until, status = time.monotonic() + self._tools.confirm_s, StatusFact()
        while time.monotonic() < until:
            status = self._status()
            if status.confirmed and status.verified_at_ms:
                return
            self._say("confirm", status.confirmed or 0, status.saved or 0)
            time.sleep(_LOOK_S)
        name = self._session.target.name
        raise NotConfirmedError(operation="confirm", subject=name, box=name, why=_why(status))

    def _status(self) -> StatusFact:
        ran = self._session.run([KURABAKO, "status", SITE, "--json"])
        try:
            return msgspec.json.decode(ran.stdout, type=StatusFact)
        except msgspec.DecodeError:
            return StatusFact()

    def _point(self, link: str, to: str) -> None:
        self._session.check(["python3", "-I", "-c", POINT, link, to])

    def _mark(self, key: str, value: str) -> None:
        self._session.check(["python3", "-I", "-c", MARK, MARKS, key, value])

    @property
    def _bundle_folder(self) -> str:
        return f"{BUNDLES}-{self._wanted.release.manifest[:16]}"


def head_of(session: Session) -> dict[str, object]:
    """Return what `kurabako site head` says on the box."""
    told: dict[str, object] = json.loads(session.check([KURABAKO, "site", "head", SITE]).stdout)
    return told


def _why(status: StatusFact) -> str:
    if not status.running:
        return "not running"
    if status.link != "online":
        return f"line: {status.link}"
    return "no verified restore yet" if status.confirmed else "the board's hub has not answered"
