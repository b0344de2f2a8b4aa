"""The API keys of a client: which of them the exchange still accepts. No text that leaves here names one in full."""

import threading
from collections.abc import Sequence

from opinionscope.api_keys import key_digest
from opinionscope.errors import KeyRefused

_SHORTEST_SECRET = 12


class KeyRing:
    """Keys by their position, from 0 on; threads may share it. `problems` tells of each that was set aside."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self.usable: Sequence[int] = range(len(texts))
        self.problems: list[str] = []
        self._lock = threading.Lock()
        # The longest first, in case one begins with another.
        self._secrets = sorted(self.texts, key=len, reverse=True)

    def set_aside(self, key: int, refusal: KeyRefused) -> None:
        """Use the key no more, because the exchange has refused it. Raises KeyRefused if it was the last one."""
        with self._lock:
            left = [other for other in self.usable if other != key]
            if not left:
                raise self._refusal_of_all(refusal)
            if key in self.usable:
                self.usable = left
                self.problems.append(str(refusal).replace("the API key", self._name(key), 1))

    def hide(self, text: str) -> str:
        """The text without the keys."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def hide_in(self, body: bytes) -> bytes:
        """An answer without the keys, if it echoes them: they must reach no log and no table.

        A short key is left to the messages, since it could be a part of honest data.
        """
        for secret in self._secrets:
            if len(secret) >= _SHORTEST_SECRET:
                body = body.replace(secret.encode(), b"***")
        return body

    def _name(self, key: int) -> str:
        return f"API key {key + 1} of {len(self.texts)} (digest {key_digest(self.texts[key])})"

    def _refusal_of_all(self, refusal: KeyRefused) -> KeyRefused:
        if len(self.texts) == 1:
            return refusal
        return KeyRefused(str(refusal).replace("the API key", f"all {len(self.texts)} API keys", 1))
