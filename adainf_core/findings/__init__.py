"""What the book says of its studies: numbers for prose, figures, tables, captions and alt texts."""

from adainf_core.evidence.judging.claims import CONFIDENCE, MARGIN
from adainf_core.evidence.judging.verdicts import Outcome, outcome_of
from adainf_core.evidence.published import HEADLINE, PUBLISHED
from adainf_core.evidence.runs.scales import current_scale
from adainf_core.evidence.studies.gap_experiment import at_least
from adainf_core.findings.benchmarks import SweptToy, benchmark, coverage_rows, recovered
from adainf_core.findings.captions import caption
from adainf_core.findings.choices import ChoiceFindings
from adainf_core.findings.escaping import escaped
from adainf_core.findings.findings import Findings
from adainf_core.findings.first_page import answer_cards, recipes_figure
from adainf_core.findings.forests import alt_text, forest, short_name
from adainf_core.findings.gaps import GapFindings
from adainf_core.findings.ledgers import (
    again_table,
    count_table,
    distinct_runs,
    ledger_table,
    published_table,
    registration_table,
    verdict_counts,
)
from adainf_core.findings.rates import rates_table
from adainf_core.findings.telling import (
    NOT_DECIDED,
    brief,
    holds,
    in_full,
    inside,
    phrase,
    points,
    published,
    said,
    tell,
)
from adainf_core.findings.transfers import TransferFindings
