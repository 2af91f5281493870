"""What a RunTask client is told: feedback while it runs, the result at its end."""

from segue_core.errors import WHAT_TO_DO, ErrorCode, SegueError
from segue_interfaces.action import RunTask
from segue_scheduler.node.session import Session
from segue_scheduler.node.watches import TickWatch
from segue_scheduler.tick import Outcome, TickOutput


def feedback(session: Session, output: TickOutput) -> RunTask.Feedback:
    """How the run stands."""
    stats = session.scheduler.stats
    message = RunTask.Feedback(tick=output.tick, phase=str(output.phase), starved_ticks=stats.starved_ticks)
    message.progress = float(output.progress) if output.progress is not None else -1.0
    message.score = float(session.inbox.task.score) if session.inbox.task else 0.0
    message.delay_ticks = max(stats.delays, default=0) if stats.chunks else 0
    message.overlap_rmse = float(stats.overlap_rmse_mean or 0.0)
    return message


def metrics(session: Session, watch: TickWatch) -> dict[str, float]:
    """Numbers of the run; units are in the names."""
    stats = session.scheduler.stats.to_dict()
    numbers = {name: float(value) for name, value in stats.items() if isinstance(value, int | float)}
    if session.scheduler.stats.first_action_ticks is not None:
        numbers["time_to_first_action_s"] = numbers["first_action_ticks"] / session.space.rate_hz
    numbers |= {"skipped_ticks": float(watch.skipped), "longest_tick_ms": 1e3 * watch.longest_s}
    speed = watch.speed(session.space.rate_hz)
    numbers |= {} if speed is None else {"real_time_factor": speed}
    numbers |= session.correction.metrics() if session.correction else {}
    if session.takeovers:  # the other numbers are of the policy's last stretch
        numbers |= {"takeovers": float(session.takeovers), "human_ticks": float(session.human_ticks)}
    return numbers


def result(session: Session, watch: TickWatch, rate_hz: float, cancelled: bool, notes: str) -> RunTask.Result:
    """The result of a run that has its outcome."""
    outcome = session.outcome or Outcome(
        False, "fault", "the run ended without an outcome", ErrorCode.PROCESS_FAILED
    )
    numbers = metrics(session, watch)
    message = RunTask.Result(success=outcome.success, rule=outcome.rule, outcome=_word(outcome, cancelled))
    text, mark, do = outcome.reason.partition(f". {WHAT_TO_DO}")
    message.reason = f"{text} ({notes}){mark}{do}" if notes else outcome.reason
    message.ticks = int(numbers["ticks"]) + session.earlier_ticks + session.human_ticks
    message.duration_s = message.ticks / rate_hz
    message.starved_ticks = int(numbers["starved_ticks"])
    message.score = float(session.inbox.task.score) if session.inbox.task else 0.0
    message.metric_names, message.metric_values = list(numbers), list(numbers.values())
    message.error_code = int(outcome.code)
    message.error_text = SegueError(outcome.code, outcome.reason).advised if outcome.code else ""
    return message


def failure(error: SegueError) -> RunTask.Result:
    """The result of a goal that never ran, or could not be brought to its end."""
    return RunTask.Result(
        outcome="error",
        rule="refused",
        reason=error.carried,
        error_code=int(error.code),
        error_text=str(error),
    )


def _word(outcome: Outcome, cancelled: bool) -> str:
    if outcome.success:
        return "success"
    if outcome.code:
        return "error"
    return "cancelled" if cancelled else "failure"
