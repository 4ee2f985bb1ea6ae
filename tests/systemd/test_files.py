"""The plain files of a box: they name users, commands and secrets rightly, and their programs take them."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from appliance.cli import cli
from appliance.config import BOX_PEERS, Config, load_config, render_config
from appliance.credentials import PEPPER, SITE_KEY, STORE_KEY
from tests.systemd.unitfiles import AS_ROOT, SERVICES, SITE, SYSTEMD, each_service, keys, only

NEEDS = {
    "kurabako-keeper.service": set(),
    "kurabako-sync.service": {SITE_KEY, STORE_KEY},
    "kurabako-inbox.service": {SITE_KEY},
    "kurabako-notice.service": set(),
    "kurabako-unlock.service": {PEPPER},
    "kurabako-usb@.service": set(),
    "kurabako-web.service": {PEPPER},
    "kurabako-update-fetch.service": {STORE_KEY},
    "kurabako-update.service": {SITE_KEY, STORE_KEY},
    "kurabako-update-resume.service": set(),
}
PROGRAMS = {"/usr/local/bin/kurabako", "/opt/kurabako/former/bin/kurabako"}
SAMPLE = """
add element inet kurabako ssh4 { 192.0.2.0/24, 198.51.100.1 }
add element inet kurabako ssh6 { 2001:db8::/64 }
add element inet kurabako learner4 { 10.20.0.0/16 }
add element inet kurabako learner6 { 2001:db8:20::/48 }
add element inet kurabako store4 { 203.0.113.7 . 443, 203.0.113.0/28 . 9000 }
add element inet kurabako store6 { 2001:db8::7 . 443 }
add element inet kurabako dns4 { 192.0.2.53 }
add element inet kurabako ntp4 { 192.0.2.123 }
"""


def text(name: str) -> str:
    return (SYSTEMD / name).read_text("utf-8")


def test_every_unit_gets_the_secrets_that_it_needs_and_no_other() -> None:
    given = {
        unit: {value.split(":")[0] for value in keys(unit).get("LoadCredentialEncrypted", [])} for unit in SERVICES
    }
    assert given == NEEDS
    assert not any(
        {"LoadCredential", "SetCredential"} & keys(unit).keys() for unit in SERVICES
    )  # those lie in clear


@each_service()
def test_a_unit_runs_a_command_that_there_is(unit: str) -> None:
    for line in [*keys(unit)["ExecStart"], *keys(unit).get("ExecStopPost", [])]:
        program, *words = shlex.split(line)
        if program == "/usr/bin/install":
            continue
        # The noticeboard's is not told where the site is, even.
        place = "${KURABAKO_NOTICE}" if unit == "kurabako-notice.service" else "${KURABAKO_SITE}"
        assert program.lstrip("-") in PROGRAMS and place in words
        command: click.Command = cli
        context = click.Context(cli)
        while isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found is not None
            command = found
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options


@each_service()
def test_a_unit_that_serves_comes_back_for_ever_and_is_watched(unit: str) -> None:
    if only(unit, "Type") != "notify":
        return
    assert only(unit, "Restart") == "always" and only(unit, "StartLimitIntervalSec") == "0"
    assert only(unit, "WatchdogSec") and only(unit, "NotifyAccess") == "main"


def test_users_that_are_named_are_made(tmp_path: Path) -> None:
    lines = [line.split() for line in text("sysusers.d/kurabako.conf").splitlines() if line[:1] in ("u", "g", "m")]
    users = {name for kind, name, *_ in lines if kind == "u"}
    groups = users | {name for kind, name, *_ in lines if kind == "g"} | {"systemd-journal"}
    assert {tuple(words[1:3]) for words in lines if words[0] == "m"} <= {(u, g) for u in users for g in groups}
    for unit in SERVICES:
        assert set(keys(unit).get("User", [])) <= users
        assert set(keys(unit).get("Group", [])) <= groups
    for line in text("tmpfiles.d/kurabako.conf").splitlines():
        if line[:1] in ("d", "z"):
            _, _, _, user, group = line.split()
            assert user in users | {"root", "-"} and group in groups | {"root", "-"}
    peers = [name for duty in (BOX_PEERS.office, BOX_PEERS.sync, BOX_PEERS.inbox) for name in duty]
    assert {name for name in peers if name[0] != "@"} <= users
    assert {name[1:] for name in peers if name[0] == "@"} <= groups
    assert set(re.findall(r'skuid "([^"]+)"', text("nftables/kurabako.nft"))) <= users
    assert set(re.findall(r"(?:uid|gid)=([a-z-]+)", text("var-lib-kurabako-site-inbox.mount"))) <= groups


def test_only_what_replaces_programs_runs_as_root() -> None:
    assert {unit for unit in SERVICES if "User" not in keys(unit)} == AS_ROOT


def test_the_peers_of_a_box_can_be_written_into_its_configuration(tmp_path: Path) -> None:
    read = load_config(_site(tmp_path))
    config = Config(read.site, read.board, keeper=BOX_PEERS)
    (tmp_path / "kurabako.toml").write_text(render_config(config), "utf-8")
    assert load_config(tmp_path).keeper == BOX_PEERS


def _site(folder: Path) -> Path:
    (folder / "kurabako.toml").write_text(
        '[site]\nschool = "A1"\nname = "試験"\n[board]\nroot_key = "00"\n', "utf-8"
    )
    return folder


@pytest.mark.skipif(
    shutil.which("nft") is None or subprocess.run(["unshare", "-n", "true"], check=False).returncode != 0,  # noqa: S607
    reason="nft or the right to a network of one's own is missing: nothing here can judge a firewall",
)
@pytest.mark.parametrize("named", [SAMPLE, ""], ids=["named", "nothing named"])
def test_the_firewall_is_taken_with_what_an_inventory_names(tmp_path: Path, named: str) -> None:
    more = tmp_path / "firewall.d"
    more.mkdir()
    (more / "site.nft").write_text(named)
    rules = text("nftables/kurabako.nft").replace("/etc/kurabako/firewall.d", str(more))
    (tmp_path / "rules").write_text(rules.replace('"kurabako-sync"', "12345"))
    command = ["unshare", "-n", "sh", "-c", f"nft -f {tmp_path}/rules && nft list ruleset"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("policy drop") == 3
    assert ("203.0.113.7" in done.stdout) is bool(named)


@pytest.mark.skipif(
    shutil.which("sshd") is None, reason="sshd is missing: nothing here can judge its configuration"
)
@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("office", "exec /usr/local/bin/kurabako office"),
        ("genkan", "exec /usr/local/bin/kurabako punch --login genkan1"),
        ("kurabako-support", "none"),
        ("installer", "none"),
    ],
)
def test_people_get_their_screen_whatever_the_other_end_asks_for(tmp_path: Path, user: str, command: str) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)  # noqa: S607
    config = tmp_path / "sshd_config"
    config.write_text(f"HostKey {key}\n{text('sshd_config.d/kurabako.conf').replace('@GENKAN@', 'genkan1')}")
    words = ["-T", "-f", str(config), "-C", f"user={user},host=pc,addr=192.0.2.9"]
    done = subprocess.run([str(shutil.which("sshd")), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert told["forcecommand"] == command
    confined = user != "installer"
    assert told["allowtcpforwarding"] == {"office": "local", "installer": "yes"}.get(user, "no")
    assert told["permitopen"] == ("127.0.0.1:8700" if user == "office" else "any")
    assert (told["allowagentforwarding"], told["allowstreamlocalforwarding"]) == (
        ("no", "no") if confined else ("yes", "yes")
    )
    assert told["x11forwarding"] == told["permittunnel"] == "no"
    assert (told["authorizedkeysfile"] == "/etc/kurabako/authorized_keys/%u") is confined
    assert (told["authenticationmethods"] == "publickey") is confined
    if command != "none":
        assert (
            f"KURABAKO_SITE={SITE}" in done.stdout and "CREDENTIALS_DIRECTORY=/run/kurabako-office" in done.stdout
        )


@pytest.mark.skipif(
    shutil.which("visudo") is None, reason="visudo is missing: nothing here can judge sudo's rules"
)
def test_sudo_takes_the_rules_of_ict_support() -> None:
    command = [str(shutil.which("visudo")), "-c", "-f", str(SYSTEMD / "sudoers.d/kurabako")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "parsed OK" in done.stdout + done.stderr or "bad permissions" in done.stderr, done.stderr


def test_ict_support_runs_systemctl_and_nothing_that_takes_a_word_of_its_choice() -> None:
    rules = text("sudoers.d/kurabako").replace("\\\n", " ")
    (aliases,) = re.findall(r"Cmnd_Alias KURABAKO_UNITS = (.+)", rules)
    for command in aliases.split(","):
        program, *words = command.split()
        assert program == "/usr/bin/systemctl" and not re.search(r"[*?\[\]!]", command)
        assert words[0] in ("start", "stop", "restart", "reboot", "poweroff")
    assert re.findall(r"^%.+$", rules, re.M) == [
        "%kurabako-support ALL=(root) NOPASSWD: KURABAKO_UNITS",
        "%kurabako-support ALL=(kurabako-sync) NOPASSWD: KURABAKO_LOOK",
        "%kurabako-support ALL=(root) NOPASSWD: KURABAKO_BUNDLE",
    ]


def test_ict_support_reads_figures_of_the_one_site_and_nothing_else() -> None:
    rules = text("sudoers.d/kurabako").replace("\\\n", " ")
    found = re.findall(r"Cmnd_Alias KURABAKO_(?:LOOK|BUNDLE) = (.+)", rules)
    for command in (part for aliases in found for part in aliases.split(",")):
        program, what, site, *rest = command.split()
        assert (program, site) == ("/usr/local/bin/kurabako", "/var/lib/kurabako/site")
        assert (what, rest) in [
            *(("status", more) for more in ([], ["--json"])),
            *(("doctor", more) for more in ([], ["--json"])),
            ("support-bundle", ["--out", "-"]),
        ]
