from pathlib import Path

import pytest

from appliance.config import ConfigKeyError, ConfigSyntaxError, ConfigValueError
from appliance.provision.errors import InventoryMissingError, UnknownBoxError
from appliance.provision.inventory import Inventory, read_inventory
from appliance.schoolcode import check_digit

ONE, TWO = (f"B1012100000{n}"[:12] + check_digit(f"B1012100000{n}"[:12]) for n in (1, 2))
PRINT = "SHA256:" + "b" * 43
TEXT = f"""
[board]
name = "多良川市教育委員会"
root_key = "{"ab" * 32}"

[support]
name = "ICT支援センター"
phone = "000-000-0000"

[defaults]
user = "support"
key_file = "keys/support"
ssh_from = ["192.0.2.0/24", "2001:db8::/32"]
time_servers = ["192.0.2.123"]
store_addresses = ["198.51.100.0/24"]

[defaults.store]
endpoint = "https://s3.example.jp"
bucket = "kurabako"

[[box]]
school = "{ONE.lower()}"
name = "多良川市立第一小学校"
host = "192.0.2.11"
host_key = "{PRINT}"
office_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ{"x" * 42} staffroom"]

[[box]]
school = "{TWO}"
name = "多良川市立第二小学校"
host = "box2.example.jp"
host_key = "{PRINT}"
user = "root"
port = 2222

[box.store]
bucket = "second"
"""


def read(tmp_path: Path, text: str = TEXT) -> Inventory:
    file = tmp_path / "inventory.toml"
    file.write_text(text, "utf-8")
    return read_inventory(file)


def test_what_a_box_does_not_say_stands_in_the_defaults(tmp_path: Path) -> None:
    found = read(tmp_path)
    one, two = found.boxes
    assert (one.school, one.user, one.port, one.store.bucket) == (ONE, "support", 22, "kurabako")
    assert (two.user, two.port, two.store.bucket, two.store.endpoint) == (
        "root",
        2222,
        "second",
        "https://s3.example.jp",
    )
    assert found.target(one).key_file == tmp_path / "keys" / "support"
    assert found.chosen([TWO.lower()]) == (two,) and found.chosen([]) == (one, two)


def test_a_school_that_is_not_listed_is_refused_with_those_that_are(tmp_path: Path) -> None:
    stranger = "B1012100000"[:11] + "3"
    with pytest.raises(UnknownBoxError) as refused:
        read(tmp_path).chosen([stranger + check_digit(stranger)])
    assert refused.value.params["known"] == f"{ONE}, {TWO}"


@pytest.mark.parametrize(
    ("was", "now", "key", "nearest"),
    [
        ("[support]", "[suport]", "suport", "support"),
        ("time_servers =", "time_server =", "defaults.time_server", "defaults.time_servers"),
        ("office_keys =", "office_key =", "box[1].office_key", "box[1].office_keys"),
        ('bucket = "second"', 'buket = "second"', "box[2].store.buket", "box[2].store.bucket"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(
    tmp_path: Path, was: str, now: str, key: str, nearest: str
) -> None:
    with pytest.raises(ConfigKeyError) as refused:
        read(tmp_path, TEXT.replace(was, now))
    assert (refused.value.params["key"], refused.value.params["nearest"]) == (key, nearest)


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (TWO, TWO[:12] + str((int(TWO[12]) + 1) % 10), "box[2].school: `school`: check_digit"),
        (TWO, ONE, "stands twice"),
        ("box2.example.jp", "-oProxyCommand=evil", "`host`"),
        ("box2.example.jp", "192.0.2.11", None),
        (PRINT, "SHA256:short", "`host_key`"),
        ('user = "support"', 'user = "root; reboot"', "`user`"),
        ("192.0.2.0/24", "192.0.2.1/24", "host bits"),
        ('ssh_from = ["192.0.2.0/24", "2001:db8::/32"]', "ssh_from = []", "`ssh_from`"),
        ("port = 2222", "port = 0", "`port`"),
        ("port = 2222", 'port = "2222"', "box[2]"),
        ("ssh-ed25519 AAAA", "ssh-rsa AAAA", "`office_keys`"),
        ("ssh-ed25519 AAAA", 'command=\\"sh\\" ssh-ed25519 AAAA', "`office_keys`"),
        ("192.0.2.123", "ntp.example.jp", "ntp.example.jp"),
        ('store_addresses = ["198.51.100.0/24"]', "", "`store_addresses`"),
        ("ab" * 32, "ab" * 31, "`root_key`"),
        ('name = "多良川市立第二小学校"\n', "", "`name`"),
        ('bucket = "kurabako"', 'host = "sftp.example.jp"', "`host`"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(tmp_path: Path, was: str, now: str, told: str | None) -> None:
    assert was in TEXT
    if told is None:  # the same address at another port is another machine
        assert len(read(tmp_path, TEXT.replace(was, now)).boxes) == 2
        return
    with pytest.raises(ConfigValueError) as refused:
        read(tmp_path, TEXT.replace(was, now))
    assert told in str(refused.value.params["problem"])


def test_no_file_no_toml_no_boxes(tmp_path: Path) -> None:
    with pytest.raises(InventoryMissingError):
        read_inventory(tmp_path / "none.toml")
    with pytest.raises(ConfigSyntaxError):
        read(tmp_path, "[board\n")
    with pytest.raises(ConfigValueError):
        read(tmp_path, TEXT.split("[[box]]")[0])
