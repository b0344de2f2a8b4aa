"""The shared rate limit: kept by all processes together, slowed by a 429 for all at once, remembered by the next run.

Two pacers on one file are two processes to each other: each locks the file through a descriptor of its own.
"""

import json
import math
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from opinionscope.api import pace_file as pace_file_module
from opinionscope.api import pacer as pacer_module
from opinionscope.api.pace import LONGEST_CLIMB_WAIT, SHORTEST_CLIMB_WAIT
from opinionscope.api.pacer import Pacer
from opinionscope.errors import OutOfTime, Paused
from opinionscope.locks import boot_id
from opinionscope.simulator.rate_window import worst_window

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)


class HandTurnedTime:
    """The `time` module for a pacer that nobody waits for: sleeping moves the clock."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return NOON.timestamp() + self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandTurnedTime:
    clock = HandTurnedTime()
    for module in (pacer_module, pace_file_module):
        monkeypatch.setattr(module, "time", clock)
    return clock


Open = Callable[..., Pacer]


@pytest.fixture
def open_pacer(tmp_path: Path) -> Iterator[Open]:
    """Open a pacer on the one file, as another process would."""
    opened: list[Pacer] = []

    def open_one(limit: float = 15, keys: Sequence[str] = ("",)) -> Pacer:
        opened.append(Pacer(tmp_path / "pacer", limit, keys))
        return opened[-1]

    yield open_one
    for pacer in opened:
        pacer.close()


def send(*pacers: Pacer, count: int) -> list[float]:
    """Send `count` requests from the pacers in turn; the moments of sending."""
    moments = []
    for number in range(count):
        with pacers[number % len(pacers)].turn() as turn:
            moments.append(turn.sent_at)
    return moments


@pytest.mark.parametrize("limit", [1, 2.5, 15, 50])
def test_the_limit_holds_in_every_second_and_little_of_it_is_given_away(
    clock: HandTurnedTime, open_pacer: Open, limit: float
) -> None:
    moments = send(open_pacer(limit), open_pacer(limit), count=200)
    assert worst_window(moments) <= math.ceil(limit)
    assert 199 / (moments[-1] - moments[0]) > 0.97 * limit


def test_a_pause_saves_up_no_burst(clock: HandTurnedTime, open_pacer: Open) -> None:
    pacer = open_pacer()
    moments = send(pacer, count=20)
    clock.sleep(60)
    moments += send(pacer, count=40)
    assert worst_window(moments) <= 15


@pytest.mark.parametrize(("retry_after", "wait"), [(5.0, 5.0), (None, 1.0), (0.0, 0.1), (10.0**9, 3600.0)])
def test_a_429_makes_every_process_wait_at_once(
    clock: HandTurnedTime, open_pacer: Open, retry_after: float | None, wait: float
) -> None:
    refused, other = open_pacer(), open_pacer()
    sent_at = send(refused, other, count=30)[-1]
    refused.slow_down(sent_at, retry_after)
    blocked_at = clock.now
    (moment,) = send(other, count=1)
    assert wait <= moment - blocked_at < wait + 0.5
    assert (refused.throttled, other.throttled) == (1, 0)


def test_the_lower_rate_outlives_the_process_that_learnt_it(clock: HandTurnedTime, open_pacer: Open) -> None:
    pacer = open_pacer()
    sent_at = send(pacer, count=30)[-1]
    pacer.slow_down(sent_at, 1.0)
    learnt = pacer.current_rate()
    assert learnt < 15
    pacer_of_the_next_run = open_pacer()
    assert pacer_of_the_next_run.current_rate() == learnt
    moments = send(pacer_of_the_next_run, count=30)
    assert 29 / (moments[-1] - moments[0]) == pytest.approx(learnt, rel=0.05)


def test_the_refusals_of_one_moment_lower_the_rate_once(clock: HandTurnedTime, open_pacer: Open) -> None:
    pacer, other = open_pacer(), open_pacer()
    moments = send(pacer, count=30)
    clock.sleep(0.05)  # the refusals are on their way
    pacer.slow_down(moments[-1], 1.0)
    learnt = pacer.current_rate()
    for moment in moments[-4:]:
        other.slow_down(moment, 1.0)
    assert pacer.current_rate() == learnt


def test_the_rate_climbs_back_step_by_step(clock: HandTurnedTime, open_pacer: Open) -> None:
    pacer = open_pacer()
    pacer.slow_down(send(pacer, count=30)[-1], 1.0)
    slowed_at, rates = clock.now, [pacer.current_rate()]
    while rates[-1] < 15:
        send(pacer, count=1)
        if pacer.current_rate() != rates[-1]:
            rates.append(pacer.current_rate())
        assert clock.now - slowed_at < 600
    assert rates == sorted(rates)
    assert len(rates) >= 3
    assert all(later < earlier * 1.2 for earlier, later in pairwise(rates))
    assert clock.now - slowed_at >= SHORTEST_CLIMB_WAIT * (len(rates) - 1)


def test_an_exchange_that_refuses_each_climb_is_tried_less_and_less_often(
    clock: HandTurnedTime, open_pacer: Open
) -> None:
    pacer = open_pacer()
    refused_at = []
    for _ in range(8):
        before = pacer.current_rate()
        while pacer.current_rate() <= before and clock.now < 10_000:
            (sent_at,) = send(pacer, count=1)
            if before == 15:
                break
        pacer.slow_down(sent_at, 1.0)
        refused_at.append(clock.now)
    waits = [later - earlier for earlier, later in pairwise(refused_at)]
    assert max(waits[-3:]) > 2 * waits[0]
    assert max(waits) < 2 * LONGEST_CLIMB_WAIT


def test_no_turn_before_the_deadline_is_out_of_time_and_a_pause_is_told_apart(
    clock: HandTurnedTime, open_pacer: Open
) -> None:
    pacer = open_pacer(limit=1)
    send(pacer, count=1)
    with pytest.raises(OutOfTime), pacer.turn(deadline=clock.now + 0.5):
        pytest.fail("a turn came too early")
    pacer.slow_down(clock.now, 300.0)
    with pytest.raises(Paused, match="300"), pacer.turn(deadline=clock.now + 50):
        pytest.fail("a turn came in a pause")
    assert clock.now < 1_005, "nobody waits for what cannot come"


def test_a_thread_that_waits_in_the_queue_is_out_of_time_at_its_deadline(open_pacer: Open) -> None:
    pacer = open_pacer()
    failures: list[type[BaseException]] = []

    def wait() -> None:
        try:
            with pacer.turn(deadline=time.monotonic() + 0.05):
                pass
        except OutOfTime as error:
            failures.append(type(error))

    with pacer.turn():
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(5)
    assert failures == [OutOfTime]


def test_a_request_that_fails_while_it_is_sent_has_had_its_turn(clock: HandTurnedTime, open_pacer: Open) -> None:
    pacer = open_pacer(limit=1)
    with pytest.raises(ConnectionError), pacer.turn():
        raise ConnectionError
    assert pacer.requests == 1
    assert send(pacer, count=1)[0] >= 1_001


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 4096,
        b'{"sent": [1.0, 2',
        b"[]",
        b"null",
        b'{"other": 1}',
        b"\xff\xfe",
        b'{"sent": null}',
        b'{"sent": [1.0, 2.0]}',
        b'{"sent": 3}' + b" " * 4096,
    ],
)
def test_a_torn_or_foreign_file_is_a_fresh_start(
    clock: HandTurnedTime, open_pacer: Open, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "pacer").write_bytes(content)
    moments = send(open_pacer(), open_pacer(), count=40)
    assert worst_window(moments) <= 15
    assert array("d", (tmp_path / "pacer").read_bytes()[-8:])[0] == moments[-1]


def test_processes_of_different_limits_see_what_the_others_send_and_hear(
    clock: HandTurnedTime, open_pacer: Open
) -> None:
    fast, slow = open_pacer(limit=1000), open_pacer(limit=15)
    sent_at = send(fast, count=1000)[-1]
    assert send(slow, count=1)[0] > sent_at + 0.5, "the window is full"
    fast.slow_down(send(fast, count=1000)[-1], 600.0)
    with pytest.raises(Paused), slow.turn(deadline=clock.now + 50):
        pytest.fail("a turn came in a pause")
    slow.slow_down(clock.now, 900.0)
    with pytest.raises(Paused, match="900"), fast.turn(deadline=clock.now + 700):
        pytest.fail("a turn came in a pause")


def test_after_a_reboot_the_learnt_rate_stands_and_old_moments_do_not(clock: HandTurnedTime, open_pacer: Open) -> None:
    pacer = open_pacer()
    pacer.slow_down(send(pacer, count=30)[-1], 600.0)
    learnt = pacer.current_rate()
    clock.now = 3.0
    rebooted = open_pacer()
    assert rebooted.current_rate() == learnt
    assert send(rebooted, count=1) == [3.0]


def test_a_pause_does_not_survive_a_reboot_however_long_the_machine_has_been_up(
    clock: HandTurnedTime, open_pacer: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    pacer = open_pacer()
    pacer.slow_down(send(pacer, count=30)[-1], 3600.0)
    learnt = pacer.current_rate()
    clock.sleep(600)
    with pytest.raises(Paused), open_pacer().turn(deadline=clock.now + 50):
        pytest.fail("a turn came in a pause")
    monkeypatch.setattr(pace_file_module, "boot_id", lambda: "another boot")
    rebooted = open_pacer()
    assert rebooted.current_rate() == learnt
    assert send(rebooted, count=1) == [clock.now]
    assert send(open_pacer(), count=1)[0] > clock.now - 1


def test_minutes_that_were_counted_by_a_clock_that_was_ahead_do_not_crowd_out_the_others(
    clock: HandTurnedTime, open_pacer: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    pacer = open_pacer()
    right = clock.time
    monkeypatch.setattr(clock, "time", lambda: right() + 86_400)
    for _ in range(20):
        clock.sleep(60)
        send(pacer, count=1)
    monkeypatch.setattr(clock, "time", right)
    send(pacer, count=3)
    assert list(pacer.minutes().values()) == [(3, 0)]


def test_requests_and_refusals_are_counted_by_minute_for_all_processes(clock: HandTurnedTime, open_pacer: Open) -> None:
    one, other = open_pacer(), open_pacer()
    minute = datetime.fromtimestamp(clock.time(), UTC).replace(second=0)
    sent_at = send(one, other, count=10)[-1]
    other.slow_down(sent_at, 1.0)
    assert one.minutes() == {minute: (10, 1)}
    for _ in range(30):
        clock.sleep(60)
        send(one, count=1)
    assert len(one.minutes()) == 15
    assert minute not in one.minutes()


def refuse(pacer: Pacer, clock: HandTurnedTime) -> None:
    """One request that is answered 429, 50 ms later."""
    with pacer.turn() as turn:
        pass
    clock.sleep(0.05)
    pacer.slow_down(turn.sent_at, None)


@pytest.mark.parametrize("limit", [5, 15, 100])
def test_after_ten_minutes_of_429_nine_tenths_of_the_rate_are_back_within_a_minute(
    clock: HandTurnedTime, open_pacer: Open, limit: float
) -> None:
    pacer = open_pacer(limit)
    send(pacer, count=60)
    began = clock.now
    while clock.now < began + 600:
        refuse(pacer, clock)
    asked_in_the_storm = pacer.requests - 60
    ended = clock.now
    while pacer.current_rate() < 0.9 * limit and clock.now < ended + 120:
        send(pacer, count=1)
    assert clock.now - ended <= 60
    assert asked_in_the_storm < 300, "a storm is not answered with a storm"


def test_what_leaves_in_a_second_that_is_not_busy_says_nothing_about_what_is_allowed(
    clock: HandTurnedTime, open_pacer: Open
) -> None:
    pacer = open_pacer()
    (sent_at,) = send(pacer, count=1)
    pacer.slow_down(sent_at, 1.0)
    assert pacer.current_rate() == 7.5
    clock.sleep(5)
    send(pacer, count=1)
    assert pacer.current_rate() == pytest.approx(13.5)


def send_with_keys(pacer: Pacer, count: int) -> dict[int, list[float]]:
    """Send `count` requests; the moments of sending with each key."""
    moments = defaultdict[int, list[float]](list)
    for _ in range(count):
        with pacer.turn() as turn:
            moments[turn.key].append(turn.sent_at)
    return moments


def test_a_key_that_is_refused_while_a_request_waits_for_its_turn_is_not_used_for_it(
    clock: HandTurnedTime, open_pacer: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    pacer, usable = open_pacer(limit=1, keys=("a", "b")), [0, 1]
    assert set(send_with_keys(pacer, 2)) == {0, 1}

    def sleep(seconds: float) -> None:
        clock.now += seconds
        usable[:] = [1]

    monkeypatch.setattr(clock, "sleep", sleep)
    with pacer.turn(among=lambda: usable) as turn:
        assert turn.key == 1


def test_each_key_has_the_whole_limit_and_they_are_used_alike(clock: HandTurnedTime, open_pacer: Open) -> None:
    began = clock.now
    moments = send_with_keys(open_pacer(keys=("a", "b", "c")), 300)
    assert {key: len(of_key) for key, of_key in moments.items()} == {0: 100, 1: 100, 2: 100}
    assert max(worst_window(of_key) for of_key in moments.values()) <= 15
    assert 300 / (clock.now - began) >= 0.97 * 45


def test_a_429_pauses_its_key_and_the_others_go_on(clock: HandTurnedTime, open_pacer: Open) -> None:
    pacer = open_pacer(keys=("a", "b"))
    sent = send_with_keys(pacer, 30)
    pacer.slow_down(sent[0][-1], 600.0, key=0)
    assert set(send_with_keys(open_pacer(keys=("b", "a")), 100)) == {0}
    assert 15 < pacer.current_rate() < 30
    pacer.slow_down(clock.now, 900.0, key=1)
    with pytest.raises(Paused, match="more seconds"), pacer.turn(deadline=clock.now + 50):
        pytest.fail("a turn came in a pause")


def test_the_pause_in_the_file_of_the_release_before_is_kept_for_the_first_key(
    clock: HandTurnedTime, open_pacer: Open, tmp_path: Path
) -> None:
    # As 1.0 wrote it: one key, without a name.
    header = {
        "learnt": 12.0,
        "held": 12.0,
        "before": 15.0,
        "sent": 2,
        "next_slot": 0.0,
        "blocked_until": clock.now + 600,
        "slowed_at": clock.now,
        "climbed_at": clock.now,
        "climb_wait": 15.0,
        "minutes": {str(int(clock.time() // 60)): [30, 1]},
        "boot": boot_id(),
    }
    moments = array("d", [clock.now - 0.2, clock.now - 0.1]).tobytes()
    (tmp_path / "pacer").write_bytes(json.dumps(header).encode().ljust(4096) + moments)
    pacer = open_pacer(keys=("a", "b"))
    assert pacer.current_rate() == 27
    assert set(send_with_keys(pacer, 20)) == {1}
    assert sum(throttled for _, throttled in open_pacer(keys=("b",)).minutes().values()) == 1
    assert sum(requests for requests, _ in pacer.minutes().values()) == 50


def test_keys_that_come_and_go_do_not_make_the_file_grow_for_ever(
    clock: HandTurnedTime, open_pacer: Open, tmp_path: Path
) -> None:
    sizes = []
    for day in range(8):
        clock.sleep(86_400)
        send_with_keys(open_pacer(keys=(f"{day}", f"{day + 1}")), 40)
        sizes.append((tmp_path / "pacer").stat().st_size)
    assert sizes[-1] <= sizes[2]
