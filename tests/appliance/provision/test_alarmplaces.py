"""Where alarms go besides the store: the inventory opens the way, the secrets lie on the box encrypted."""

import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from appliance.cli import cli
from appliance.config import (
    BOX_PEERS,
    BoardSection,
    Config,
    ConfigValueError,
    OfficeSection,
    SiteSection,
    load_config,
    write_config,
)
from appliance.provision import running
from appliance.provision.applying import Tools
from appliance.provision.boxsecrets import BoxSecrets
from appliance.provision.errors import StorePairsError
from appliance.provision.inventory import Box, Inventory
from appliance.provision.running import Job, State, apply_all, look_at_all
from appliance.provision.wanted import wanted_groups
from appliance.provision.words import need_line, step_line
from tests.appliance.provision.jobs import KEY, ROOT, Granter, Source, make_request, tell
from tests.appliance.provision.simulated import SimulatedBox, SimulatedSession
from tests.appliance.provision.test_inventory import ONE, TEXT, read

ALARMS = """
[defaults.alarms]
email_to = ["support@example.jp"]
email_from = "box@example.jp"
smtp_host = "mail.example.jp"
smtp_user = "box"
webhook = "https://alarms.example.jp/hook"
"""
PLACES = 'alarm_addresses = ["203.0.113.25", "198.51.100.7"]\n'
SECRETS = f"""
[defaults]
smtp_password = "{"p" * 20}"
[{ONE}]
webhook_token = "{"t" * 20}"
"""


def with_alarms(tmp_path: Path, places: str = PLACES + "webhook_token = true\n") -> Inventory:
    text = TEXT.replace("ab" * 32, KEY).replace("[defaults.store]", f"{places}{ALARMS}\n[defaults.store]", 1)
    return read(tmp_path, text)


def secrets_file(tmp_path: Path, text: str = SECRETS) -> Path:
    file = tmp_path / "secrets.toml"
    file.write_text(text, "utf-8")
    file.chmod(0o600)
    return file


def files_of(box: Box) -> dict[str, str]:
    source = Source()
    groups = wanted_groups(box, source.laid_out(), source.file)
    return {file.path: file.content.decode() for group in groups for file in group.files}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> SimulatedBox:
    monkeypatch.setattr(running, "Session", SimulatedSession)
    made = SimulatedBox(request=make_request(ONE))
    monkeypatch.setattr(SimulatedSession, "boxes", {ONE: made})
    return made


def job(inventory: Inventory, secrets: Path | None = None) -> Job:
    box = inventory.boxes[0]
    tools = Tools(Source(), Granter(), confirm_s=5, secrets=BoxSecrets(secrets))
    return Job(box, inventory.target(box), tools, KEY)


def test_the_way_is_open_to_mail_server_and_webhook_and_no_further(tmp_path: Path) -> None:
    files = files_of(with_alarms(tmp_path).boxes[0])
    opened = files["/etc/kurabako/firewall.d/inventory.nft"]
    places = "198.51.100.0/24 . 443, 203.0.113.25 . 443, 198.51.100.7 . 587, 203.0.113.25 . 587"
    assert f"store4 {{ {places} }}" in opened and opened.count("store") == 1
    more = files["/etc/systemd/system/kurabako-sync.service.d/more.conf"]
    assert more.splitlines() == [
        "[Service]",
        "IPAddressAllow=203.0.113.25",
        "IPAddressAllow=198.51.100.7",
        "LoadCredentialEncrypted=smtp.password:/etc/kurabako/credentials/smtp.password",
        "LoadCredentialEncrypted=webhook.token:/etc/kurabako/credentials/webhook.token",
    ]
    assert 'smtp_host = "mail.example.jp"' in files["/etc/kurabako/site-local.toml"]


def test_without_alarms_nothing_more_is_opened(tmp_path: Path) -> None:
    files = files_of(read(tmp_path).boxes[0])
    assert not any(path.endswith("more.conf") for path in files)
    assert "[alarms]" not in files["/etc/kurabako/site-local.toml"]


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft is missing: nothing here can judge the firewall")
def test_nftables_takes_places_that_lie_within_one_another(tmp_path: Path) -> None:
    opened = files_of(with_alarms(tmp_path).boxes[0])["/etc/kurabako/firewall.d/inventory.nft"]
    rules = (ROOT / "systemd/nftables/kurabako.nft").read_text("utf-8")
    rules = rules.replace('include "/etc/kurabako/firewall.d/*.nft"', opened).replace('"kurabako-sync"', "12345")
    (tmp_path / "rules").write_text(rules)
    command = ["unshare", "-n", "sh", "-c", f"nft -f {tmp_path}/rules"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_alarms_to_a_name_without_addresses_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigValueError) as refused:
        with_alarms(tmp_path, "")
    assert "`alarm_addresses`" in str(refused.value.params["problem"])


