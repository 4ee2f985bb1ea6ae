from pathlib import Path

import pytest

from appliance.config import (
    BoardSection,
    Config,
    ConfigKeyError,
    ConfigMissingError,
    ConfigSyntaxError,
    ConfigValueError,
    SiteSection,
    load_config,
    render_config,
)

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
