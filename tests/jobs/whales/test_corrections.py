"""Single cases of lists that contradict themselves, and what is known, summed up and said afterwards."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from random import Random

import pytest

from opinionscope.api.answers import Page
from opinionscope.api.models import Trade
from opinionscope.errors import ApiError, ApiUnavailable, RequestRefused
from opinionscope.jobs.stats import compute_stats
from opinionscope.jobs.whales.history import History
from opinionscope.jobs.whales.turns import PAGES_A_TURN
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import find_activity, purge_trades
from opinionscope.store.whale_progress import ReadingProgress, doubt_history, find_wallets
from opinionscope.times import from_unix
from tests.old_release import downgrade
from tests.true_positions import SELECT, assert_positions

from .list_model import FIRST_SECOND
from .list_reader import ADDRESS, NEXT_DAY, NO_HORIZON, empty_database, fill_of
from .schedules import known_identities
from .servers import Entry, Servers, filled, make_trade, merged, shorter

Fetch = Callable[[int, int], Page[Trade]]


class Watched:
    """One wallet, its list on a server, and its database; a run a minute."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.servers = Servers(Random(1), now=float(FIRST_SECOND))
        self.fetch: Fetch = self.servers.fetch
        self.now = NEXT_DAY
        self.horizon = NO_HORIZON
        self.serial = 100

    def trade(self, second: int, content: int | None = None) -> Entry:
        self.serial += 1
        trade = make_trade(self.serial if content is None else content, FIRST_SECOND + second, share="0.1234567891")
        return self.servers.add(trade)

    def run(self, minutes: int = 1) -> int:
        """One run; how many requests it made."""
        self.now += timedelta(minutes=minutes)
        self.servers.advance(60 * minutes)
        before = self.servers.fetches
        (wallet,) = find_wallets(self.store)

        def fetch_newest(known: bytes | None) -> Page[Trade] | None:
            page = self.fetch(1, 20)
            return None if page.digest == known else page

        def fetch_page(number: int, limit: int = 20) -> Page[Trade]:
            return self.fetch(number, limit)

        history = History(self.store, wallet, fetch_newest, fetch_page, self.now, lambda: self.horizon)
        history.poll()
        while history.unfinished:
            history.deepen(PAGES_A_TURN)
        return self.servers.fetches - before

    @property
    def progress(self) -> ReadingProgress:
        (wallet,) = find_wallets(self.store)
        return wallet.progress

    def word(self) -> str:
        return str(self.progress.completeness)

    def is_exact(self) -> bool:
        return known_identities(self.store) == self.servers.identities()

    def run_until_exact(self, runs: int = 60) -> None:
        for _ in range(runs):
            self.run()
            if self.is_exact() and self.word() == "complete":
                return
        pytest.fail(f"not exact after {runs} minutes: {self.progress}")

    def check_sums(self) -> None:
        """The totals, the hours and the published volume are those of what is listed."""
        compute_stats(self.store, now=self.now)
        (whale,) = self.store.query("SELECT * FROM whales")
        truth = self.servers.truth()
        volume = float(sum(trade.amount for trade in truth))
        assert whale["traded_count"] == len(truth)
        assert whale["traded_volume"] == pytest.approx(volume, abs=1e-6)
        assert whale["profit_sum"] == pytest.approx(float(sum(trade.profit or 0 for trade in truth)), abs=1e-6)
        assert whale["newest_trade_at"] == from_unix(truth[0].created_at)
        assert self.store.value("SELECT total(volume) FROM whale_hours") == pytest.approx(volume, abs=1e-6)
        assert whale["volume_30d"] == pytest.approx(volume, abs=1e-6)
        self.check_positions()

    def check_positions(self) -> None:
        """The positions are the sums of what is listed."""
        assert_positions(map(tuple, self.store.query(SELECT, (ADDRESS,))), map(fill_of, self.servers.truth()))


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    path = tmp_path / "whales.db"
    path.write_bytes(empty_database())
    with Store.open(path) as store:
        store.pragma("synchronous = OFF")
        yield Watched(store)


def add_many(watched: Watched, count: int, *, of_one_second: range = range(0), first: int = 0) -> list[Entry]:
    """Trades a second apart but for those positions from the top."""
    entries = list[Entry]()
    for position in range(count, 0, -1):
        stands_for = of_one_second.stop if position in of_one_second else position
        entries.append(watched.trade(first + 2 * (count - stands_for)))
    return entries


