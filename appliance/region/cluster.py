"""The cluster that a region's schools are worked on by: one of this machine's own, or one that is there already.

Invariant: the only user of Dask. Whoever may speak to a scheduler may run any program as its user, so every
connection is encrypted and both ends show a certificate: of the moment for this machine's own cluster, the board's
own for another. A task carries the key pair of a store, never a key that opens a record.
"""

import contextlib
import importlib.util
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Final, TypeVar

from appliance.errors import ApplianceError
from appliance.region.strictclient import strict_client

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
_DEATHS: Final = 10  # of workers with one task in hand; then the task is given up, not the machine
_SETTINGS: Final[dict[str, object]] = {
    "distributed.scheduler.allowed-failures": _DEATHS,
    "distributed.scheduler.http.routes": [],  # its pages would be read without a certificate
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,  # nobody looks, and it takes a share of every core
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "60s",
    "distributed.admin.system-monitor.interval": "5s",
}
_PATIENCE_S: Final = 20.0


class RegionMissingError(ApplianceError):
    """Dask is not installed here."""

    code = "APP-690"


class OpenSchedulerError(ApplianceError):
    """The scheduler's address, or the certificates for it, would let anybody in."""

    code = "APP-691"


class WorkerLostError(ApplianceError):
    """Worker after worker was lost with this task in hand, or the cluster was."""

    code = "APP-692"


class SchedulerAwayError(ApplianceError):
    """The scheduler does not answer."""

    code = "APP-693"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: who signed both ends' certificates, and this end's own."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Where:
    """Either `workers` of this machine, or the scheduler at `address`."""

    workers: int = 0
    address: str = ""
    certificates: Certificates | None = None


class Cluster:
    """Runs functions of one argument elsewhere and gives every result once. Used by one thread.

    What a worker had in hand when it was lost is given to another one, so a function may run more than once.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._done: Queue[tuple[str, Future[object]]] = Queue()
        self._under_way: dict[str, Future[object]] = {}
        self._size, self._sized_at = 1, -1.0

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the workers; of one that is dying just now there is none."""
        return [int(pid) for pid in self._client.run(os.getpid, on_error="ignore").values()]

    @property
    def address(self) -> str:
        """Return where the scheduler is."""
        return str(self._client.scheduler.address) if self._client.scheduler else ""

    @property
    def size(self) -> int:
        """Return how many tasks run at the same time; it is asked for every second, since it takes a question."""
        now = time.monotonic()
        if now >= self._sized_at + 1.0:
            self._size, self._sized_at = max(1, sum(map(int, self._client.nthreads().values()))), now
        return self._size

    @property
    def under_way(self) -> int:
        """Return how many results are still to come."""
        return len(self._under_way)

    def start(self, name: str, work: Callable[[T], object], task: T, *, where: str = "") -> None:
        """Give out a task; `where` is the worker that would be quickest at it, if it still lives."""
        workers = [where] if where else None
        future = self._client.submit(work, task, pure=False, workers=workers, allow_other_workers=bool(where))
        self._under_way[name] = future
        future.add_done_callback(lambda done: self._done.put((name, done)))

    def next(self, timeout_s: float | None = None) -> tuple[str, object] | None:
        """Return the next (name, result) that is done; WorkerLostError stands for the result of a lost one.

        None when nothing was within `timeout_s`.
        """
        while True:
            try:
                name, future = self._done.get(timeout=timeout_s)
            except Empty:
                return None
            if self._under_way.get(name) is future:
                del self._under_way[name]
                return name, _result(future, name)

    def each(self, work: Callable[[T], object], tasks: Mapping[str, T]) -> Iterator[tuple[str, object]]:
        """Run `work` on every task and yield each name once, as it is done."""
        for name, task in tasks.items():
            self.start(name, work, task)
        while self._under_way:
            found = self.next()
            assert found is not None  # noqa: S101 - without a timeout it waits
            yield found


@contextlib.contextmanager
def cluster_at(where: Where) -> Iterator[Cluster]:
    """Start or reach a cluster for a while; raises RegionMissingError, OpenSchedulerError, SchedulerAwayError."""
    if importlib.util.find_spec("distributed") is None:
        raise RegionMissingError(operation="start cluster", subject="distributed")
    with _reached(where) if where.address else _local(where.workers) as client:
        yield Cluster(client)


@contextlib.contextmanager
def _local(workers: int) -> "Iterator[Client]":
    """Run workers on this machine; their scratch folder goes with them, however they end."""
    import dask
    from distributed import LocalCluster

    with (
        tempfile.TemporaryDirectory(prefix="kurabako-region-") as scratch,
        dask.config.set(_SETTINGS),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            security=True,  # other users of this machine reach loopback too
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},  # else 8787, or a warning
            config=_SETTINGS,
            memory_limit=0,
            local_directory=scratch,
            silence_logs=logging.CRITICAL,  # that a worker was lost is told by what becomes of its task
        ) as cluster,
        strict_client()(cluster, set_as_default=False) as client,
    ):
        yield client


@contextlib.contextmanager
def _reached(where: Where) -> "Iterator[Client]":
    from distributed import Security

    files = where.certificates
    if files is None or not where.address.startswith("tls://"):
        raise OpenSchedulerError(operation="reach scheduler", subject=where.address, address=where.address)
    security = Security(
        require_encryption=True,
        tls_ca_file=str(files.ca),
        tls_client_cert=str(files.cert),
        tls_client_key=str(files.key),
    )
    try:
        client = strict_client()(where.address, security=security, set_as_default=False, timeout=_PATIENCE_S)
    except (OSError, ValueError) as exc:  # an address that is none is a ValueError, a bad certificate an OSError
        raise SchedulerAwayError(
            operation="reach scheduler", subject=where.address, retry_safe=True, cause=exc, address=where.address
        ) from exc
    with client:
        yield client


def scratch_folder() -> str | None:
    """Return the folder of the worker that asks, which is cleared after it was lost; None elsewhere."""
    from distributed import get_worker

    try:
        return str(get_worker().local_directory)
    except ValueError:
        return None


def worker_address() -> str:
    """Return where the worker that asks is; "" elsewhere."""
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:
        return ""


def _result(future: "Future[object]", name: str) -> object:
    try:
        return future.result()
    except Exception as exc:  # noqa: BLE001 - the functions raise nothing: this is the cluster
        return WorkerLostError(operation="work on school", subject=name, retry_safe=True, cause=exc)
