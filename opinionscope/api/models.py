"""The answers of the exchange, validated: what is not used is ignored, what is needed and missing is refused.

Source: the vendor's developer guide ("Opinion Open API") and recorded answers of the live API, which go beyond it
("Split" and "Merge" trades, categorical parents that stay "Created", children without a type). Numbers come as
strings of up to 18 fraction digits; they stay exact (`Decimal`) here.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import core_schema

LARGEST_AMOUNT = Decimal(10) ** 15
LAST_SECOND = 253_402_300_799

_NUMBER = r"^[+-]?([0-9]{1,80}(\.[0-9]{0,80})?|\.[0-9]{1,80})([eE][+-]?[0-9]{1,3})?$"
_NO_NUMBER = "a finite number is expected"
_is_number = re.compile(_NUMBER).fullmatch

MARKET_STATUSES = {1: "created", 2: "activated", 3: "resolving", 4: "resolved", 5: "failed", 6: "deleted"}
CREATED = 1
_PENDING, _FILLED = 1, 2
SIDES = {"BUY": "BUY", "SELL": "SELL", "SPLIT": "SPLIT", "MERGE": "MERGE"}


def _blank_to_none(value: Any) -> Any:
    return None if value == "" else value


def _no_id(value: Any) -> Any:
    """0, in whatever spelling, and the empty string stand for no id."""
    is_none = not value.strip("0") if isinstance(value, str) else type(value) is int and value == 0
    return None if is_none else value


def _number(value: Any) -> Any:
    """Only numbers and their texts in ASCII digits; pydantic would also take booleans, "1_000" and "1e-999999999"."""
    if isinstance(value, str):
        if _is_number(value) or not value:
            return value or None
        raise ValueError(_NO_NUMBER)
    if isinstance(value, bool):
        raise ValueError("a number is expected")
    return value


def _side(value: Any) -> Any:
    return SIDES.get(value.upper(), value) if isinstance(value, str) else value


def _lower_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _no_moment(value: Any) -> Any:
    value = _number(value)
    return None if value in (0, "0") else value


class _InPlainDigits:
    """What `_number` does, for the many numbers that are decimal: as a schema it takes a third of the time."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        digits = core_schema.str_schema(pattern=_NUMBER)
        number = core_schema.custom_error_schema(digits, custom_error_type="number", custom_error_message=_NO_NUMBER)
        return core_schema.chain_schema([number, handler(source)])


# The limits stand before the validator: behind it, pydantic would check them in Python, which takes twice as long.
Amount = Annotated[Decimal, Field(ge=0, le=LARGEST_AMOUNT, allow_inf_nan=False), _InPlainDigits()]
_Signed = Annotated[Decimal, Field(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT, allow_inf_nan=False), _InPlainDigits()]
_Seconds = Annotated[int, Field(ge=1, le=LAST_SECOND)]
_Moment = Annotated[_Seconds, BeforeValidator(_number)]

OptionalAmount = Annotated[Amount | None, BeforeValidator(_blank_to_none)]
OptionalSigned = Annotated[_Signed | None, BeforeValidator(_blank_to_none)]
_OptionalCode = Annotated[Annotated[int, Field(ge=0, le=1_000)] | None, BeforeValidator(_number)]
Id = Annotated[str, Field(pattern=r"^0*[1-9][0-9]*$", max_length=32)]
"""Whole numbers or digits; never 0, which stands for none."""
OptionalId = Annotated[Id | None, BeforeValidator(_no_id)]
Text = Annotated[str | None, BeforeValidator(_blank_to_none)]
OptionalMoment = Annotated[_Seconds | None, BeforeValidator(_no_moment)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, coerce_numbers_to_str=True)


class _OfMarket(_Model):
    """Something that belongs to an outcome of a market, and names both."""

    market_id: Id = Field(alias="marketId")
    market_title: Text = Field(None, alias="marketTitle")
    root_market_id: OptionalId = Field(None, alias="rootMarketId")
    root_market_title: Text = Field(None, alias="rootMarketTitle")
    outcome: Text = None

    @property
    def full_title(self) -> str | None:
        """A title that makes sense by itself: an option's ("↑ 100,000") means nothing without the question."""
        root = self.root_market_title
        if root and self.market_title and root != self.market_title:
            return f"{root}: {self.market_title}"
        return self.market_title or root


