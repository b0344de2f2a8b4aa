"""Delivery: each target by itself, again until it is told or a day is over, and never by two processes at once."""

import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from opinionscope.health.report import read_status
from opinionscope.locks import DELIVERY, beside, try_lock
from opinionscope.notify.address_book import AddressBook
from opinionscope.notify.program_target import run_program
from opinionscope.settings import Settings
from opinionscope.signals.delivery import deliver_pending
from opinionscope.store.backups import back_up, restore_backup
from opinionscope.store.database import Store
from tests.alerts.receiver import receiving
from tests.signals.following import BOB, Following


def test_a_target_that_fails_keeps_no_other_from_its_signals(wallets: Following) -> None:
    wallets.rule("one", to="good")
    wallets.rule("two", to="bad")
    wallets.fill()
    wallets.run(good=wallets.program(), bad=wallets.program("no", "exit 3"))
    assert [document["rule"] for document in wallets.told()] == ["one"]
    assert wallets.states() == [("sent", None), ("pending", "bad: exited with status 3")]


def test_a_signal_is_told_again_ever_more_seldom_and_fails_after_a_day(wallets: Following) -> None:
    wallets.rule()
    wallets.fill()
    counter = wallets.program("count", "echo >> {told}; exit 1")
    wallets.read()
    begin = wallets.now
    while wallets.signals()[0].state == "pending" and wallets.now < begin + timedelta(days=2):
        wallets.tell(teller=counter)
        wallets.now += timedelta(minutes=1)
    assert timedelta(hours=23) < wallets.now - begin < timedelta(hours=26)
    assert wallets.states() == [("failed", "teller: exited with status 1")]
    attempts = len(wallets.told_file.read_text().splitlines())
    assert attempts == wallets.signals()[0].attempts
    assert 24 < attempts < 40


def test_a_number_that_comes_again_after_a_restore_has_another_id(wallets: Following) -> None:
    wallets.rule()
    backup = wallets.folder / "backup.db"
    back_up(wallets.store.path, backup)
    wallets.fill(amount=50)
    wallets.run()
    wallets.store.close()
    restore_backup(wallets.store.path, backup)
    wallets.store = Store.open(wallets.store.path)
    wallets.fill(BOB, amount=70)
    wallets.run()
    lost, *again = wallets.told()
    assert lost["number"] in {document["number"] for document in again}
    assert len({document["id"] for document in (lost, *again)}) == 1 + len(again)


def test_a_signal_that_waited_while_the_machine_was_off_is_not_given_up_at_the_first_failure(
    wallets: Following,
) -> None:
    wallets.rule()
    wallets.fill()
    wallets.read()
    wallets.now += timedelta(hours=25)
    wallets.tell(teller=wallets.program("no", "exit 1"))
    assert [signal.state for signal in wallets.signals()] == ["pending"]
    wallets.now += timedelta(minutes=2)
    wallets.tell()
    assert wallets.amounts() == [50]


def test_each_alert_url_is_told_once_whatever_the_others_do(wallets: Following) -> None:
    wallets.fill()
    with receiving() as well, receiving() as ill:
        urls = f"{well.alert_url},{ill.alert_url}"
        book = AddressBook.of({"OPINIONSCOPE_ALERT_URLS": urls})
        wallets.rule(to="alerts")
        wallets.read(wallets.watch(book))
        ill.status = 500
        wallets.tell(urls)
        assert wallets.states() == [("pending", "alerts/2: did not accept the message")]
        ill.status = 200
        wallets.now += timedelta(minutes=2)
        wallets.tell(urls)
        assert (len(well.received), len(ill.received)) == (1, 2)
        assert wallets.states() == [("sent", None)]


def test_while_another_process_tells_nothing_is_told(wallets: Following) -> None:
    wallets.rule()
    wallets.fill()
    with try_lock(beside(wallets.store.path, DELIVERY)) as locked:
        assert locked
        wallets.run()
    assert wallets.told() == []
    wallets.tell()
    assert len(wallets.told()) == 1


def test_a_target_that_is_not_set_is_named_and_told_when_it_is(wallets: Following) -> None:
    wallets.rule(to="phone")
    wallets.fill()
    wallets.run(other=wallets.program())
    assert wallets.states() == [("pending", "phone: OPINIONSCOPE_TARGET_PHONE is not set")]
    wallets.now += timedelta(minutes=1)
    wallets.tell(phone=wallets.program())
    assert wallets.states() == [("sent", None)]


