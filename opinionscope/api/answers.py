"""From bytes to validated items: the envelope in both its spellings, lists and details.

Documented: `{"code": 0, "msg": …, "result": …}`; live: `{"errno": 0, "errmsg": …, "result": …}`; with the older
paths: `{"data": […]}`. An application error comes with HTTP 200, a number other than 0 and `result: null`.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from opinionscope.api.failures import failure_of, printable
from opinionscope.api.models import Trade
from opinionscope.errors import ApiUnavailable, BadAnswer
from opinionscope.text import valid_text

LONGEST_LIST = 1_000
CLOCK_TOLERANCE = timedelta(days=1)
_LONGEST_NUMBER = 400
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_DESCRIBED_PROBLEMS = 3
_LARGEST_TOTAL = 10**15

Item = TypeVar("Item", bound=BaseModel)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list. `total` is upstream's count of the whole list; None where the answer has none.

    `length` counts all entries, `problems` describes those that could not be read; the others are `items`. Answers of
    the same bytes have the same `digest`; it is empty where nobody asked for it.
    """

    items: list[Item]
    total: int | None
    length: int
    problems: list[str]
    digest: bytes = b""


class UnreadPage(NamedTuple):
    """One page of a list whose entries are not validated. `total` is as in `Page`."""

    entries: list[Any]
    total: int | None


def read_result(body: bytes) -> Any:
    """The `result` of a successful answer. Raises the ApiError that the answer stands for."""
    answer = _parse(body)
    if not isinstance(answer, dict):
        raise BadAnswer(f"the answer is a JSON {type(answer).__name__}, not an object")
    if "errno" not in answer and "code" not in answer:
        if isinstance(answer.get("data"), list):
            return {"list": answer["data"], "total": answer.get("total")}
        raise BadAnswer("the answer has neither errno nor code: not an answer of this API")
    for number, message in (("errno", "errmsg"), ("code", "msg")):
        if number in answer and str(answer[number]) != "0":
            raise failure_of(answer[number], str(answer.get(message) or ""))
    if answer.get("result") is None and isinstance(answer.get("data"), list):
        return {"list": answer["data"], "total": answer.get("total")}
    return answer.get("result")


def read_page(result: Any, model: type[Item], digest: bytes = b"") -> Page[Item]:
    """The items of a list result. Raises BadAnswer where there is no list at all: that is never "no data"."""
    entries, total = read_list(result)
    items, problems = read_items(entries, model)
    return Page(items, total, len(entries), problems, digest)


def read_list(result: Any) -> UnreadPage:
    """The entries of a list result, not validated. Raises BadAnswer like `read_page`."""
    if not isinstance(result, dict) or "list" not in result:
        raise BadAnswer("the result has no list")
    entries, total = result["list"], _count(result.get("total"))
    if entries is None:
        entries = []
    if not isinstance(entries, list):
        raise BadAnswer(f"the list is a JSON {type(entries).__name__}")
    if not (total is None or (type(total) is int and 0 <= total <= _LARGEST_TOTAL)):
        raise BadAnswer("the total of the list is not a count")
    _check_length(entries)
    return UnreadPage(entries, total)


def without_future(page: Page[Trade], exchange_time: float) -> Page[Trade]:
    """The page without trades that are dated after that time (unix seconds), and would count as recent for ever."""
    latest = exchange_time + CLOCK_TOLERANCE.total_seconds()
    kept = [trade for trade in page.items if trade.created_at <= latest]
    if len(kept) == len(page.items):
        return page
    problems = [
        printable(f"item {trade.tx_hash}: createdAt: {trade.created_at} is in the future")
        for trade in page.items
        if trade.created_at > latest
    ]
    return replace(page, items=kept, problems=page.problems + problems)


def _count(total: Any) -> Any:
    """A count that came as digits is one, as all other numbers of this API."""
    return int(total) if isinstance(total, str) and total.isascii() and total.isdecimal() and len(total) < 20 else total


def read_items(entries: list[Any], model: type[Item]) -> tuple[list[Item], list[str]]:
    """The entries that can be read, and a description of each that cannot. Raises BadAnswer if they are too many."""
    _check_length(entries)
    items, problems = list[Item](), list[str]()
    for entry in entries:
        try:
            items.append(model.model_validate(entry))
        except ValidationError as error:
            problems.append(_describe(entry, error))
    return items, problems


def _check_length(entries: list[Any]) -> None:
    if len(entries) > LONGEST_LIST:
        raise BadAnswer(f"the list has {len(entries)} entries")


def read_detail(result: Any, model: type[Item]) -> Item:
    """The object of a detail answer, which is in `result.data`. Raises BadAnswer if it cannot be read."""
    data = result.get("data", result) if isinstance(result, dict) else result
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise BadAnswer(_describe(data, error)) from None


def _parse(body: bytes) -> Any:
    """The JSON in the answer, with all its texts valid. Raises ApiUnavailable where the answer is cut off."""
    text = body.decode(json.detect_encoding(body), "replace").strip()
    try:
        document = _load(text)
        return _with_valid_texts(document) if _ESCAPED_SURROGATE.search(text) else document
    except (ValueError, RecursionError) as error:
        failure = ApiUnavailable if _is_cut_off(text, error) else BadAnswer
        raise failure(f"the answer is no JSON ({len(body)} bytes: {printable(repr(body[:60]))})") from None


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # Python refuses to read integers of thousands of digits. A look at each one costs as much as a fifth of the
        # reading, so there is none before that happens.
        return json.loads(text, parse_int=_whole_number)


def _whole_number(digits: str) -> int | str:
    """The number; digits that Python would refuse to read stay text, so that they cost their item and not the page."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _with_valid_texts(value: Any) -> Any:
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, list):
        return [_with_valid_texts(item) for item in value]
    if isinstance(value, dict):
        return {valid_text(name): _with_valid_texts(item) for name, item in value.items()}
    return value


def _is_cut_off(text: str, error: Exception) -> bool:
    """Whether the text can be the beginning of an answer."""
    if not text:
        return True
    at_the_end = isinstance(error, json.JSONDecodeError) and error.pos >= len(text)
    return text.startswith("{") and (at_the_end or not text.endswith("}"))


def _describe(entry: Any, error: ValidationError) -> str:
    name = "an item"
    if isinstance(entry, dict):
        identity = entry.get("txHash") or entry.get("marketId")
        name = printable(f"item {identity}") if isinstance(identity, str | int) else name
    problems = error.errors(include_input=False, include_url=False)
    details = [f"{'.'.join(map(str, problem['loc'])) or 'it'}: {problem['msg']}" for problem in problems]
    return printable(f"{name}: {'; '.join(details[:_DESCRIBED_PROBLEMS])}")
