"""What stops a benchmark on purpose.

BenchmarkError
├── SystemFailed      a service that did not start, or stopped
├── OtherAnswers      systems that do not give the same answers, so that their speeds say nothing
├── ResultsUnusable   results or a README that cannot be added to
├── BrowserMissing    no Chromium to look at the pages with
└── PageFailed        a page that does not show what it should
"""


class BenchmarkError(Exception):
    """Base of all; its message is one sentence that a person can act on."""


class SystemFailed(BenchmarkError):
    """A service that did not answer a picture in time, or whose process ended."""


class OtherAnswers(BenchmarkError):
    """A service whose answers for the same pictures are not those of the first one."""


class ResultsUnusable(BenchmarkError):
    """A file of results of another format, or a README without the place for the tables."""


class BrowserMissing(BenchmarkError):
    """There is no Chromium on this machine."""


class PageFailed(BenchmarkError):
    """A page that did not show the answers in time."""
