"""What M1 and M2 find in the private tables of the controls, and what they must."""

from __future__ import annotations

import numpy as np

from synthgen.findings import Finding, Inputs, Subjects
from synthgen.privacy.controls.private_tables import (
    DATA_DOMAIN,
    FALSE_BOOKS,
    NEVER_DRAWN,
    NOT_DIVIDED,
    UNBOUNDED,
    PrivateTables,
    private_schema,
)
from synthgen.privacy.distinguishing_audit import MEASURE as AUDIT
from synthgen.privacy.distinguishing_audit import WHOLE, finding_of
from synthgen.privacy.privacy_accounting import MEASURE as ACCOUNTING
from synthgen.privacy.privacy_accounting import privacy_accounting

#: Measures that must fail each fault, all of them.
REASONS: dict[str, frozenset[str]] = {
    NOT_DIVIDED: frozenset({ACCOUNTING, AUDIT}),
    FALSE_BOOKS: frozenset({AUDIT}),
    DATA_DOMAIN: frozenset({ACCOUNTING, AUDIT}),
    UNBOUNDED: frozenset({AUDIT}),
    NEVER_DRAWN: frozenset({ACCOUNTING, AUDIT}),
}


def private_findings(
    tables: PrivateTables, records: Subjects, rng: np.random.Generator
) -> list[Finding]:
    """Findings about a private tabulation: its pack and ledger, and its code.

    Parameters
    ----------
    tables : PrivateTables
    records : Subjects
        Of invented patients, whose pack is looked at.
    rng : numpy.random.Generator
    """
    import pandas as pd

    pack = tables.pack(records, rng)
    nobody = Subjects(pd.DataFrame(), (), ())
    inputs = Inputs(
        schema=private_schema(),
        cohort={},
        synthetic=nobody,
        train=None,
        control=None,
        pack=pack,
        model=None,
        population=None,
        refit=None,
        keys=(),
        secrets=(),
        strata=(),
        k_min=1,
    )
    found = privacy_accounting(inputs, rng)
    return [*found, finding_of(WHOLE, tables.audit(rng), tables.ledger().noise)]