def test_two_trades_of_a_second_are_both_found_although_each_page_shows_the_same_one(watched: Watched) -> None:
    add_many(watched, 40, of_one_second=range(20, 22))

    def swapped(number: int, limit: int) -> Page[Trade]:
        page = watched.servers.fetch(number, limit)
        if limit != 20 or number != 2:
            return page
        above = watched.servers.truth()[19]
        return Page([above, *page.items[1:]], page.total, page.length, [], page.digest)

    watched.fetch = swapped
    watched.run()
    assert watched.is_exact()
    assert watched.word() == "complete"


def test_a_page_of_another_moment_doubles_nothing(watched: Watched) -> None:
    add_many(watched, 40, of_one_second=range(19, 23))
    old = {number: watched.servers.fetch(number, 20) for number in (1, 2)}
    watched.trade(100)
    answers = iter([old[1], watched.servers.fetch(2, 20), old[1]])
    watched.fetch = lambda number, limit: next(answers, None) or watched.servers.fetch(number, limit)
    watched.run()
    assert not known_identities(watched.store) - watched.servers.identities()
    watched.run_until_exact()


def test_a_late_fill_is_found_although_a_trade_was_withdrawn_before_it(watched: Watched) -> None:
    newest = add_many(watched, 45)[-1]
    watched.run()
    watched.run()
    newest.gone_at = watched.servers.now
    watched.run()
    assert watched.word() == "ahead by 1"
    watched.trade(28)
    watched.run()
    assert watched.word() != "complete"
    watched.run_until_exact()
    watched.check_sums()


def test_a_young_trade_that_is_replaced_below_the_first_page_is_noticed_five_minutes_later(watched: Watched) -> None:
    add_many(watched, 10)
    watched.run()
    entries = add_many(watched, 50, first=100)
    watched.run()
    entries[10].gone_at = watched.servers.now
    watched.trade(110)
    assert [watched.run() for _ in range(3)] == [1, 1, 1]
    watched.run()
    assert watched.word() != "complete"
    watched.run_until_exact()
    watched.check_sums()
    assert watched.word() == "complete"


def test_a_list_that_goes_on_where_its_count_ends_is_not_called_complete_when_the_numbers_agree(
    watched: Watched,
) -> None:
    watched.servers.claim = lambda _, total: total - 1
    add_many(watched, 65)
    watched.run()
    assert watched.word() == "ahead by 1"
    watched.trade(10)
    watched.trade(200)
    watched.run()
    assert watched.progress.difference == 0
    assert watched.word() == "catching up", "one of them is missing"
    for _ in range(20):
        watched.run()
    assert watched.is_exact()
    assert watched.word() == "ahead by 1"


def test_a_first_reading_that_misses_a_trade_is_not_complete_where_the_list_goes_on_beyond_its_count(
    watched: Watched,
) -> None:
    watched.servers.claim = lambda _, total: total - 1
    add_many(watched, 65)
    served = watched.servers.fetch

    def fetch(number: int, limit: int) -> Page[Trade]:
        if number == 2:
            watched.fetch = served
            watched.trade(127)
        return served(number, limit)

    watched.fetch = fetch
    watched.run()
    assert watched.progress.difference == 0
    assert watched.word() == "catching up"


def test_what_waits_below_the_first_page_is_confirmed_by_the_next_run(watched: Watched) -> None:
    add_many(watched, 60)
    watched.run()
    watched.servers.claim = lambda _, total: 60
    watched.trade(10)
    for _ in range(5):
        watched.run()
    assert watched.progress.waiting == 1
    watched.run()
    assert watched.progress.waiting == 0
    assert watched.is_exact()


def test_a_total_that_falls_while_it_is_read_starts_no_search_for_as_many_trades(watched: Watched) -> None:
    add_many(watched, 400)
    watched.run()
    watched.servers.claim = lambda _, total: total + 5
    watched.trade(1_000)
    watched.run()
    wrong = cycle([10, -5])
    watched.servers.claim = lambda _, total: total + next(wrong)
    watched.trade(1_001)
    assert watched.run() == 2
    assert watched.word() == "behind by 10"


def test_a_late_fill_that_comes_with_a_withdrawal_is_found_too(watched: Watched) -> None:
    newest = add_many(watched, 45)[-1]
    watched.run()
    newest.gone_at = watched.servers.now
    watched.trade(28)
    watched.run()
    assert watched.word() == "catching up", "the numbers agree, but what is known is not listed"
    watched.run_until_exact()
    watched.check_sums()


