"""A sample of mutated documents (`tests/documents/fuzz.py` runs as many as asked)."""

from __future__ import annotations

from tests.documents.fuzz import fault, mutants

SAMPLE = 600
SEED = 20261127


def test_mutated_documents_are_judged_or_refused() -> None:
    faults = [
        f"{mutant.base}: {mutant.what}: {said}"
        for mutant in mutants(SAMPLE, SEED)
        if (said := fault(mutant)) is not None
    ]
    assert not faults
