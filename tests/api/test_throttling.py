"""Whom a 429 concerns: one wallet, or everyone who shares the key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opinionscope.api import throttling
from opinionscope.api.pacer import Pacer
from opinionscope.api.throttling import Throttling
from opinionscope.errors import Throttled


@pytest.fixture
def pacer(tmp_path: Path) -> Iterator[Pacer]:
    opened = Pacer(tmp_path / "pacer", 15)
    yield opened
    opened.close()


def refused(throttled: Throttling, subject: str) -> bool:
    """Whether a 429 for the subject makes everyone wait."""
    refusal = Throttled("429")
    refusal.retry_after = 0.1
    throttled.take_in(refusal, subject, 0.0)
    return refusal.is_paced


def test_one_wallet_that_answers_429_for_ever_costs_the_others_nothing(pacer: Pacer) -> None:
    throttled = Throttling(pacer)
    for _ in range(50):
        assert not refused(throttled, "the one wallet")
        throttled.note_answer("another wallet")
    assert pacer.current_rate() == 15
    assert pacer.throttled == 50


def test_a_429_that_two_wallets_meet_is_everyones(pacer: Pacer) -> None:
    throttled = Throttling(pacer)
    assert not refused(throttled, "one wallet")
    assert refused(throttled, "another wallet")
    assert pacer.current_rate() < 15


def test_an_exchange_that_refuses_every_page_of_the_only_wallet_is_obeyed(pacer: Pacer) -> None:
    throttled = Throttling(pacer)
    assert [refused(throttled, "the only wallet") for _ in range(3)] == [False, True, True]
    assert pacer.current_rate() < 15


def test_a_429_from_long_ago_says_nothing_about_one_of_now(pacer: Pacer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("opinionscope.api.throttling.time.monotonic", lambda: now[0])
    throttled = Throttling(pacer)
    assert not refused(throttled, "one wallet")
    now[0] += throttling.SECONDS_BETWEEN + 1
    assert not refused(throttled, "another wallet")
