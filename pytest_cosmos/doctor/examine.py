"""The way through: facts are asked for side by side, then every check says what it makes of them."""

from __future__ import annotations

import os
import platform
from functools import partial

from pytest_cosmos.doctor import facts
from pytest_cosmos.doctor.endpoint import SECONDS, Answer, ask_models, check_endpoint
from pytest_cosmos.doctor.facts import Later
from pytest_cosmos.doctor.finding import Finding
from pytest_cosmos.doctor.hardware import check_gpu, check_memory
from pytest_cosmos.doctor.software import check_python, check_torch, check_transformers, check_video
from pytest_cosmos.doctor.weights import check_access, check_disk, check_login, check_weights
from pytest_cosmos.engines.endpoint_address import Address, read_key
from pytest_cosmos.engines.known_models import TINY
from pytest_cosmos.engines.models import Access, Located, ask_access
from pytest_cosmos.engines.transformers_probe import Probe, probe_libraries

_PATIENCE = 2 * SECONDS
"""Time limits of the network do not cover all of it: looking a name up, or a server that sends a byte a second."""


def examine(located: Located) -> tuple[Finding, ...]:
    """Check whether this machine can run a model."""
    here = facts.look_at_weights(located)
    libraries = Later(partial(probe_libraries, here.model_type), Probe(problem="torch cannot be asked"))
    nobody: tuple[Access, str] = ("unknown", f"no answer within {_PATIENCE:.0f} seconds")
    access = None if here.here or not located.hub else Later(partial(ask_access, located), nobody)
    driver, token, video = facts.ask_driver(), facts.has_token(), facts.try_video()
    probe = libraries.answer()
    wanted, known = located.name != TINY, located.known
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return (
        _python(),
        check_torch(probe, facts.requirement("torch")),
        check_transformers(probe, facts.requirement("transformers"), here.model_type),
        check_gpu(probe, driver, wanted=wanted, hidden=hidden),
        check_memory(probe, driver, facts.machine_memory(), here.expected, known.memory_gb),
        check_weights(here),
        check_disk(here, facts.free_disk()),
        check_login(here, token=token),
        check_access(here, access.answer(_PATIENCE) if access else nobody),
        check_video(video),
    )


def examine_endpoint(address: Address, wanted: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    """Check whether an endpoint can be asked from here; `wanted`: the names of the model, any of which will do."""
    key = read_key()
    nobody = Answer(address.url, problem=f"no whole answer within {_PATIENCE:.0f} seconds")
    answer = Later(partial(ask_models, address, key), nobody)
    video = facts.try_video()
    return _python(), check_video(video), check_endpoint(answer.answer(_PATIENCE), wanted, key=bool(key))


def _python() -> Finding:
    return check_python(platform.python_version(), f"{platform.system()} {platform.machine()}", facts.required_python())
