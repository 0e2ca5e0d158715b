"""Judging passes and lowerings on the program at hand: validation and bisecting."""

from tiledsl.testing.validation.bisecting import Finding, bisect_function
from tiledsl.testing.validation.deferred_copies import DeferredCopies
from tiledsl.testing.validation.pass_validator import PassValidator, validator
from tiledsl.testing.validation.samples import CannotSample, Sample, generate_sample

__all__ = [
    "CannotSample",
    "DeferredCopies",
    "Finding",
    "PassValidator",
    "Sample",
    "bisect_function",
    "generate_sample",
    "validator",
]
