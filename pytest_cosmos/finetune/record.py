"""What a training run was made of and came to: finetune.json beside the adapter."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, StrictStr, ValidationError

from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.records import SCHEMA_VERSION, ModelRecord, Record

FILE = "finetune.json"


class Epoch(Record):
    """One line of the table; epoch 0 is the base before any training."""

    epoch: int
    train_loss: float | None = None
    """Mean over the epoch's steps, of which each token counts as much as the recipe says; None before any."""
    val_loss: float
    """Mean over all tokens of the replies, each of which counts alike."""
    val_accuracy: float
    """By generation, judged as in the benchmark; an unparsed answer is wrong."""
    by_category: dict[StrictStr, float] = Field(default_factory=dict)
    """The same accuracy, category by category."""
    recall: float | None = None
    """Share of the hazards that were found; None: too few cases are hazards to tell."""
    score: float = 0.0
    """What the best epoch has most of."""

    @property
    def watched(self) -> dict[str, float]:
        """What is not to be lost in training: the accuracy of each category, and the recall."""
        return self.by_category | ({} if self.recall is None else {"recall": self.recall})


class Plan(Record):
    """What is trained on what: all that decides the result. checkpoints/plan.json, while training runs."""

    schema_version: int = SCHEMA_VERSION
    base: ModelRecord
    suite: StrictStr
    suite_digest: StrictStr
    """SHA-256 over its label files."""
    trained_on: dict[StrictStr, dict[StrictStr, tuple[StrictStr, ...]]]
    """Suite -> split -> hashes of the media that training (`train`) and the choice of an epoch (`validation`) see."""
    suite_path: StrictStr = ""
    """The suite's folder, relative to the project: there a comparison looks for copies of what was trained on."""
    test_media: tuple[StrictStr, ...] = ()
    """Hashes of the media of its test split: the leak guard has found none of them to be such a copy."""
    examples: dict[StrictStr, int]
    """By split; of `train` those of one epoch, after mixing and balancing."""
    masks: StrictStr = ""
    """SHA-256 over the masks that variations spare; empty: there are none."""
    reasoned: int = 0
    """Examples of one epoch that teach reasoning."""
    recipe: Recipe
    versions: dict[StrictStr, StrictStr] = Field(default_factory=dict)


class Finetune(Plan):
    """A training run that is over: finetune.json, beside the adapter."""

    adapted: tuple[StrictStr, ...]
    """The layers that were adapted, by their full names."""
    parameters: int
    """How many numbers were trained."""
    epochs: tuple[Epoch, ...]
    best: int
    """The epoch whose adapter this is."""
    stopped_early: bool
    seconds: float
    """Training and validation; of a resumed run since its last start."""
    finished: StrictStr
    """ISO 8601, UTC."""

    @property
    def helped(self) -> bool:
        """Whether the best epoch beats the base on the validation split."""
        chosen = next(epoch for epoch in self.epochs if epoch.epoch == self.best)
        return chosen.score > self.epochs[0].score


def read_finetune(adapter: Path) -> Finetune | None:
    """Read what an adapter was made of; None where it is not one of ours. OptionError: the record is broken."""
    path = adapter / FILE
    if not path.is_file():
        return None
    try:
        return Finetune.model_validate_json(path.read_bytes())
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise OptionError(f"{path}: no record of a training run: {where}: {error.errors()[0]['msg']}") from None
