"""What stops a benchmark on purpose.

BenchmarkError
├── SystemFailed      a service that did not start, or stopped
├── OtherAnswers      systems that do not give the same answers, so that their speeds say nothing
└── ResultsUnusable   results or a README that cannot be added to
"""


class BenchmarkError(Exception):
    """Base of all; its message is one sentence that a person can act on."""


class SystemFailed(BenchmarkError):
    """A service that did not answer a picture in time, or whose process ended."""


class OtherAnswers(BenchmarkError):
    """A service whose answers for the same pictures are not those of the first one."""


class ResultsUnusable(BenchmarkError):
    """A file of results of another format, or a README without the place for the tables."""
