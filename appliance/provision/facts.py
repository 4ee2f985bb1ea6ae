"""How a box stands: what one look at it found, and what was asked.

Invariant: looking changes nothing, and one look is one round trip.
"""

import tomllib

import msgspec

from appliance.provision.errors import FactsError
from appliance.provision.factscript import FACTS
from appliance.provision.ssh import Session


class FileFact(msgspec.Struct, frozen=True):
    """A file on the box; `link` is where a link leads."""

    sha256: str | None = None
    mode: int = 0
    owner: str = ""
    link: str | None = None


class SlotsFact(msgspec.Struct, frozen=True):
    """Which slot runs, and the manifest's hash of each."""

    current: str | None
    manifests: dict[str, str | None]
    version: str = ""

    @property
    def running(self) -> str | None:
        """Return the hash of the running release's manifest."""
        return self.manifests.get(self.current) if self.current else None


class StatusFact(msgspec.Struct, frozen=True):
    """The part of `status --json` that provisioning waits for."""

    running: bool = False
    link: str = "unknown"
    saved: int | None = None
    confirmed: int | None = None
    confirmed_at_ms: int | None = None
    verified_at_ms: int | None = None


class SiteFact(msgspec.Struct, frozen=True):
    """The school's data on the box: `request` is what it asks the board, in base64."""

    enrolled: bool
    config: str = ""
    request: str | None = None
    status: StatusFact | None = None

    @property
    def sections(self) -> dict[str, dict[str, object]]:
        """Return what its kurabako.toml says; nothing where that is no TOML."""
        try:
            return tomllib.loads(self.config)
        except tomllib.TOMLDecodeError:
            return {}


class Facts(msgspec.Struct, frozen=True):
    """What one look found. `units`: enabled, active, whether systemd must read it anew."""

    os: str
    release: str
    machine: str
    python: str
    modules: tuple[str, ...]
    systemd: int
    booted: bool
    programs: tuple[str, ...]
    files: dict[str, FileFact | None]
    users: tuple[str, ...]
    units: dict[str, tuple[str, str, bool]]
    synchronised: bool
    clock_ms: int
    free_bytes: int
    memory_bytes: int
    tpm2: bool
    came_from: str
    slots: SlotsFact
    bundle: dict[str, str | None]
    site: SiteFact
    marks: dict[str, str]


class Question(msgspec.Struct, frozen=True):
    """What a look asks for."""

    files: tuple[str, ...]
    users: tuple[str, ...]
    units: tuple[str, ...]
    programs: tuple[str, ...]
    modules: tuple[str, ...]
    slots: str
    site: str
    marks: str
    bundle: "BundleQuestion | None" = None


class BundleQuestion(msgspec.Struct, frozen=True):
    """Which of a bundle's files lie on the box already: names and sizes below a folder."""

    folder: str
    files: dict[str, int]


def look(session: Session, question: Question) -> Facts:
    """Return how the box stands; raises FactsError, RemoteCommandError and what a lost line raises."""
    asked = msgspec.json.encode(question).decode()
    ran = session.check(["python3", "-I", "-", asked], FACTS.encode(), timeout_s=120)
    return read_facts(ran.stdout, session.target.name)


def read_facts(raw: bytes, box: str) -> Facts:
    """Read what the script printed; raises FactsError."""
    try:
        return msgspec.json.decode(raw, type=Facts)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise FactsError(operation="read facts", subject=box, cause=exc, box=box, problem=str(exc)) from exc
