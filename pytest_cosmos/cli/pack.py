"""`pytest-cosmos pack SUITE --out DIR`: the training and validation splits as a data set for training code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from pytest_cosmos.engines.known_models import FILE_NAME
from pytest_cosmos.engines.models import Located, locate
from pytest_cosmos.errors import OptionError, suggest
from pytest_cosmos.finetune.cosmos_rl import Training
from pytest_cosmos.finetune.examples import TRAINABLE
from pytest_cosmos.finetune.new_folder import MEDIA_MODES, MediaMode
from pytest_cosmos.finetune.pack import Packing, pack
from pytest_cosmos.finetune.packed import Format, PackRecord
from pytest_cosmos.prompting import FAMILIES, Family, family_of
from pytest_cosmos.suites import MANIFEST, find_suites, read_suite
from pytest_cosmos.tiny import CHECKPOINT


def command(
    suite: Annotated[str, typer.Argument(help="A suite's folder, or its name below cases/")],
    out: Annotated[Path, typer.Option(help="The new folder; one that is not empty is refused")],
    model: Annotated[
        str, typer.Option(help="Whose prompts and replies: a name as pytest's --model takes it")
    ] = "reason2",
    family: Annotated[str, typer.Option(help="How it is asked: reason1, reason2, generic; default: by the model")] = "",
    form: Annotated[
        list[str] | None,
        typer.Option("--format", help="jsonl, llava or hf; repeatable; default: all that can be written"),
    ] = None,
    media: Annotated[str, typer.Option(help="copy, hardlink or symlink")] = "copy",
    toml: Annotated[bool, typer.Option("--toml", help="Write configurations of cosmos-rl, too: full and LoRA")] = False,
    gpus: Annotated[int, typer.Option(help="Of --toml: GPUs that share the weights", min=1)] = 4,
    root: Annotated[Path, typer.Option(help="The project, where cases/ and models.yaml lie")] = Path(),
) -> None:
    """Pack the training and validation splits of a suite as images or videos, prompts and replies."""
    formats = tuple(cast(Format, one_of("--format", name, get_args(Format))) for name in form or ())
    mode = cast(MediaMode, one_of("--media", media, MEDIA_MODES))
    located = locate(model, models_file(root))
    found = read_suite(suite_folder(suite, root), split=TRAINABLE[0], decode=TRAINABLE)
    training = Training(hub_model(located), located.revision, gpus) if toml else None
    packing = Packing(model, family_named(family, located), formats, mode, training)
    for line in told(pack(found, out, packing), out):
        typer.echo(line)


def one_of(option: str, value: str, allowed: Sequence[str]) -> str:
    """Return the value of an option, if it is one of those allowed; OptionError if not."""
    if value not in allowed:
        raise OptionError(f"{option} {value}: unknown. Allowed: {', '.join(allowed)}.{suggest(value, allowed)}")
    return value


def models_file(root: Path) -> Path | None:
    """Return the project's models.yaml, where it has one."""
    return root / FILE_NAME if (root / FILE_NAME).is_file() else None


def suite_folder(name: str, root: Path) -> Path:
    """Return the folder of a suite, given it or its name; OptionError where there is no such suite."""
    known = find_suites(root / "cases")
    if name in known:
        return known[name]
    if Path(name).is_dir() or "/" in name:
        return Path(name)
    names = ", ".join(known) or "none"
    raise OptionError(
        f"suite {name}: there is no folder {root / 'cases' / name} with a {MANIFEST}. Suites: {names}."
        f"{suggest(name, tuple(known))}"
    )


def family_named(name: str, located: Located) -> Family:
    """Return how a model is asked: as named, as known, or by its config's `model_type`."""
    if name:
        return FAMILIES[one_of("--family", name, tuple(FAMILIES))]
    if located.known.family in FAMILIES:
        return FAMILIES[located.known.family]
    if located.hub:
        raise OptionError(
            f"--model {located.name}: how it is asked is not known before its weights are here. Say so: --family "
            f"NAME. Families: {', '.join(FAMILIES)}."
        )
    try:
        config = json.loads((Path(located.path_or_id) / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise OptionError(f"--model {located.name}: its config.json cannot be read: {error}.") from None
    return FAMILIES[family_of(str(config.get("model_type")))]


def hub_model(located: Located) -> str:
    """Return what cosmos-rl is to load; OptionError for the embedded model."""
    if located.path_or_id == str(CHECKPOINT):
        raise OptionError(
            f"--toml: cosmos-rl does not train the embedded model {located.name}. Name another, e.g. --model reason2, "
            "or leave --toml out."
        )
    return located.path_or_id


def told(record: PackRecord, out: Path) -> list[str]:
    """Say what was written, and what was not."""
    lines = [
        f"{split}: {counts.cases:,} records of {counts.samples:,} samples, {counts.with_reasoning:,} with reasoning"
        for split, counts in record.splits.items()
    ]
    lines += [f"{split}: no cases" for split in TRAINABLE if split not in record.splits]
    lines += [f"not written: {form}: {why}" for form, why in record.left_out.items()]
    return [*lines, f"{out}: {', '.join(record.formats)}, worded for {record.family}; see its README.md"]
