from pathlib import Path

import msgspec
import pytest

from appliance.config import (
    BoardSection,
    Config,
    ConfigKeyError,
    ConfigMissingError,
    ConfigSyntaxError,
    ConfigValueError,
    SiteSection,
    StoreSection,
    load_config,
    render_config,
)
from appliance.segmentplace import segment_place
from sync.folderstore import FolderConfig
from sync.sftpstore import SftpConfig

GOOD = Config(
    site=SiteSection(school="C241210000019", name='蔵 "箱" 学園'), board=BoardSection(root_key="ab" * 32)
)


def write(folder: Path, text: str) -> Path:
    (folder / "kurabako.toml").write_text(text, "utf-8")
    return folder


def test_rendered_configuration_reads_back_equal(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, render_config(GOOD))) == GOOD


def test_unknown_key_is_refused_naming_file_key_and_nearest(tmp_path: Path) -> None:
    text = render_config(GOOD).replace("lock_after_s", "lock_after")
    with pytest.raises(ConfigKeyError) as caught:
        load_config(write(tmp_path, text))
    assert caught.value.params["key"] == "office.lock_after"
    assert caught.value.params["nearest"] == "office.lock_after_s"
    assert str(caught.value.params["file"]).endswith("kurabako.toml")


def test_unknown_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigKeyError):
        load_config(write(tmp_path, render_config(GOOD) + "\n[stor]\nbucket = 'x'\n"))


def test_wrong_type_missing_key_bad_toml_and_missing_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigMissingError):
        load_config(tmp_path)
    with pytest.raises(ConfigSyntaxError):
        load_config(write(tmp_path, "[site"))
    with pytest.raises(ConfigValueError):
        load_config(write(tmp_path, render_config(GOOD).replace("epoch = 1", 'epoch = "one"')))
    with pytest.raises(ConfigValueError):
        load_config(write(tmp_path, "[board]\nroot_key = 'x'\n"))


PIN = "SHA256:" + "a" * 43
SFTP = StoreSection(kind="sftp", host="files.example", user="box", host_key=PIN, folder="/srv/segments/")


def with_store(store: StoreSection) -> str:
    return render_config(msgspec.structs.replace(GOOD, store=store))


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigValueError) as caught:
        load_config(write(folder, text))
    return str(caught.value.params["problem"])


def test_segments_go_where_litestream_sends_to_unless_said_otherwise(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, with_store(StoreSection()))).store.kind == "s3"
    assert segment_place(tmp_path, StoreSection()) is None
    folder = StoreSection(kind="folder", folder="/mnt/medium")
    assert load_config(write(tmp_path, with_store(folder))).store == folder
    assert segment_place(tmp_path, folder) == FolderConfig(Path("/mnt/medium"))


def test_an_sftp_server_is_named_with_the_key_that_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    store = load_config(write(tmp_path, with_store(SFTP))).store
    assert store == SFTP
    key = tmp_path / "credentials" / "sftp.key"
    assert segment_place(tmp_path, store) == SftpConfig("files.example", "box", key, PIN, "/srv/segments", 22)


def test_the_service_managers_key_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(offered))
    assert getattr(segment_place(tmp_path, SFTP), "key_file", None) == tmp_path / "credentials" / "sftp.key"
    (offered / "sftp.key").touch()
    assert getattr(segment_place(tmp_path, SFTP), "key_file", None) == offered / "sftp.key"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('kind = "sftp"', 'kind = "ftp"', "ftp"),
        ('kind = "sftp"', 'kind = "s3"', "host"),
        ('kind = "sftp"', 'kind = "folder"', "host"),
        ('host = "files.example"', 'host = ""', "host"),
        ('user = "box"', 'user = ""', "user"),
        (PIN, "", "host_key"),
        (PIN, "SHA256:short", "host_key"),
        (PIN, "MD5:aa:bb", "host_key"),
        ("port = 22", "port = 70000", "port"),
        ("port = 22", 'port = "22"', "port"),
        ('folder = "/srv/segments/"', 'folder = "segments"', "folder"),
        ('folder = "/srv/segments/"', 'folder = ""', "folder"),
        ('key_file = "sftp.key"', 'key_file = "../../sftp.key"', "key_file"),
    ],
)
def test_what_does_not_go_together_in_a_store_is_told(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = with_store(SFTP)
    assert old in text
    problem = refused(tmp_path, text.replace(old, new, 1))
    assert named in problem and "store" in problem


def test_a_mistyped_key_of_the_store_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigKeyError) as caught:
        load_config(write(tmp_path, with_store(SFTP).replace("host_key =", "hostkey =")))
    assert caught.value.params["nearest"] == "store.host_key"