def test_a_target_that_fails_for_an_hour_is_an_unhealthy_state(wallets: Following) -> None:
    wallets.rule()
    wallets.fill()
    no = wallets.program("no", "exit 1")
    wallets.run(teller=no)
    assert read_status(wallets.store, wallets.now, Settings.model_validate({})).signals.failing_targets == []
    wallets.now += timedelta(minutes=61)
    wallets.tell(teller=no)
    status = read_status(wallets.store, wallets.now, Settings.model_validate({}))
    assert [target.target for target in status.signals.failing_targets] == ["teller"]
    assert not status.healthy
    assert status.as_document()["signals"]["pending"] == 1
    wallets.now += timedelta(hours=1)
    wallets.tell()
    assert read_status(wallets.store, wallets.now, Settings.model_validate({})).signals.failing_targets == []


def test_a_program_that_takes_too_long_is_killed_with_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, file = tmp_path / "slow", tmp_path / "pid"
    script.write_text(f"#!/bin/sh\nsleep 600 & echo $! > {file}.new\nmv {file}.new {file}\nwait\n")
    script.chmod(0o700)
    wait = subprocess.Popen.communicate

    def wait_once_it_runs(process: "subprocess.Popen[bytes]", document: bytes, timeout: float) -> tuple[bytes, bytes]:
        while not file.exists():
            assert process.poll() is None
            time.sleep(0.005)
        return wait(process, document, timeout)

    monkeypatch.setattr(subprocess.Popen, "communicate", wait_once_it_runs)
    delivery = run_program(str(script), "{}", 0.1)
    assert (delivery.problem or "").startswith("did not end within")
    child = int(file.read_text())
    end = time.monotonic() + 20
    while is_alive(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_alive(child)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_gets_no_key_and_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPINIONSCOPE_TARGET_OTHER", "json://secret")
    monkeypatch.setenv("OPINION_TRADE_API_KEY", "the-key")
    script, seen = tmp_path / "look", tmp_path / "seen"
    script.write_text(f"#!/bin/sh\nenv > {seen}\ncat > /dev/null\n")
    script.chmod(0o700)
    assert run_program(str(script), "{}", 5).accepted
    assert "secret" not in seen.read_text()
    assert "the-key" not in seen.read_text()


def test_a_program_that_is_not_there_is_a_problem_of_its_target(tmp_path: Path) -> None:
    assert run_program(str(tmp_path / "nothing"), "{}", 1).problem == "could not be started: No such file or directory"
    assert run_program("relative", "{}", 1).problem == "isn't an absolute path; expected exec:/absolute/program"


def test_no_address_of_a_target_reaches_the_database(wallets: Following) -> None:
    wallets.rule()
    wallets.rule("phone", to="phone")
    wallets.fill()
    secret = "s3cr3t-t0k3n"
    wallets.run(teller=f"exec:/nowhere/{secret}", phone=f"unknown://{secret}@127.0.0.1/{secret}")
    reasons = [reason for _, reason in wallets.states()]
    assert reasons == [
        "teller: could not be started: No such file or directory",
        "phone: isn't a valid Apprise URL",
    ]
    content = b"".join(path.read_bytes() for path in wallets.folder.glob("signals.db*"))
    assert secret.encode() not in content


def test_a_target_that_hangs_is_given_up_and_tried_again(wallets: Following) -> None:
    wallets.rule("slow", to="slow")
    wallets.rule("good", to="good")
    wallets.fill()
    wallets.read()
    addresses = {"SLOW": wallets.program("sleeper", "sleep 60"), "GOOD": wallets.program()}
    book = AddressBook.of({f"OPINIONSCOPE_TARGET_{name}": address for name, address in addresses.items()})
    deliver_pending(wallets.store, book, lambda: wallets.now, seconds=2.0)
    (slow, reason), good = wallets.states()
    assert (slow, good) == ("pending", ("sent", None))
    assert reason is not None
    assert reason.startswith("slow: did not end within")
    wallets.now += timedelta(minutes=2)
    wallets.tell(slow=wallets.program())
    assert [document["rule"] for document in wallets.told()] == ["good", "slow"]
