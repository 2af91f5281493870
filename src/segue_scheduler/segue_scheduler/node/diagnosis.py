"""What the scheduler reports on /diagnostics, once a second."""

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from segue_core.policy import PolicyInfo
from segue_scheduler.node.session import Session
from segue_scheduler.node.watches import TickWatch


def diagnosis(session: Session | None, watch: TickWatch, policy: PolicyInfo | None) -> DiagnosticArray:
    """OK when idle or running well; a warning with starved or skipped ticks; an error when the run has failed."""
    status = DiagnosticStatus(name="scheduler: run", hardware_id="segue")
    values = {"skipped_ticks": watch.skipped, "longest_tick_ms": round(1e3 * watch.longest_s, 1)}
    status.level, status.message = DiagnosticStatus.OK, "idle" if policy else "waiting for a policy"
    if session:
        stats = session.scheduler.stats
        values |= {key: value for key, value in stats.to_dict().items() if isinstance(value, int | float)}
        status.message = str(session.last.phase) if session.last else "starting"
        values["action_age_ticks"] = session.last.age if session.last and session.last.age is not None else -1
        if stats.starved_ticks or watch.skipped:
            status.level = DiagnosticStatus.WARN
            status.message = f"{stats.starved_ticks} starved and {watch.skipped} skipped ticks"
        if session.outcome and session.outcome.code:
            status.level, status.message = DiagnosticStatus.ERROR, session.outcome.reason
    status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticArray(status=[status])
