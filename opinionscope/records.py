"""Frozen values, and the one way in which they become JSON documents."""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast, get_args, get_type_hints

from opinionscope.times import from_text, to_millis_text, to_seconds_text


@dataclass(frozen=True)
class Conversion:
    """How a column becomes a field, and a field becomes JSON."""

    from_column: Callable[[Any], Any]
    to_json: Callable[[Any], Any]


Seconds = Annotated[datetime, Conversion(from_text, to_seconds_text)]
"""A time that is written to the second."""
Millis = Annotated[datetime, Conversion(from_text, to_millis_text)]
"""A time that is written to the millisecond."""
Flag = Annotated[bool, Conversion(bool, bool)]
Texts = Annotated[tuple[str, ...], Conversion(lambda text: tuple(json.loads(text)), list)]
"""A JSON array of strings."""
JsonText = Annotated[str, Conversion(str, json.loads)]
"""A JSON document, kept as text."""

INTERNAL = {"internal": True}
"""Metadata of a field that is not part of the JSON document."""


@dataclass(frozen=True)
class Record:
    """A value with named fields. Times are aware, UTC."""

    @classmethod
    def document_names(cls) -> tuple[str, ...]:
        """The names in its JSON document, in their order."""
        return tuple(field.name for field in fields(cls) if not field.metadata.get("internal"))

    def as_document(self) -> dict[str, Any]:
        """The value as JSON shows it, under the names of its fields."""
        return {
            field.name: _to_json(getattr(self, field.name), conversion)
            for field, conversion in zip(fields(self), conversions_of(type(self)), strict=True)
            if not field.metadata.get("internal")
        }


def conversions_of(record: type[Record]) -> tuple[Conversion | None, ...]:
    """The conversion of each field, in order; None for a field that needs none."""
    return _conversions_of(cast(Hashable, record))


@cache
def _conversions_of(record: Any) -> tuple[Conversion | None, ...]:
    hints = get_type_hints(record, include_extras=True)
    return tuple(_find_conversion(hints[field.name]) for field in fields(record))


def _find_conversion(hint: Any) -> Conversion | None:
    """The conversion in an annotation such as `Seconds` or `Seconds | None`."""
    if isinstance(hint, Conversion):
        return hint
    return next((found for part in get_args(hint) if (found := _find_conversion(part))), None)


def _to_json(value: Any, conversion: Conversion | None) -> Any:
    if conversion is not None:
        return None if value is None else conversion.to_json(value)
    if isinstance(value, Record):
        return value.as_document()
    if isinstance(value, list | tuple):
        return [_to_json(item, None) for item in value]
    return str(value) if isinstance(value, Path) else value
