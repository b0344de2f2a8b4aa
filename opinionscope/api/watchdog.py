"""Cuts off answers that take too long.

A socket time-out starts anew with each byte, so an exchange that sends one byte a second could hold a connection for
hours. The watchdog shuts down the socket of a request whose whole answer is late.
"""

import socket
import threading
import time

_CHECK_SECONDS = 0.5


class Watchdog:
    """Watches at most one request per thread. Its own thread starts with the first request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[int, tuple[socket.socket, float]] = {}
        self._cut_off: set[int] = set()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, sock: socket.socket, due: float) -> None:
        """Cut this thread's request off if its answer is not complete by `due` (monotonic seconds)."""
        with self._lock:
            self._pending[threading.get_ident()] = (sock, due)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="answer-watchdog", daemon=True)
                self._thread.start()

    def begin(self) -> None:
        """This thread begins a request."""
        with self._lock:
            self._cut_off.discard(threading.get_ident())

    def end(self) -> None:
        """This thread's request has been answered, or has failed."""
        with self._lock:
            self._pending.pop(threading.get_ident(), None)

    @property
    def has_cut_off(self) -> bool:
        """Whether this thread's request was cut off."""
        return threading.get_ident() in self._cut_off

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(_CHECK_SECONDS):
            now = time.monotonic()
            # Under the lock no request can end, so only the late one is cut off, never the thread's next one.
            with self._lock:
                late = [thread for thread, (_, due) in self._pending.items() if now > due]
                self._cut_off.update(late)
                for thread in late:
                    _shut_down(self._pending.pop(thread)[0])


def _shut_down(sock: socket.socket) -> None:
    try:
        # On the plain socket below TLS: the reading thread wakes up and finds the connection at its end.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        sock.close()
