"""Threads that do not outlive the run, and do not go on with what nobody waits for."""

import threading

from opinionscope.jobs.workers import DaemonPool


def test_what_has_not_begun_when_the_block_is_left_is_never_done() -> None:
    begun, may_end, done = threading.Event(), threading.Event(), list[int]()

    def work(number: int) -> None:
        begun.set()
        may_end.wait(20)
        done.append(number)

    with DaemonPool(1, "dropping") as pool:
        futures = [pool.submit(work, number) for number in range(3)]
        (worker,) = [thread for thread in threading.enumerate() if thread.name == "dropping-0"]
        assert begun.wait(20)
    may_end.set()
    worker.join(20)
    assert done == [0]
    assert [future.done() for future in futures] == [True, False, False]
