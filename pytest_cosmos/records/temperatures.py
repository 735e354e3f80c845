"""Temperatures by which confidences are scaled, and to what they belong."""

from __future__ import annotations

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import SCHEMA_VERSION, Record
from pytest_cosmos.records.runs import ModelRecord, Temperature


class TemperatureFile(Record):
    """What `pytest-cosmos calibrate` writes: temperatures, and the model, adapter and prompts they were fitted on."""

    schema_version: int = SCHEMA_VERSION
    model: StrictStr
    """As named when it was asked."""
    engine: StrictStr
    fingerprint: StrictStr = ""
    adapter: StrictStr = ""
    adapter_fingerprint: StrictStr = ""
    run: StrictStr = ""
    """The run of the validation split that they were fitted on."""
    temperatures: tuple[Temperature, ...] = Field(min_length=1)

    @property
    def label(self) -> str:
        """The model in words: its name, its adapter, the start of its fingerprints."""
        return _label(self.model, self.fingerprint, self.adapter, self.adapter_fingerprint)

    def misfit(self, model: ModelRecord) -> str:
        """Say to which two models the file and the replies belong; empty where it is the same one.

        A model without a fingerprint, as a server's, is known by its engine and name alone.
        """
        own = (self.engine, self.fingerprint or self.model, self.adapter_fingerprint or self.adapter)
        asked = (model.engine, model.fingerprint or model.name, model.adapter_fingerprint or model.adapter)
        if own == asked:
            return ""
        other = _label(model.name, model.fingerprint, model.adapter, model.adapter_fingerprint)
        return f"it was fitted on {self.label} ({self.engine}), but asked is {other} ({model.engine})"


def _label(name: str, fingerprint: str, adapter: str, adapter_fingerprint: str) -> str:
    shown = f"{name} {fingerprint[:12]}".strip()
    return f"{shown} with adapter {adapter} {adapter_fingerprint[:12]}".strip() if adapter else shown
