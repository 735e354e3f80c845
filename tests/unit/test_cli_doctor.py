"""`pytest-cosmos doctor`: how it looks, what it exits with, and the real command on this machine."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pytest_cosmos.cli.doctor import as_data, conclusion, exit_code, presentable, print_findings
from pytest_cosmos.doctor.finding import Finding, failed, passed, warned
from tests.unit.http_servers import server

FINDINGS = (
    passed("torch", "2.14.1+cu132, built for CUDA 13.2"),
    warned("memory", "16 GB on the GPU, 16 GB of it free; its publisher asks for 24 GB", "If memory runs out: fewer."),
    failed(
        "weights",
        "nvidia/Cosmos-Reason2-2B: not on this machine",
        "Accept its terms on its Hugging Face page, then:\nhf auth login && hf download nvidia/Cosmos-Reason2-2B",
    ),
)

GOLDEN = """\
Can this machine run --model reason2?

  pass  torch    2.14.1+cu132, built for CUDA 13.2
  warn  memory   16 GB on the GPU, 16 GB of it free; its publisher asks for 24
                 GB
                 -> If memory runs out: fewer.
  fail  weights  nvidia/Cosmos-Reason2-2B: not on this machine
                 -> Accept its terms on its Hugging Face page, then:
                    hf auth login && hf download nvidia/Cosmos-Reason2-2B

No: 1 check failed, 1 warning.
"""


def rendered(
    findings: tuple[Finding, ...], width: int = 80, title: str = "Can this machine run --model reason2?"
) -> str:
    file = io.StringIO()
    print_findings(title, findings, Console(file=file, width=width, highlight=False, markup=False, emoji=False))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def test_how_it_looks() -> None:
    assert rendered(FINDINGS) == GOLDEN


def test_it_is_no_wider_than_can_be_read() -> None:
    assert rendered(FINDINGS, 300) == rendered(FINDINGS, 100)
    assert max(map(len, rendered(FINDINGS, 60).splitlines())) <= 60


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    text = rendered((warned("endpoint", "serves \x1b[2J[red]x[/red]\u202e", "\x07[bold]:bomb:"),), title="\x1b]0;x")
    assert "serves \\x1b[2J[red]x[/red]\\u202e" in text
    assert "-> \\x07[bold]:bomb:" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("findings", "code", "word"),
    [
        (FINDINGS[:1], 0, "Yes."),
        (FINDINGS[:2], 0, "Yes, with 1 warning."),
        (FINDINGS, 1, "No: 1 check failed, 1 warning."),
    ],
)
def test_what_it_comes_to(findings: tuple[Finding, ...], code: int, word: str) -> None:
    assert exit_code(findings) == code
    assert conclusion(findings)[0] == word
    assert as_data("reason2", findings)["ok"] is (code == 0)


def test_the_home_folder_is_not_told() -> None:
    home = str(Path.home())
    told = presentable(warned("weights", f"{home}/ckpt: incomplete", f"Look into {home}/ckpt"))
    assert (told.found, told.advice) == ("~/ckpt: incomplete", "Look into ~/ckpt")


class Doctor:
    """The real command, in a folder and with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *args: str, **environment: str) -> tuple[int, str, str]:
        usual = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        done = subprocess.run(
            [sys.executable, "-c", "from pytest_cosmos.cli import main; main()", "doctor", *args],
            cwd=self.folder,
            env={**usual, "HF_HOME": str(self.folder / "hf"), "HF_HUB_OFFLINE": "1", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(tmp_path)


def statuses(report: str) -> dict[str, str]:
    return {finding["name"]: finding["status"] for finding in json.loads(report)["findings"]}


def test_this_machine_can_run_the_embedded_model(doctor: Doctor) -> None:
    code, out, err = doctor()
    assert (code, err) == (0, ""), out
    assert out.startswith("Can this machine run --model tiny?\n")
    for line in ("tiny: here and whole", "knows qwen3_vl", "decoded 4 frames", "no Hugging Face token, none needed"):
        assert line in out


def test_a_model_whose_weights_are_missing(doctor: Doctor) -> None:
    code, out, _ = doctor("--model", "reason2", "--json")
    assert code == 1
    found = statuses(out)
    assert (found["weights"], found["login"], found["access"]) == ("fail", "fail", "warn")
    assert (found["torch"], found["transformers"], found["video"]) == ("pass", "pass", "pass")
    assert "HF_HUB_OFFLINE is set" in out


def test_a_name_of_the_project_a_token_and_a_driver_that_is_too_old(doctor: Doctor) -> None:
    """A stand-in for nvidia-smi: the torch of this machine is really asked."""
    (doctor.folder / "models.yaml").write_text("mine: {repository: acme/mine, gated: true, download_gb: 1000000}\n")
    fake = doctor.folder / "bin" / "nvidia-smi"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\n[ $# = 0 ] && echo "CUDA Version: 11.8" || echo "NVIDIA A100, 40960, 520.61.05"\n')
    fake.chmod(0o755)
    path = f"{fake.parent}{os.pathsep}{os.environ['PATH']}"
    code, out, err = doctor("--json", "--model", "mine", PATH=path, HF_TOKEN="hf_verysecretverysecret")
    found = statuses(out)
    assert code == 1
    assert (found["GPU"], found["login"], found["weights"], found["disk"]) == ("fail", "pass", "fail", "fail")
    assert "NVIDIA A100, driver 520.61.05 (CUDA 11.8)" in out
    assert "acme/mine: not on this machine" in out
    assert "verysecret" not in out + err


def test_mistakes_of_the_user_are_told_as_ever(doctor: Doctor) -> None:
    code, _, err = doctor("--model", "raeson2")
    assert (code, err.startswith("ERROR: --model raeson2: there is no model of that name.")) == (4, True)
    (doctor.folder / "models.yaml").write_text("tiny: {folder: x}\n")
    code, _, err = doctor()
    assert (code, err) == (4, "ERROR: models.yaml:1: model 'tiny' is the embedded model. Choose another name\n")


def test_an_endpoint(doctor: Doctor) -> None:
    with server('{"data": [{"id": "nvidia/Cosmos-Reason2-2B"}]}') as (url, heard):
        code, out, _ = doctor("--endpoint", f"{url}/v1", "--model", "reason2", COSMOS_API_KEY="sk-secret")
    assert (code, heard[0][1]["Authorization"]) == (0, "Bearer sk-secret")
    assert "serves nvidia/Cosmos-Reason2-2B" in out
    assert "sk-secret" not in out
    code, out, _ = doctor("--endpoint", f"{url}/v1", "--json")
    assert (code, statuses(out)["endpoint"]) == (1, "fail")
    assert json.loads(out)["model"] == ""
