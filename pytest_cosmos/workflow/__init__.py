"""Test, fine-tune if needed, test again, decide: one command that goes on wherever it was stopped."""

from __future__ import annotations

from pytest_cosmos.workflow.running import Finished, Workflow, run_workflow

__all__ = ["Finished", "Workflow", "run_workflow"]
