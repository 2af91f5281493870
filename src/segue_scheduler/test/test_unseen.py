"""Laws of what is told about observations that are missing."""

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from segue_core.errors import ErrorCode, PerceptionError
from segue_ros import perception_status

SILENT = PerceptionError(ErrorCode.FRAME_STALE, "camera 'front' is silent")


def _said(values: dict[str, str], name: str = perception_status.NAME) -> DiagnosticArray:
    pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticArray(status=[DiagnosticStatus(name=name, values=pairs)])


def test_the_reason_of_perception_and_its_code_reach_whoever_lacks_observations() -> None:
    unseen = perception_status.Unseen()
    unseen.hear(_said(dict(perception_status.told(SILENT))))
    why = unseen.because("no observation for 16 ticks")
    assert (why.code, why.text) == (SILENT.code, "no observation for 16 ticks: camera 'front' is silent")


def test_a_reason_that_is_over_is_not_told_any_more() -> None:
    unseen = perception_status.Unseen()
    unseen.hear(_said(dict(perception_status.told(SILENT))))
    unseen.hear(_said(dict(perception_status.told(None))))
    assert unseen.because("no observation").code is ErrorCode.STATE_MISSING


def test_what_others_say_is_no_reason_and_an_unknown_code_harms_nobody() -> None:
    unseen = perception_status.Unseen()
    for code in ("", "x", "10", "999999999999999999999", "301"):
        unseen.hear(_said({"error_code": code}))
    unseen.hear(_said(dict(perception_status.told(SILENT)), name="camera driver"))
    assert unseen.fault is None
