"""The setting of the API keys, and their names."""

import pytest

from opinionscope.api_keys import key_digest, split_keys
from opinionscope.errors import ConfigurationError
from opinionscope.settings import Settings


@pytest.mark.parametrize(
    ("setting", "keys"),
    [
        ("one", ("one",)),
        (" one , two ", ("one", "two")),
        ("one,,two,", ("one", "two")),
        ("one,two,one", ("one", "two")),
        (" , ", ()),
    ],
)
def test_commas_separate_the_keys_and_each_counts_once(setting: str, keys: tuple[str, ...]) -> None:
    assert split_keys(setting) == keys
    settings = Settings.model_validate({"OPINION_TRADE_API_KEY": setting})
    assert len(settings.key_digests) == len(keys)
    if keys:
        assert settings.require_api_keys() == keys
    else:
        with pytest.raises(ConfigurationError, match="missing or blank"):
            settings.require_api_keys()


@pytest.mark.usefixtures("environment")
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPINION_TRADE_API_KEY", "good,two words")
    with pytest.raises(ConfigurationError, match="must be printable ASCII") as refused:
        Settings.load()
    assert "two" not in str(refused.value)


def test_a_digest_is_short_stable_and_different_for_each_key() -> None:
    assert key_digest("a-key-of-the-tests") == key_digest("a-key-of-the-tests")
    assert len({key_digest(f"key {number}") for number in range(1_000)}) == 1_000
    assert len(key_digest("a-key-of-the-tests")) == 8