def test_nothing_is_begun_while_a_secret_is_missing(tmp_path: Path, there: SimulatedBox) -> None:
    (found,) = look_at_all([job(with_alarms(tmp_path))], tell)
    assert found.state is State.NOT_READY
    assert "smtp.password, webhook.token" in need_line(found.needs[0], "en")
    assert there.changed == 1, "the connection that is counted"


def test_secrets_go_there_once_and_stand_nowhere_else(tmp_path: Path, there: SimulatedBox) -> None:
    one = job(with_alarms(tmp_path), secrets_file(tmp_path))
    looked = look_at_all([one], tell)
    (shown,) = [step_line(1, step, "ja") for step in looked[0].steps if step.name == "secrets"]
    assert "smtp.password, webhook.token" in shown and "pppp" not in shown
    (done,) = apply_all(looked, tell)
    assert done.state is State.DONE and "secrets" in done.done
    folder = "/etc/kurabako/credentials"
    assert there.secrets == {f"{folder}/smtp.password": b"p" * 20, f"{folder}/webhook.token": b"t" * 20}
    assert not any(b"pppp" in file.content or b"tttt" in file.content for file in there.files.values())
    (again,) = look_at_all([job(with_alarms(tmp_path))], tell)
    assert again.state is State.UNCHANGED, "it has them, so nobody must bring them again"


def test_alarms_that_change_are_put_into_the_configuration(tmp_path: Path, there: SimulatedBox) -> None:
    first = job(with_alarms(tmp_path), secrets_file(tmp_path))
    apply_all(look_at_all([first], tell), tell)
    box = first.box
    quiet = msgspec.structs.replace(box, alarms=msgspec.structs.replace(box.alarms, mute=("usb",)))
    (done,) = apply_all(look_at_all([replace(first, box=quiet)], tell), tell)
    assert list(done.done) == ["folders", "settings", "start"]
    assert 'mute = ["usb"]' in there.config


def test_sftp_needs_its_key(tmp_path: Path) -> None:
    sftp = f'kind = "sftp"\nhost = "198.51.100.9"\nuser = "k"\nfolder = "/k"\nhost_key = "SHA256:{"c" * 43}"\n'
    box = read(tmp_path, TEXT.replace('bucket = "second"', f'bucket = "second"\n{sftp}')).boxes[1]
    assert box.secret_names() == ("sftp.key",)
    (tmp_path / "key").write_bytes(b"-----BEGIN")
    given = BoxSecrets(secrets_file(tmp_path, '[defaults]\nsftp_key_file = "key"\n')).of(box)
    assert {name: value.reveal() for name, value in given.items()} == {"sftp.key": b"-----BEGIN"}


@pytest.mark.parametrize(
    "text", ["[defaults]\nsmtp_pass = 'x'\n", "[defaults]\nsftp_key_file = 'none'\n", "x = [", ""]
)
def test_a_file_of_secrets_is_understood_or_refused(tmp_path: Path, text: str) -> None:
    file = secrets_file(tmp_path, text)
    if not text:
        file.chmod(0o644)
    with pytest.raises(StorePairsError):
        BoxSecrets(file).of(with_alarms(tmp_path).boxes[0])


def test_settling_replaces_whole_sections_and_nothing_else(tmp_path: Path) -> None:
    before = Config(SiteSection(ONE, "第一小学校"), BoardSection("ab" * 32), office=OfficeSection(lock_after_s=99))
    write_config(tmp_path, before)
    local = tmp_path / "local.toml"
    local.write_text(files_of(with_alarms(tmp_path).boxes[0])["/etc/kurabako/site-local.toml"], "utf-8")
    done = CliRunner().invoke(cli, ["site", "settle", str(tmp_path), "--local", str(local)])
    after = load_config(tmp_path)
    assert done.exit_code == 0 and after.alarms.smtp_user == "box" and after.keeper == BOX_PEERS
    named = tomllib.loads(local.read_text("utf-8"))
    others = [field.name for field in msgspec.structs.fields(Config) if field.name not in named]
    assert "office" in others and all(getattr(after, name) == getattr(before, name) for name in others)
