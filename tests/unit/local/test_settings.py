from pathlib import Path

import pytest

from local.settings import ROOT, SettingsError, read_settings


def test_nothing_set_gives_the_defaults() -> None:
    settings = read_settings({})
    assert (settings.url, settings.key, settings.sample) == ("http://127.0.0.1:8080", None, True)
    assert settings.data == ROOT / ".chatledger"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read_settings({"PORT": "", "CHATLEDGER_KEY": "", "SAMPLE": ""}) == read_settings({})


def test_what_is_set_is_taken(tmp_path: Path) -> None:
    key = "clk_" + "k" * 20
    settings = read_settings(
        {"PORT": "9000", "CHATLEDGER_KEY": key, "CHATLEDGER_DATA": str(tmp_path), "SAMPLE": "0"}
    )
    assert (settings.port, settings.key, settings.data) == (9000, key, tmp_path)
    assert not settings.sample


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8080.0", "٨٠"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(SettingsError, match="PORT"):
        read_settings({"PORT": port})


@pytest.mark.parametrize("key", ["clk_short", "key_" + "a" * 30, "clk_" + "a" * 30 + " "])
def test_a_key_of_another_form_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="CHATLEDGER_KEY"):
        read_settings({"CHATLEDGER_KEY": key})
