"""Settings from the environment and the env file, validated before any work begins."""

from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from opinionscope.api_keys import key_digest, split_keys
from opinionscope.errors import ConfigurationError, UsageError
from opinionscope.locations import (
    DATABASE_VARIABLE,
    ENV_FILE_VARIABLE,
    env_file,
    read_environment,
    refused_setting,
)
from opinionscope.shards import Shard
from opinionscope.times import parse_duration

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def _safe_base_url(url: str) -> str:
    """The key is sent to this address, so it must be encrypted or local, and must hide nothing."""
    parts = urlsplit(url.strip())
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password")
    plain = all(character.isprintable() and not character.isspace() for character in url.strip())
    if not parts.hostname or parts.query or parts.fragment or not plain:
        raise ValueError("must be a URL such as https://host/path")
    if not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))):
        raise ValueError("must use https; http is allowed only on the loopback interface")
    if parts.port == 0:
        raise ValueError("must not use port 0")
    return url.strip().rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _plain_path(path: str) -> str:
    if not path.startswith("/") or ".." in path or any(character in path for character in "?#@\\ "):
        raise ValueError("must be a path such as /market")
    return path.rstrip("/")


def _wallet_path(path: str) -> str:
    if path.count("{address}") != 1:
        raise ValueError("must contain {address} exactly once")
    return _plain_path(path)


def _sendable_keys(keys: Any) -> tuple[SecretStr, ...]:
    """A key is sent as an HTTP header, which allows only printable ASCII."""
    texts = split_keys(keys)
    if any(not (text.isascii() and text.isprintable()) or " " in text for text in texts):
        raise ValueError("must be printable ASCII without spaces")
    return tuple(map(SecretStr, texts))


def _duration(text: object) -> object:
    """The duration that a text such as `30m` means; anything else is left to pydantic."""
    if not isinstance(text, str):
        return text
    try:
        return parse_duration(text)
    except UsageError:
        raise ValueError("must be a duration such as 90s, 30m or 2h") from None


def _shard(text: object) -> object:
    return Shard.parse(text) if isinstance(text, str) else text


class Settings(BaseModel):
    """The settings of a run, by the names of their environment variables."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    api_keys: Annotated[tuple[SecretStr, ...], BeforeValidator(_sendable_keys)] = Field(
        (), alias="OPINION_TRADE_API_KEY"
    )
    base_url: Annotated[str, AfterValidator(_safe_base_url)] = Field(
        "https://openapi.opinion.trade/openapi", alias="OPINION_TRADE_BASE_URL"
    )
    markets_path: Annotated[str, AfterValidator(_plain_path)] = Field("/market", alias="OPINION_TRADE_MARKETS_PATH")
    trades_path: Annotated[str, AfterValidator(_wallet_path)] = Field(
        "/trade/user/{address}", alias="OPINION_TRADE_TRADES_PATH"
    )
    positions_path: Annotated[str, AfterValidator(_wallet_path)] = Field(
        "/positions/user/{address}", alias="OPINION_TRADE_POSITIONS_PATH"
    )
    leaderboard_url: Annotated[str, AfterValidator(_safe_base_url)] = Field(
        "https://proxy.opinion.trade:8443/api/bsc/api/v2/leaderboard", alias="OPINION_TRADE_LEADERBOARD_URL"
    )
    rate_limit: float = Field(15, alias="OPINIONSCOPE_RATE_LIMIT", gt=0, le=1000)
    max_attempts: int = Field(3, alias="OPINIONSCOPE_MAX_ATTEMPTS", ge=1, le=10)
    backoff: float = Field(0.5, alias="OPINIONSCOPE_BACKOFF", gt=0, le=60)
    run_budget: float = Field(50, alias="OPINIONSCOPE_RUN_BUDGET", ge=1, le=86_400)
    retention_days: int = Field(90, alias="OPINIONSCOPE_RETENTION_DAYS", ge=1, le=36_500)
    log_retention_days: int = Field(90, alias="OPINIONSCOPE_LOG_RETENTION_DAYS", ge=1, le=36_500)
    longest_gap: Annotated[timedelta, BeforeValidator(_duration)] = Field(
        timedelta(minutes=30), alias="OPINIONSCOPE_LONGEST_GAP", ge=timedelta(minutes=1), le=timedelta(days=7)
    )
    shard: Annotated[Shard | None, BeforeValidator(_shard)] = Field(None, alias="OPINIONSCOPE_SHARD")
    alert_urls: SecretStr | None = Field(None, alias="OPINIONSCOPE_ALERT_URLS")
    alert_after: int = Field(3, alias="OPINIONSCOPE_ALERT_AFTER", ge=1, le=1_000)
    ping_url: SecretStr | None = Field(None, alias="OPINIONSCOPE_PING_URL")

    @classmethod
    def load(cls) -> Self:
        """The settings of this process. Raises ConfigurationError, which names the variable but never its value."""
        given = {name: text for name, text in read_environment().items() if text.strip()}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(_describe(problem) for problem in error.errors(include_input=False))
            raise refused_setting(problems) from None

    @classmethod
    def names(cls) -> set[str]:
        """The names of all variables that mean anything to opinionscope."""
        aliases = {str(field.alias) for field in cls.model_fields.values()}
        return aliases | {DATABASE_VARIABLE, ENV_FILE_VARIABLE}

    @property
    def market_details_path(self) -> str:
        """The path that the details of markets are below. The older path of the list, `/market/list`, is beside it."""
        return self.markets_path.removesuffix("/list")

    @property
    def retention(self) -> timedelta:
        """How long trades are kept."""
        return timedelta(days=self.retention_days)

    @property
    def log_retention(self) -> timedelta:
        """How long the sync log is kept."""
        return timedelta(days=self.log_retention_days)

    @property
    def key_digests(self) -> tuple[str, ...]:
        """The names of the keys, in their order, for files and messages."""
        return tuple(key_digest(key.get_secret_value()) for key in self.api_keys)

    @property
    def rate_limit_of_all_keys(self) -> float:
        """Requests a second with all keys together."""
        return self.rate_limit * max(1, len(self.api_keys))

    def require_api_keys(self) -> tuple[str, ...]:
        """The keys in plain text, for the one header they belong in. Raises ConfigurationError if there are none."""
        if not self.api_keys:
            raise ConfigurationError(
                f"OPINION_TRADE_API_KEY is missing or blank; add OPINION_TRADE_API_KEY=<your key> to {env_file()} "
                "or to the environment."
            )
        return tuple(key.get_secret_value() for key in self.api_keys)


def _describe(problem: "ErrorDetails") -> str:
    variable = problem["loc"][0] if problem["loc"] else "settings"
    return f"{variable}: {problem['msg'].removeprefix('Value error, ')}"
