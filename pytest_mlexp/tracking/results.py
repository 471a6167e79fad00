"""What a cell found, without when and how fast: two records with the same digest tell the same."""

from __future__ import annotations

import hashlib

import msgspec

from pytest_mlexp.records import CellRecord, to_dict


def result_digest(record: CellRecord) -> str:
    """Hash, 16 hexadecimal digits, of what was measured, with what and on what."""
    found = {
        "metrics": {name: summary.values for name, summary in record.metrics.items()},
        "dataset": record.dataset.digest,
        "params": [record.params, record.model_parameters],
        "trials": [record.seeds, record.splits],
        "fingerprints": record.fingerprints,
        "error": record.error,
    }
    return hashlib.blake2b(msgspec.json.encode(to_dict(found), order="sorted"), digest_size=8).hexdigest()