def test_an_equal_late_copy_counts_in_a_list_in_the_order_of_indexing_with_a_page_of_one_second(
    watched: Watched,
) -> None:
    watched.servers.by_index = True
    watched.trade(10, content=7)
    for _ in range(50):
        watched.trade(20, content=5)
    add_many(watched, 30, first=30)
    watched.run()
    watched.trade(10, content=7)
    watched.run_until_exact()


def test_pages_of_ten_are_read_to_the_end(watched: Watched) -> None:
    watched.servers.page_size = 10
    add_many(watched, 100)
    watched.run()
    assert watched.is_exact()
    assert watched.word() == "complete"
    assert watched.run() == 1


def test_pages_that_are_refused_end_the_reading_and_no_run_fails(watched: Watched) -> None:
    watched.servers.last_page = 3
    watched.servers.refusal = RequestRefused("the exchange refuses the request: 10000")
    add_many(watched, 100)
    watched.run()
    assert watched.word() == "behind by 40"
    assert watched.progress.listed_newest == 60
    again, young_trades_twice = [5], [1, 1, 1, 3, 1, 1, 1, 1, 3]
    assert [watched.run() for _ in range(30)] == again + young_trades_twice + [1] * 20
    watched.servers.refusal = None
    watched.run(minutes=60)
    assert watched.is_exact()
    assert watched.word() == "complete"


def test_pages_that_keep_failing_end_the_reading_in_the_third_run(watched: Watched) -> None:
    watched.servers.last_page = 3
    watched.servers.refusal = ApiUnavailable("exchange error (HTTP 502)")
    add_many(watched, 100)
    for _ in range(2):
        with pytest.raises(ApiError):
            watched.run()
    watched.run()
    assert watched.word() == "behind by 40"


def test_a_withdrawn_trade_is_out_of_every_listing_and_sum_and_back_if_it_comes_back(watched: Watched) -> None:
    entries = add_many(watched, 30)
    watched.run()
    entries[10].gone_at = watched.servers.now
    watched.run_until_exact()
    watched.check_sums()
    assert len(list(find_activity(watched.store, limit=100))) == 29
    assert watched.store.value("SELECT count(*) FROM whale_activity WHERE withdrawn_at IS NOT NULL") == 1
    entries[10].gone_at = float("inf")
    watched.run_until_exact()
    watched.check_sums()
    assert len(list(find_activity(watched.store, limit=100))) == 30


def test_a_position_whose_trades_are_all_withdrawn_is_gone_with_its_part_in_the_figures(watched: Watched) -> None:
    entries = add_many(watched, 30)
    first_of_its_market = watched.trade(-1, content=201)
    first_of_its_market.trade = first_of_its_market.trade.model_copy(update={"market_id": "99"})
    watched.run()
    compute_stats(watched.store, now=NEXT_DAY)
    assert watched.store.value("SELECT count(*) FROM whale_questions WHERE question = '99'") == 1
    first_of_its_market.gone_at = entries[0].gone_at = entries[-1].gone_at = watched.servers.now
    watched.run_until_exact()
    compute_stats(watched.store, now=NEXT_DAY)
    watched.check_positions()
    assert watched.store.value("SELECT count(*) FROM whale_questions WHERE question = '99'") == 0
    assert watched.store.value("SELECT count(*) FROM positions WHERE market_external_id = '99'") == 0


def test_an_upgrade_sums_up_stored_trades_and_leaves_out_the_withdrawn_ones(tmp_path: Path) -> None:
    path = tmp_path / "whales.db"
    path.write_bytes(empty_database())
    with Store.open(path) as store:
        watched = Watched(store)
        entries = add_many(watched, 30)
        watched.run()
        entries[10].gone_at = watched.servers.now
        watched.run_until_exact()
    downgrade(path, 8)
    with Store.open(path) as store:
        watched.store = store
        watched.check_positions()
        assert store.value("SELECT count(*) FROM unsummed_trades") == store.value("SELECT doubted FROM whales") == 0


def test_a_list_that_grows_by_many_pages_while_it_is_read_is_read_to_its_end(watched: Watched) -> None:
    add_many(watched, 300)

    def fetch(number: int, limit: int) -> Page[Trade]:
        if watched.servers.fetches == 5:
            for second in range(200):
                watched.trade(1_000 + second)
        return watched.servers.fetch(number, limit)

    watched.fetch = fetch
    watched.run()
    assert watched.store.value("SELECT listed_newest FROM whales") is None
    watched.run_until_exact(2)


