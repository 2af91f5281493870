"""One table says which samplings there are, what each needs and how it can be set."""

import pytest

from segue_core.errors import ConfigError
from segue_core.policy import CAPABILITIES, STREAMING
from segue_core.sampling import OURS, find_sampling, needed_for, served_by
from segue_scheduler import continuation


def test_a_policy_answers_the_samplings_whose_capabilities_it_declares() -> None:
    assert served_by(frozenset()) == ("plain",)
    assert served_by({"gradient_guidance"}) == ("plain", "rtc")
    assert served_by(CAPABILITIES) == tuple(OURS)
    for name in OURS:
        assert name in served_by(needed_for([name]))


def test_capabilities_are_those_of_samplings_and_streaming() -> None:
    assert {each.needs for each in OURS.values()} - {""} | {STREAMING} == CAPABILITIES


def test_every_continuation_asks_for_a_sampling_with_settings_that_it_has() -> None:
    for name in continuation.available():
        method = continuation.create(name, {})
        sampling = find_sampling(method.sampling)
        usual = sampling.options().model_dump()
        assert dict(method.sampling_options) in ({}, usual)
        assert method.requires == needed_for([method.sampling])


def test_a_sampling_that_nobody_has_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="did you mean 'bidirectional'"):
        find_sampling("bidirectonal")
