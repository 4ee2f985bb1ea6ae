"""A store that fails is asked again after a while, not as often as people's work is looked for."""

import dataclasses
import time
from pathlib import Path

import pytest

from sync.courier import Courier
from tests.faults.faultystore import Fault, FaultyStore
from tests.sync.cloud import wait_until
from tests.sync.pair import pair_at

pytestmark = pytest.mark.faults
WATCHED_S = 3.0


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.WRONG_BODY])
def test_a_failing_store_is_not_asked_without_pause(tmp_path: Path, fault: Fault) -> None:
    with pair_at(tmp_path) as pair:
        proxy = FaultyStore("127.0.0.1", pair.cloud.server.port)
        reached = dataclasses.replace(pair.cloud.direct, endpoint=proxy.endpoint)
        courier = Courier(pair.box.site.paths, pair.settings(pair.box, reached))
        courier.start()
        wait_until(lambda: courier.told().sent, "something is sent")
        proxy.fail(fault)
        pair.box.mark("one")
        wait_until(lambda: courier.failure, "the fault is met")
        struck = proxy.struck[fault]
        time.sleep(WATCHED_S)
        assert proxy.struck[fault] - struck <= 6 * WATCHED_S, (
            "a try is a few requests, and a second lies between two"
        )
        proxy.heal()
        last = pair.box.mark("two")
        wait_until(lambda: courier.told().sent >= last, "sent after all")
        courier.stop()
        proxy.close()