def test_one_of_two_equal_trades_can_be_withdrawn(watched: Watched) -> None:
    first, _ = watched.trade(5, content=7), watched.trade(5, content=7)
    add_many(watched, 30)
    watched.run()
    first.gone_at = watched.servers.now
    watched.run_until_exact()
    watched.check_sums()


@pytest.mark.parametrize("respelled", [shorter, merged, filled])
def test_a_trade_in_another_spelling_is_the_same_trade(watched: Watched, respelled: Callable[[Trade], Trade]) -> None:
    if respelled is filled:
        watched.servers.spelling = lambda trade: trade.model_copy(update={"outcome_side": None})
    add_many(watched, 45)
    watched.run()
    watched.servers.spelling = respelled
    doubt_history(watched.store, ADDRESS)
    watched.run()
    assert watched.store.value("SELECT count(*) FROM whale_activity") == 45
    assert watched.is_exact()
    assert watched.word() == "complete"
    watched.check_sums()


def test_fees_and_profits_that_are_worked_out_anew_are_brought_up_to_date(watched: Watched) -> None:
    add_many(watched, 15)
    watched.run()
    watched.servers.spelling = lambda trade: trade.model_copy(update={"profit": trade.amount, "fee": trade.price})
    watched.run()
    assert {trade.fee for trade in find_activity(watched.store)} == {0.3333333333333333}
    watched.check_sums()


def test_another_wallets_page_is_not_stored_before_a_second_run_has_seen_it(watched: Watched) -> None:
    add_many(watched, 15)
    watched.run()
    foreign = [make_trade(1_000_000 + number, FIRST_SECOND + 100 - number) for number in range(15)]
    watched.fetch = lambda _, __: Page(foreign, 15, 15, [], b"foreign")
    watched.run()
    assert watched.is_exact()
    assert watched.word() == "catching up"
    watched.fetch = watched.servers.fetch
    watched.run_until_exact()
    assert watched.store.value("SELECT count(*) FROM waiting_trades") == 0


def test_what_a_second_run_confirms_is_stored(watched: Watched) -> None:
    add_many(watched, 15)
    watched.servers.claim = lambda _, total: min(total, 15)
    watched.run()
    watched.trade(100)
    watched.run()
    assert not watched.is_exact()
    watched.run()
    assert watched.is_exact()
    assert watched.word() == "ahead by 1"


def test_an_empty_list_withdraws_nothing(watched: Watched) -> None:
    add_many(watched, 15)
    watched.run()
    watched.fetch = lambda _, __: Page[Trade]([], 0, 0, [], b"empty")
    for _ in range(30):
        watched.run()
    assert watched.is_exact()
    assert watched.word() == "ahead by 15"


def test_rereading_a_complete_wallet_finds_that_it_is(watched: Watched) -> None:
    add_many(watched, 45)
    watched.run()
    doubt_history(watched.store, ADDRESS)
    assert watched.word() == "catching up"
    assert watched.run() == 3
    assert watched.word() == "complete"
    assert watched.run() == 1


def test_a_withdrawn_trade_that_is_too_old_is_deleted_and_not_counted_any_more(watched: Watched) -> None:
    entries = add_many(watched, 10)
    watched.run()
    entries[3].gone_at = watched.servers.now
    watched.run_until_exact()
    watched.horizon = watched.now
    purge_trades(watched.store, watched.now, 1_000)
    assert watched.store.value("SELECT sum(copies) FROM counted_trades") == watched.progress.known_trades == 9
    watched.servers.spelling = shorter
    doubt_history(watched.store, ADDRESS)
    watched.run()
    assert watched.store.value("SELECT sum(copies) FROM counted_trades") == watched.progress.known_trades == 9
    assert watched.word() == "complete"


def test_replaced_trades_are_found_by_looking_through_the_newest_twice_a_day(watched: Watched) -> None:
    entries = add_many(watched, 45)
    watched.run()
    entries[5].gone_at = watched.servers.now
    watched.trade(11)
    assert watched.run() == 1, "the numbers agree, and the newest page is as it was"
    watched.run(minutes=12 * 60)
    assert watched.word() != "complete"
    watched.run_until_exact()
    assert Counter(known_identities(watched.store)).total() == 45
