"""Makes markets in the shapes that the live API shows."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

from opinionscope.simulator.market_subjects import Subject, binary_subject, categorical_subject, weekly_subject
from opinionscope.simulator.simulated_market import ACTIVATED, STATUS_NAMES, SimulatedMarket
from opinionscope.simulator.simulated_trade import CHAIN_ID, QUOTE_ADDRESS

DAY = 86_400
_FIRST_ID = 301


class MarketFactory:
    """Draws markets from one random source; the same source gives the same markets."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        # Two counters whose numbers overlap, as upstream: topic 337 and market 337 are two things.
        self._topic_ids = count(_FIRST_ID)
        self._market_ids = count(_FIRST_ID)

    def draw(self, created_at: float, *, categorical: bool) -> SimulatedMarket:
        """An open market on a random subject."""
        cutoff = int(created_at + self._rng.uniform(0.1, 120) * DAY)
        day = f"{datetime.fromtimestamp(cutoff, UTC):%B %d, %Y}"
        subject = (categorical_subject if categorical else binary_subject)(self._rng, day)
        return self.make(subject, created_at, cutoff)

    def draw_weekly(self, number: int, created_at: float) -> SimulatedMarket:
        """A topic of a weekly series, by the number of the series."""
        cutoff = int(created_at + 7 * DAY)
        return self.make(weekly_subject(number, f"{datetime.fromtimestamp(cutoff, UTC):%B %d, %Y}"), created_at, cutoff)

    def make(self, subject: Subject, created_at: float, cutoff: int) -> SimulatedMarket:
        """An open market on a given subject: categorical if the subject has options."""
        if subject.options:
            return self._categorical(subject, int(created_at), cutoff)
        return self._binary(subject, int(created_at), cutoff)

    def _binary(self, subject: Subject, created_at: int, cutoff: int) -> SimulatedMarket:
        rng = self._rng
        fields = self._tradable_fields(subject.title, created_at, subject.yes, subject.no)
        fields |= {"cutoffAt": cutoff, "rules": _rules(subject.title), "marketType": 0, **self._shown(subject.labels)}
        if rng.random() < 0.8:  # the live API leaves the recent volumes out now and then
            fields |= {"volume24h": self._amount(9_000), "volume7d": self._amount(60_000)}
        return SimulatedMarket(fields["marketId"], "binary", fields)

    def _categorical(self, subject: Subject, created_at: int, cutoff: int) -> SimulatedMarket:
        fields = self._common_fields(next(self._topic_ids), subject.title, created_at)
        fields |= {"yesLabel": "", "noLabel": "", "yesTokenId": "", "noTokenId": "", "conditionId": ""}
        fields |= {"cutoffAt": cutoff, "rules": _rules(subject.title), "marketType": 1, **self._shown(subject.labels)}
        parent = SimulatedMarket(fields["marketId"], "categorical", fields)
        parent.children = [self._child(parent, option, cutoff) for option in subject.options]
        return parent

    def _child(self, parent: SimulatedMarket, option: str, cutoff: int) -> SimulatedMarket:
        created_at = parent.fields["createdAt"] + self._rng.randint(0, 9)
        fields = self._tradable_fields(option, created_at, "YES", "NO")
        slug = f"{parent.fields['slug']}-{_slug(option)}"
        fields |= {"cutoffAt": self._rng.choice((0, 0, cutoff)), "rules": "", "slug": slug}
        fields |= {"volume24h": self._amount(9_000), "volume7d": self._amount(60_000)}
        return SimulatedMarket(fields["marketId"], "child", fields, parent=parent)

    def _tradable_fields(self, title: str, created_at: int, yes: str, no: str) -> dict[str, Any]:
        return self._common_fields(next(self._market_ids), title, created_at) | {
            "status": ACTIVATED,
            "statusEnum": STATUS_NAMES[ACTIVATED],
            "volume": self._amount(400_000),
            "yesLabel": yes,
            "noLabel": no,
            "yesTokenId": self._token(),
            "noTokenId": self._token(),
            "conditionId": self._rng.choice(("", self._hash())),
        }

    def _common_fields(self, market_id: int, title: str, created_at: int) -> dict[str, Any]:
        return {
            "chainId": CHAIN_ID,
            "createdAt": created_at,
            "incentiveFactor": {},
            "isResolvableByAI": False,
            "marketId": market_id,
            "marketTitle": title,
            "questionId": self._hash(),
            "quoteToken": QUOTE_ADDRESS,
            "rebate": {"maker": 0.5},
            "resolvedAt": 0,
            "resultTokenId": "",
            "slug": _slug(title),
        }

    def _shown(self, labels: Sequence[str]) -> dict[str, Any]:
        label_ids = [self._rng.randint(1, 40) for _ in labels]
        return {"labels": list(labels), "labelIds": label_ids, "coverUrl": "", "thumbnailUrl": ""}

    def _amount(self, most: int) -> str:
        if self._rng.random() < 0.3:  # float noise, as in "8686.887999999999"
            return repr(self._rng.uniform(1, most))
        return f"{self._rng.randrange(most)}.{self._rng.randrange(10**18):018d}"

    def _token(self) -> str:
        return str(self._rng.randrange(10**77, 2**256))

    def _hash(self) -> str:
        return f"{self._rng.getrandbits(256):064x}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.replace("↑", "up").replace("↓", "down").lower()).strip("-")


def _rules(title: str) -> str:
    return (
        f"## Rules\nThis market settles on the question: **{title}**\n\n"
        "- The source is the official announcement; a credible report serves if there is none.\n"
        "- If the event is called off, the market settles 50/50.\n"
    )
