"""The API keys in their setting, where commas separate several, and the digests that name them in public."""

_DIGEST_BYTES = 4
"""Enough to tell the keys of a setting apart, and too few to prove a guess."""


def split_keys(text: str) -> tuple[str, ...]:
    """The keys in the setting, each once: a key that is named twice has one allowance all the same."""
    return tuple(dict.fromkeys(key for part in text.split(",") if (key := part.strip())))


def key_digest(key: str) -> str:
    """The short name of a key in files, messages and tables."""
    from hashlib import blake2b

    return blake2b(key.encode(), digest_size=_DIGEST_BYTES, key=b"opinionscope").hexdigest()