class Trade(_OfMarket):
    """A trade. `amount` is in the quote token; `created_at` is in unix seconds, UTC.

    Splits and merges may come without a price, and with shares that are blank or 0, as users of the live API report:
    `tokens` is the number of shares then too.
    """

    tx_hash: str = Field(alias="txHash", min_length=1, max_length=256)
    side: Annotated[Literal["BUY", "SELL", "SPLIT", "MERGE"], BeforeValidator(_side)]
    outcome_side: _OptionalCode = Field(None, alias="outcomeSide")
    price: OptionalAmount = None
    shares: OptionalAmount = None
    amount: Amount
    fee: OptionalSigned = None
    profit: OptionalSigned = None
    quote_token: Text = Field(None, alias="quoteToken")
    chain_id: Text = Field(None, alias="chainId")
    created_at: _Moment = Field(alias="createdAt")
    status: _OptionalCode = None

    @model_validator(mode="after")
    def _has_price_and_shares(self) -> Self:
        if (self.price is None or self.shares is None) and self.side in ("BUY", "SELL"):
            raise ValueError("price and shares are required")
        return self

    @property
    def is_pending(self) -> bool:
        """Whether it may still be filled."""
        return self.status == _PENDING

    @property
    def is_filled(self) -> bool:
        """Whether it took place: the vendor's other statuses are cancelled, failed and failed on chain."""
        return self.status is None or self.status == _FILLED

    @property
    def tokens(self) -> Decimal:
        """The number of shares; of a split or merge that gives none, its amount: a share of each outcome costs 1."""
        if self.side in ("SPLIT", "MERGE"):
            return self.shares or self.amount
        return self.shares or Decimal(0)


class Position(_OfMarket):
    """What a wallet holds of one outcome. `value` and `unrealized` are in the quote token, the exchange's own figures.

    Shares that an open order has set aside are `frozen`; whether `shares` includes them is not documented.
    """

    outcome_side: Annotated[int, Field(ge=1, le=2), BeforeValidator(_number)] = Field(alias="outcomeSide")
    shares: Amount = Field(alias="sharesOwned")
    frozen: OptionalAmount = Field(None, alias="sharesFrozen")
    value: OptionalAmount = Field(None, alias="currentValueInQuoteToken")
    unrealized: OptionalSigned = Field(None, alias="unrealizedPnl")
    claim_status: Text = Field(None, alias="claimStatusEnum")


class RankedWallet(_Model):
    """A place on the leaderboard. `figure` is what the list is ordered by, in the quote token."""

    address: Annotated[str, BeforeValidator(_lower_case), Field(alias="walletAddress", pattern=r"^0x[0-9a-f]{40}$")]
    name: Text = Field(None, alias="userName")
    figure: _Signed = Field(alias="rankingValue")


class Market(_Model):
    """A market of the list or of a detail. Moments are unix seconds, UTC; None where upstream says 0."""

    market_id: Id = Field(alias="marketId")
    title: str = Field(alias="marketTitle")
    status: Annotated[int, Field(ge=1, le=6), BeforeValidator(_number)]
    market_type: Annotated[int | None, BeforeValidator(_number)] = Field(None, alias="marketType")
    children: list[Any] | None = Field(None, alias="childMarkets")
    labels: list[str] | None = None
    yes_label: Text = Field(None, alias="yesLabel")
    no_label: Text = Field(None, alias="noLabel")
    yes_token_id: Text = Field(None, alias="yesTokenId")
    no_token_id: Text = Field(None, alias="noTokenId")
    result_token_id: Text = Field(None, alias="resultTokenId")
    volume: OptionalAmount = None
    volume_24h: OptionalAmount = Field(None, alias="volume24h")
    volume_7d: OptionalAmount = Field(None, alias="volume7d")
    quote_token: Text = Field(None, alias="quoteToken")
    chain_id: Text = Field(None, alias="chainId")
    slug: Text = None
    rules: Text = None
    created_at: OptionalMoment = Field(None, alias="createdAt")
    cutoff_at: OptionalMoment = Field(None, alias="cutoffAt")
    resolved_at: OptionalMoment = Field(None, alias="resolvedAt")
