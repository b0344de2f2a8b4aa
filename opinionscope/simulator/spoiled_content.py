"""Faults inside an answer that looks well: its result, its list, its total, its items."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from opinionscope.simulator.response import Response
from opinionscope.simulator.spoil import Spoil, SpoilFunction

Json = dict[str, Any]
HUGE_TOTAL = 10**9
_WRONG_TOTALS = (10**40, -1, "12", 1.5, True, float("nan"), [7])

HOSTILE_TEXTS = (
    "\x1b[31mred\x1b[0m\x1b]0;owned\x07\x1b[2J",
    "[red]markup[/red] [link=file:///etc/passwd]here[/link] [/]",
    "<script>alert('market')</script>",
    '=cmd|"/c calc"!A1',
    "before\x00after",
    "\u202eesrever\u202c \u2066isolated",
    "long " * 2_000,
)
_REQUIRED = (
    *("marketId", "marketTitle", "status", "side", "txHash", "price", "shares", "amount", "createdAt"),
    *("outcomeSide", "sharesOwned"),
)
_NUMBERS = (
    *("price", "shares", "amount", "volume", "volume24h", "volume7d"),
    *("sharesOwned", "currentValueInQuoteToken", "unrealizedPnl"),
)
_TITLES = ("marketTitle", "rootMarketTitle")
_TEXTS = ("marketTitle", "rootMarketTitle", "outcome", "yesLabel", "noLabel")
_WRONG_TYPES: Json = {
    "marketId": {"id": 1},
    "marketTitle": 17,
    "price": ["0.5"],
    "amount": True,
    "createdAt": "yesterday",
    "status": "two",
    "volume": {},
    "sharesOwned": ["5"],
}


def _edit(spoil: Spoil, edit: Callable[[Json], None]) -> Response:
    """The answer with its JSON document edited in place."""
    document = json.loads(spoil.answer.body)
    edit(document)
    return replace(spoil.answer, body=json.dumps(document).encode())


def _edit_page(spoil: Spoil, edit: Callable[[Json, str], None]) -> Response:
    """The answer with its page edited: the object that holds the list and the name of the list in it."""

    def find(document: Json) -> None:
        result = document.get("result")
        if isinstance(result, dict) and "list" in result:
            edit(result, "list")
        elif "data" in document:
            edit(document, "data")

    return _edit(spoil, find)


def _edit_items(spoil: Spoil, edit: Callable[[list[Any]], None]) -> Response:
    """The answer with its items edited; a detail counts as a list of one."""

    def find(document: Json) -> None:
        holder = document.get("result") or document
        if isinstance(holder.get("data"), dict):
            items = [holder["data"]]
            edit(items)
            holder["data"] = items[0]
        elif items := holder.get("list") or holder.get("data") or []:
            edit(items)

    return _edit(spoil, find)


def _edit_one_item(spoil: Spoil, edit: Callable[[Json], None]) -> Response:
    """The answer with the middle item of its page edited."""
    return _edit_items(spoil, lambda items: edit(items[len(items) // 2]))


def _missing_result(spoil: Spoil) -> Response:
    return _edit(spoil, lambda document: document.pop("result", document.pop("data", None)))


def _null_result(spoil: Spoil) -> Response:
    return _edit(spoil, lambda document: document.update({"data" if "data" in document else "result": None}))


def _missing_list(spoil: Spoil) -> Response:
    return _edit_page(spoil, lambda holder, name: holder.pop(name))


def _null_list(spoil: Spoil) -> Response:
    return _edit_page(spoil, lambda holder, name: holder.update({name: None}))


def _list_is_object(spoil: Spoil) -> Response:
    return _edit_page(spoil, lambda holder, name: holder.update({name: {"0": holder[name]}}))


def _item_not_object(spoil: Spoil) -> Response:
    def edit(items: list[Any]) -> None:
        items[len(items) // 2] = "not an object"

    return _edit_items(spoil, edit)


def _missing_fields(spoil: Spoil) -> Response:
    def edit(item: Json) -> None:
        for name in _REQUIRED:
            item.pop(name, None)

    return _edit_one_item(spoil, edit)


def _wrong_types(spoil: Spoil) -> Response:
    def edit(item: Json) -> None:
        item.update({name: value for name, value in _WRONG_TYPES.items() if name in item})

    return _edit_one_item(spoil, edit)


def _bad_numbers(*values: str | float) -> SpoilFunction:
    """A fault that puts one of the values, in turn, into the figures of one item."""

    def spoil_numbers(spoil: Spoil) -> Response:
        value = values[spoil.nth % len(values)]
        return _edit_one_item(spoil, lambda item: item.update({name: value for name in _NUMBERS if name in item}))

    return spoil_numbers


def _hostile_text(spoil: Spoil) -> Response:
    def edit(items: list[Any]) -> None:
        for place, item in enumerate(items):
            text = HOSTILE_TEXTS[place % len(HOSTILE_TEXTS)]
            for each in (item, *(item.get("childMarkets") or ())):
                each.update({name: text for name in _TEXTS if each.get(name)})

    return _edit_items(spoil, edit)


def _same_page_forever(spoil: Spoil) -> Response:
    return _total_huge(replace(spoil, answer=spoil.replay(1)))


def _page_of_10(spoil: Spoil) -> Response:
    """A server that gives ten entries a page, whatever the limit."""
    return spoil.replay(spoil.page, 10)


def _ignored_page(spoil: Spoil) -> Response:
    """A server that knows neither page nor limit: the same 48 entries every time, as the live API once did."""
    return spoil.replay(1, 48)


def _cut_title(spoil: Spoil) -> Response:
    """Titles that were cut in the middle of an emoji: valid JSON, and no valid text."""

    def edit(items: list[Any]) -> None:
        for item in items:
            for each in (item, *(item.get("childMarkets") or ())):
                each.update({name: f"{each[name]} \ud83d" for name in _TITLES if each.get(name)})

    return _edit_items(spoil, edit)


def _with_total(spoil: Spoil, total: object) -> Response:
    return _edit_page(spoil, lambda holder, _: holder.update(total=total))


def _total_zero(spoil: Spoil) -> Response:
    return _with_total(spoil, 0)


def _total_huge(spoil: Spoil) -> Response:
    return _with_total(spoil, HUGE_TOTAL)


def _total_wrong_type(spoil: Spoil) -> Response:
    return _with_total(spoil, _WRONG_TOTALS[spoil.nth % len(_WRONG_TOTALS)])


def _total_random(spoil: Spoil) -> Response:
    return _with_total(spoil, spoil.random.randrange(1_000_000))


CONTENT_FAULTS: dict[str, SpoilFunction] = {
    "missing_result": _missing_result,
    "null_result": _null_result,
    "missing_list": _missing_list,
    "null_list": _null_list,
    "list_is_object": _list_is_object,
    "item_not_object": _item_not_object,
    "missing_fields": _missing_fields,
    "wrong_types": _wrong_types,
    "nan": _bad_numbers(float("nan"), "NaN"),
    "infinite": _bad_numbers(float("inf"), "Infinity", "-Infinity"),
    "negative": _bad_numbers("-5.000000", -5.0),
    "absurd": _bad_numbers("9" * 400, "1e999999", "1e300"),
    "hostile_text": _hostile_text,
    "cut_title": _cut_title,
    "page_of_10": _page_of_10,
    "ignored_page": _ignored_page,
    "same_page_forever": _same_page_forever,
    "total_zero": _total_zero,
    "total_huge": _total_huge,
    "total_random": _total_random,
    "total_wrong_type": _total_wrong_type,
}
