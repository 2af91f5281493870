"""Reports of recorded runs."""

from segue_eval.report.write import write_run_report

__all__ = ["write_run_report"]
