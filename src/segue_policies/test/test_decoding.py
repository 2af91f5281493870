"""Laws of decoding: an answer comes in parts or at once, and whoever serves it may stop it or see it fail."""

from collections.abc import Iterator

import numpy as np
import pytest

from segue_core.action_space import DUAL_ARM_EE
from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.answering import decode

ROWS = 12


class Dripping:
    """Gives `step` rows at a time and notes what it has decoded; raises `failure` after `good` parts."""

    def __init__(self, step: int = 4, good: int = 99, failure: Exception | None = None) -> None:
        self.step, self.good, self.failure = step, good, failure
        self.decoded: list[int] = []
        self.closed = False

    @property
    def info(self) -> PolicyInfo:
        """A stream of twelve rows."""
        return PolicyInfo(
            "dripping", DUAL_ARM_EE, ROWS, 1, 30.0, (), (16, 16), frozenset({"streaming"}), 0, 0
        )

    def reset(self) -> None:
        """Nothing is kept."""

    def predict(self, request: PredictRequest) -> PredictResult:
        """The last part."""
        return list(self.stream(request))[-1]

    def stream(self, request: PredictRequest) -> Iterator[PredictResult]:
        """Zeros, a few rows at a time."""
        try:
            for index, end in enumerate(range(self.step, ROWS + 1, self.step)):
                if index == self.good:
                    if self.failure:
                        raise self.failure
                    return
                self.decoded.append(end)
                rows = np.zeros((end, DUAL_ARM_EE.dim), dtype=np.float32)
                chunk = ActionChunk(rows, request.start_tick, "dripping", 0, complete=end == ROWS)
                yield PredictResult(chunk)
        finally:
            self.closed = True


def _request() -> PredictRequest:
    zeros = np.zeros((ROWS, DUAL_ARM_EE.dim), np.float32)
    seen = Observation(0, zeros[0], {})
    return PredictRequest(0, 0, "plain", zeros[:, 0], zeros, 0, 0, observations=(seen,))


def test_parts_are_told_as_they_come_and_the_whole_is_the_answer() -> None:
    told: list[int] = []
    answer = decode(Dripping(), _request(), lambda part: told.append(part.chunk.horizon))
    assert told == [4, 8] and answer.chunk.complete and answer.chunk.horizon == ROWS


def test_an_answer_that_is_given_up_is_decoded_no_further() -> None:
    policy = Dripping()
    with pytest.raises(PolicyError, match="'dripping' was told to stop after 4 rows") as error:
        decode(policy, _request(), given_up=lambda: True)
    assert error.value.code is ErrorCode.POLICY_CANCELLED
    assert policy.decoded == [4] and policy.closed


@pytest.mark.parametrize(
    ("failure", "code", "says"),
    [
        (None, ErrorCode.POLICY_FAILED, "its stream ended before the chunk was complete"),
        (ValueError("upset"), ErrorCode.POLICY_FAILED, "ValueError: upset"),
        (MemoryError(), ErrorCode.POLICY_OUT_OF_MEMORY, "found no memory"),
    ],
)
def test_a_stream_that_ends_in_the_middle_is_a_failure_after_the_parts_that_it_gave(
    failure: Exception | None, code: ErrorCode, says: str
) -> None:
    told: list[int] = []
    with pytest.raises(PolicyError, match=says) as error:
        decode(Dripping(good=2, failure=failure), _request(), lambda part: told.append(part.chunk.horizon))
    assert error.value.code is code and told == [4, 8]
