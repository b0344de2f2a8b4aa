"""Whether there are rules to apply and things to tell: asked in every run, so this module loads nothing else."""

from opinionscope.store.database import Store


def has_enabled_rules(store: Store) -> bool:
    """Whether any rule is enabled."""
    return store.value("SELECT 1 FROM rules WHERE enabled = 1 LIMIT 1") is not None


def may_have_to_tell(store: Store) -> bool:
    """Whether any signal is pending, or any rule has digests, of which one may be due."""
    pending = store.value("SELECT 1 FROM signal_deliveries WHERE state = 'pending' LIMIT 1")
    digests = store.value("SELECT 1 FROM rules WHERE enabled = 1 AND digest_at IS NOT NULL LIMIT 1")
    return pending is not None or digests is not None
