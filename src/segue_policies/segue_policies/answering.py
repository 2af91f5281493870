"""An answer while it is being decoded, for whoever serves a policy."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from segue_core.errors import ErrorCode, PolicyError, SegueError
from segue_core.policy import Policy, PredictRequest, PredictResult, parts


@contextmanager
def errors_of(policy: Policy) -> Iterator[None]:
    """What the policy raises in here becomes POLICY_OUT_OF_MEMORY or POLICY_FAILED, if it is no error of ours yet."""
    name = policy.info.name
    try:
        yield
    except SegueError:
        raise
    except MemoryError as error:
        text = f"policy {name!r} found no memory for an inference"
        raise PolicyError(ErrorCode.POLICY_OUT_OF_MEMORY, text) from error
    except Exception as error:
        text = f"policy {name!r}: {type(error).__name__}: {error}"
        raise PolicyError(ErrorCode.POLICY_FAILED, text) from error


def decode(
    policy: Policy,
    request: PredictRequest,
    tell: Callable[[PredictResult], None] = lambda part: None,
    given_up: Callable[[], bool] = lambda: False,
) -> PredictResult:
    """The whole answer; whatever a policy raises becomes a PolicyError.

    Args:
        tell: called with each part before the whole, as it comes.
        given_up: asked after each part; where nobody waits any more, the policy decodes no further.

    Raises:
        PolicyError: POLICY_CANCELLED, or as `errors_of`; POLICY_FAILED for a stream that ends early, too.
    """
    name = policy.info.name
    with errors_of(policy), closing(parts(policy, request)) as answers:
        for answer in answers:
            if answer.chunk.complete:
                return answer
            tell(answer)
            if given_up():
                text = f"policy {name!r} was told to stop after {answer.chunk.horizon} rows"
                raise PolicyError(ErrorCode.POLICY_CANCELLED, text)
    text = f"policy {name!r}: its stream ended before the chunk was complete"
    raise PolicyError(ErrorCode.POLICY_FAILED, text)
