"""What mirroring a session did, and how the process that does it stands meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Mirrored:
    """What mirroring one journal did.

    Attributes:
        failed: the reason in one line when it did not get through.
        parent_missing: the run that was active in the session, where the store does not have it.
        notes: what the store does not support and was left out.
        damage: which lines of the journal are not what was written, and are therefore in no run.
    """

    runs_written: int
    runs_already_there: int
    experiments: tuple[str, ...]
    failed: str | None = None
    parent_missing: str | None = None
    notes: tuple[str, ...] = ()
    damage: str | None = None


@dataclass(frozen=True)
class Order:
    """What a mirroring process is to do.

    Attributes:
        folders: of sessions; the first is the one that is being written, the others have ended.
        uris: the store of each, with credentials.
        parent: the process to end with.
        environment: variables that were set since the mirroring process was started, None for those that are gone.
    """

    folders: tuple[str, ...]
    uris: tuple[str, ...]
    parent: int
    environment: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """How a mirroring process stands at one moment.

    Attributes:
        waited: seconds for which the store, slow or silent, has kept it waiting since the session ended.
        failing: why its last try failed; None when it did not, or when the store has answered since.
        cells: how many cells of the session the store holds.
        done: what it did, at its end.
    """

    waited: float = 0.0
    failing: str | None = None
    cells: int = 0
    done: Mirrored | None = None


def later(folder: Path) -> str:
    """What is to be done when MLflow does not hold a session."""
    return f"nothing is lost, `mlexp sync` writes it from the journal {folder}"
