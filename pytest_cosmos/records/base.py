"""What all records share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1

UNPARSED = "(unparsed)"
"""Column of a confusion matrix: the model replied, no answer could be found."""

ERROR = "(error)"
"""Column of a confusion matrix: the model did not reply."""


class Record(BaseModel):
    """Immutable, and closed: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
