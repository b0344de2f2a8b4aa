"""What the invented markets are about: titles, labels and options."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

COINS = {"Bitcoin": 97_000, "Ethereum": 3_400, "BNB": 690, "Solana": 185, "XRP": 2, "Dogecoin": 1}
TEAMS = (
    "Northgate Rovers",
    "Harbour City",
    "Red Valley",
    "Atlético Miramar",
    "SC Lindenau",
    "Kestrel United",
    "Port Azure",
    "Ironbridge",
    "Estrela do Sul",
    "Olympia Praha",
    "Fjord FK",
    "Sapporo Cranes",
)
LEAGUES = ("Premier Cup", "Continental League", "Coastal Series", "Winter Masters")
SQUADS = ("Vector Five", "Noir Verse", "Paper Tigers", "Blue Static", "Quartz", "Midnight Shift", "Team Umbra")
GAMES = ("cs2", "dota2", "valorant", "league-of-legends")
PLACES = ("Norland", "Westmark", "Castellana", "the Aurelian Republic", "Karelia", "the Sund Islands", "Ostrava")
PARTIES = (
    "Liberal Union",
    "Green List",
    "Workers' Party",
    "Centre",
    "National Front",
    "Reform",
    "Christian Democrats",
    "Pirates",
    "Farmers' League",
    "New Left",
    "Federalists",
    "Independents",
)
BANKS = ("the Fed", "the ECB", "the Bank of England", "the Bank of Japan", "the SNB")
FILMS = ("The Long Tide", "Orbit of Salt", "Paper Moons", "A Quiet Engine", "Seven Lanterns", "Glass Harvest")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a market asks. `options` is empty for a binary one."""

    title: str
    labels: tuple[str, ...]
    yes: str = "YES"
    no: str = "NO"
    options: tuple[str, ...] = ()


def _price(rng: Random, coin: str) -> str:
    target = COINS[coin] * rng.uniform(0.6, 1.7)
    return f"{target:.2f}" if target < 100 else f"{round(target, -2 if target > 5000 else 0):,.0f}"


def _coin_above(rng: Random, day: str) -> Subject:
    coin = rng.choice(list(COINS))
    return Subject(f"Will {coin} close above ${_price(rng, coin)} on {day}?", ("Crypto", coin))


def _match(rng: Random, day: str) -> Subject:
    home, away = rng.sample(TEAMS, 2)
    return Subject(f"{home} vs {away} ({day})", ("Sports", "Football", rng.choice(LEAGUES)), home, away)


def _esports(rng: Random, _day: str) -> Subject:
    first, second = rng.sample(SQUADS, 2)
    return Subject(f"{first} vs {second}", ("Esports", rng.choice(GAMES)), first, second)


def _rate_cut(rng: Random, day: str) -> Subject:
    return Subject(f"Will {rng.choice(BANKS)} cut rates by {day}?", ("Macro", "Rates"))


def _inflation(rng: Random, day: str) -> Subject:
    title = f"Will inflation in {rng.choice(PLACES)} be above {rng.uniform(1, 6):.1f}% by {day}?"
    return Subject(title, ("Macro", "Inflation"))


def _coin_levels(rng: Random, day: str) -> Subject:
    coin = rng.choice(list(COINS))
    options = dict.fromkeys(f"{rng.choice('↑↓')} {_price(rng, coin)}" for _ in range(rng.randint(4, 14)))
    return Subject(f"What price will {coin} hit by {day}?", ("Crypto",), options=tuple(options)[:12])


def weekly_subject(number: int, day: str) -> Subject:
    """The topic of a series that is opened anew each week, to be settled on `day`."""
    coin = list(COINS)[number % len(COINS)]
    options = tuple(f"{'↑' if share > 1 else '↓'} {COINS[coin] * share:,.4g}" for share in (0.8, 0.9, 1.1, 1.25))
    return Subject(f"What price will {coin} hit in the week to {day}?", ("Crypto",), options=options)


def _election(rng: Random, day: str) -> Subject:
    options = tuple(rng.sample(PARTIES, rng.randint(2, 12)))
    return Subject(f"Who wins the election in {rng.choice(PLACES)} on {day}?", ("Politics",), options=options)


def _champion(rng: Random, day: str) -> Subject:
    options = tuple(rng.sample(TEAMS, rng.randint(4, 12)))
    return Subject(f"{rng.choice(LEAGUES)} champion {day}", ("Sports", "Football"), options=options)


def _rate_decision(rng: Random, day: str) -> Subject:
    options = ("50+ bps decrease", "25 bps decrease", "No change", "25+ bps increase")
    return Subject(f"Decision of {rng.choice(BANKS)} on {day}", ("Macro", "Rates"), options=options)


def _best_picture(rng: Random, day: str) -> Subject:
    return Subject(f"Best picture at the {day} gala", ("Culture",), options=tuple(rng.sample(FILMS, 5)))


_Maker = Callable[[Random, str], Subject]
_BINARY: tuple[_Maker, ...] = (_coin_above, _match, _esports, _rate_cut, _inflation)
_CATEGORICAL: tuple[_Maker, ...] = (_coin_levels, _election, _champion, _rate_decision, _best_picture)


def binary_subject(rng: Random, day: str) -> Subject:
    """A question with two outcomes, to be settled on `day` (a date in words)."""
    return rng.choice(_BINARY)(rng, day)


def categorical_subject(rng: Random, day: str) -> Subject:
    """A question with 2 to 12 options."""
    subject = rng.choice(_CATEGORICAL)(rng, day)
    if len(subject.options) < 2:
        return Subject(subject.title, subject.labels, options=(*subject.options, "Other"))
    return subject
