"""Settings that come with a request."""

from __future__ import annotations

from segue_core.contracts.base import ModelT, StrictModel, parse_model
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.policy import PredictRequest


class NoOptions(StrictModel):
    """For methods that have none."""


def read_options(request: PredictRequest, model: type[ModelT]) -> ModelT:
    """The request's options as `model`.

    Raises:
        PolicyError: POLICY_BAD_REQUEST naming the option and what is allowed.
    """
    try:
        return parse_model(dict(request.options), model, f"options of {request.method}")
    except ConfigError as error:
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, error.text) from error
