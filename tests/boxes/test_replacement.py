"""A box that died is replaced by another machine, by one command."""

from pathlib import Path

from appliance.exits import Exit
from tests.boxes.clerk import entering, kept
from tests.boxes.conftest import booted
from tests.boxes.town import SCHOOLS, SITE, Town, all_confirmed, wait_for


def test_a_dead_box_is_replaced_by_one_command(town: Town, tmp_path: Path, login_key: Path) -> None:
    with booted(tmp_path, login_key) as first:
        code, said = town.provision(town.inventory(first), "--yes")
        assert code == Exit.OK, said
        first.ssh(f"echo scanned > {SITE}/inbox/III/scan.txt")
        with entering(first, town, tmp_path / "promised") as clerk:
            clerk.wait(30)
        wait_for(first, all_confirmed, "everything confirmed")
        before = kept(first)
        assert clerk.promised <= before
    with booted(tmp_path, login_key) as second:
        code, said = town.provision(town.inventory(second), "--yes", "--replace", SCHOOLS[0])
        assert code == Exit.OK, said
        status = wait_for(second, all_confirmed, "everything confirmed")
        assert status["epoch"] == 2 and status["verified_at_ms"], status
        assert before <= kept(second)
