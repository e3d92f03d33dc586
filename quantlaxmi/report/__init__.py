"""Reports: what the gates found, in a file that cannot be changed unseen."""

from quantlaxmi.report.binding import bind_report, binding_faults, chain_in
from quantlaxmi.report.compare import Comparison, compare_reports
from quantlaxmi.report.differences import Difference
from quantlaxmi.report.gate_report import GateReport, load_report
from quantlaxmi.report.judged_rows import judged_rows
from quantlaxmi.report.run_gates import report_of, run_gates
from quantlaxmi.report.verify import ReportCheck, verify_report

__all__ = [
    "Comparison",
    "Difference",
    "GateReport",
    "ReportCheck",
    "bind_report",
    "binding_faults",
    "chain_in",
    "compare_reports",
    "judged_rows",
    "load_report",
    "report_of",
    "run_gates",
    "verify_report",
]
