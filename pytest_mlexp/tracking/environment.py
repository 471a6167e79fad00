"""What a session ran on: interpreter, packages, git, machine, thread pools, accelerators, settings.

Captured once a session. The digest names what the numbers can depend on besides the code of the blocks,
which has fingerprints of its own.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pytest_mlexp.provenance.libraries.contents import content
from pytest_mlexp.provenance.libraries.packages import named, normal
from pytest_mlexp.tracking.git import GitState, git_state
from pytest_mlexp.tracking.machine import Accelerator, Machine, ThreadPool, accelerators, machine, thread_pools
from pytest_mlexp.tracking.origins import origin
from pytest_mlexp.tracking.place import Place, checkout, place
from pytest_mlexp.tracking.secrets import is_secret_name, redact_command, redact_value

#: Set where a session is another one's reproduction: says which.
REPRODUCES = "MLEXP_REPRODUCES"

#: Environment variables that can change a result. A name that ends in ``*`` stands for all that begin so.
RESULT_VARIABLES = (
    "PYTHONHASHSEED",
    "PYTHONOPTIMIZE",
    "OMP_*",
    "KMP_*",
    "GOMP_*",
    "MKL_*",
    "OPENBLAS_*",
    "BLIS_*",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMBA_DISABLE_JIT",
    "NUMBA_CPU_NAME",
    "NPY_*",
    "LOKY_MAX_CPU_COUNT",
    "SKLEARN_*",
    "SCIPY_ARRAY_API",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "NVIDIA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "PYTORCH_*",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TF_DETERMINISTIC_OPS",
    "TF_CUDNN_DETERMINISTIC",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "XLA_FLAGS",
    "JAX_ENABLE_X64",
    "JAX_PLATFORMS",
    "JAX_DEFAULT_MATMUL_PRECISION",
)

#: Libraries set these when they are imported; they change no result.
SET_BY_LIBRARIES = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")

#: Environment variables that say which CI or cluster job this is.
JOB_VARIABLES = (
    "CI",
    "GITHUB_ACTIONS",
    "GITHUB_REPOSITORY",
    "GITHUB_WORKFLOW",
    "GITHUB_JOB",
    "GITHUB_SHA",
    "GITHUB_REF",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_RUN_ATTEMPT",
    "GITLAB_CI",
    "CI_PROJECT_PATH",
    "CI_COMMIT_SHA",
    "CI_COMMIT_REF_NAME",
    "CI_PIPELINE_ID",
    "CI_JOB_ID",
    "CI_JOB_URL",
    "BUILD_TAG",
    "BUILD_URL",
    "BUILD_BUILDID",
    "BUILDKITE_BUILD_ID",
    "BUILDKITE_JOB_ID",
    "CIRCLE_WORKFLOW_ID",
    "CIRCLE_BUILD_NUM",
    "SLURM_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    REPRODUCES,
)


@dataclass(frozen=True)
class Environment:
    """Everything around the code that a result can depend on, and what started the session.

    Attributes:
        packages: normalised distribution name -> version, sorted.
        thread_pools: what was loaded at capture, thus not part of the digest.
        variables: the allow-listed environment variables that can change a result.
        job: the allow-listed environment variables that name the CI or cluster job.
        command: the command line without its secrets.
        origins: of the packages that no index gave, where they came from.
        contents: of the packages that no index gave, what they are besides their version: ``git c0ffee``.
        place: where in the checkout the session ran, and how Python was started.
        digest: hash, 16 hexadecimal digits, of everything here that can change a result. Left out are the
            checkout (the code of the blocks has its own fingerprints, and a commit to a README changes no
            number), thread pools (they differ with what was imported before the capture, and follow from
            packages, cores and variables), the size of memory, a Linux kernel's release, job and command.
    """

    python: str
    implementation: str
    platform: str
    packages: dict[str, str]
    git: GitState
    machine: Machine
    thread_pools: tuple[ThreadPool, ...]
    accelerators: tuple[Accelerator, ...]
    variables: dict[str, str]
    job: dict[str, str]
    command: tuple[str, ...]
    digest: str = ""
    origins: dict[str, str] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    place: Place = field(default_factory=Place)

    def __post_init__(self) -> None:
        if not self.digest:
            object.__setattr__(self, "digest", _digest(self))

    @property
    def requirements(self) -> str:
        """The packages as the text of a requirements.txt."""
        return "".join(f"{name}=={version}\n" for name, version in self.packages.items())


def capture(root: Path, command: Sequence[str]) -> Environment:
    """Capture the environment of this process; ``root`` is a folder of the checkout to describe.

    Secrets in the command line, the remote, the diff and the variables are left out. What cannot be found
    out is empty or None.
    """
    packages, origins, contents = _packages(checkout(root))
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        platform=platform.platform(),
        packages=packages,
        git=git_state(root),
        machine=machine(),
        thread_pools=thread_pools(),
        accelerators=accelerators(),
        variables=result_variables(os.environ),
        job=_allowed(os.environ, JOB_VARIABLES),
        command=redact_command(command),
        origins=origins,
        contents=contents,
        place=place(root),
    )


def _digest(environment: Environment) -> str:
    on = environment.machine
    decisive = {
        "python": [environment.python, environment.implementation],
        "packages": environment.packages,
        **({"contents": environment.contents} if environment.contents else {}),
        "machine": [on.system, on.architecture, on.base, on.cpu],
        "cores": [on.physical_cores, on.logical_cores, on.usable_cores],
        "accelerators": environment.accelerators,
        "variables": environment.variables,
    }
    return hashlib.sha256(msgspec.json.encode(decisive, order="deterministic")).hexdigest()[:16]


def _packages(top: Path) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Name -> version of every distribution, and of those that no index gave name -> origin, name -> content."""
    found: dict[str, str] = {}
    origins: dict[str, str] = {}
    contents: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name, version = named(distribution)
        if not name or not version:
            continue
        key = normal(name)
        if key not in found:  # the first on the path is the one that is imported
            found[key] = version
            if (source := origin(distribution, top)) is not None:
                origins[key] = source
                contents |= {key: what} if (what := content(distribution)) else {}
    return dict(sorted(found.items())), dict(sorted(origins.items())), dict(sorted(contents.items()))


def result_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of the environment variables that can change a result, without secrets."""
    asked = {name: value for name, value in variables.items() if name not in SET_BY_LIBRARIES}
    return _allowed(asked, RESULT_VARIABLES)


def _allowed(variables: Mapping[str, str], allowed: Sequence[str]) -> dict[str, str]:
    exact = {name for name in allowed if not name.endswith("*")}
    prefixes = tuple(name[:-1] for name in allowed if name.endswith("*"))
    return {
        name: redact_value(value)
        for name, value in sorted(variables.items())
        if (name in exact or name.startswith(prefixes)) and not is_secret_name(name)
    }
