"""A visitor's pictures on their way to the service: several at a time, in threads that no page waits for.

The threads know nothing of the page. The page looks at the batch as often as it likes, and that it looks is
how the batch knows that somebody is still there.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic

from muffin_v_chihuahua.answers import Answer, NotSent, ask
from muffin_v_chihuahua.handed_in import HandedIn
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError, ServiceBusy
from muffin_v_chihuahua.language import mark
from muffin_v_chihuahua.memory import give_back

THREADS = 8
BUSY_TRIES = 10
"""How often a picture goes again to a service that has too much to do."""
PATIENCE_S = 60.0
"""After so long without anybody looking, the pictures that wait are forgotten."""


class Left(NotSent):
    """Nobody looked for a while, so the picture was forgotten."""

    sentence = mark("Nobody was on this page for a minute, so this picture was forgotten; give it again.")


@dataclass
class _Task:
    place: int
    picture: HandedIn
    tries: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a batch is: `done` of `total` pictures; the service wants it to wait for `pause_s`."""

    done: int
    total: int
    pause_s: float


class Batch:
    """Asks the service about pictures and keeps what came of each, in the order in which they were given.

    `failure` is what stopped it, if it was not told to stop.

    Args:
        client: asked from several threads at a time.
        threads: how many of them.
        patience_s: how long pictures wait although nobody looks.
        clock: seconds since any moment.
    """

    def __init__(
        self,
        client: InferenceClient,
        threads: int = THREADS,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.failure: InferenceError | None = None
        self._client = client
        self._threads = threads
        self._patience_s = patience_s
        self._clock = clock
        self._changed = threading.Condition()
        self._answers: list[Answer | None] = []
        self._waiting: deque[_Task] = deque()
        self._again: list[_Task] = []  # answered in a way that may be better another time
        self._workers: set[threading.Thread] = set()
        self._watch: threading.Thread | None = None
        self._done = 0
        self._at_work: set[int] = set()  # places
        self._is_stopped = False
        self._go_on_at = 0.0
        self._looked_at = self._clock()

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, pictures: Iterable[HandedIn]) -> None:
        """Take in pictures, and go on with whatever waits."""
        with self._changed:
            added = [_Task(place, picture) for place, picture in enumerate(pictures, start=len(self))]
            self._answers.extend(None for _ in added)
            self._start(added)

    def go_on(self) -> None:
        """Ask about everything that has no answer, or none that is final."""
        with self._changed:
            again, self._again = self._again, []
            for task in again:
                self._answers[task.place] = None
            self._start(again)

    def stop(self) -> None:
        """Begin with no other picture; those that wait go on waiting."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def forget(self) -> None:
        """Stop, and let go of every picture that waits."""
        with self._changed:
            self._waiting.clear()
            self._again.clear()
            self.stop()

    def look(self) -> Progress:
        """How far it is; whoever looks is still there."""
        with self._changed:
            self._looked_at = self._clock()
            pause_s = max(self._go_on_at - self._looked_at, 0)
            return Progress(self._done, self._done + len(self._at_work) + len(self._waiting), pause_s)

    def wait(self, timeout_s: float) -> None:
        """Come back when it has ended, or after so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_running, timeout_s)

    @property
    def is_running(self) -> bool:
        """Whether there will be more answers without anybody doing anything."""
        return bool(self._workers) and not self._is_stopped

    @property
    def may_go_on(self) -> bool:
        """Whether there is something to ask about, for the first time or again."""
        return bool(self._waiting or self._again)

    def answers(self) -> list[tuple[int, Answer]]:
        """What came of the pictures so far, each with its place among all of them, from 0."""
        with self._changed:
            return [(place, answer) for place, answer in enumerate(self._answers) if answer is not None]

    def _start(self, tasks: Iterable[_Task]) -> None:
        if not self._waiting and not self._at_work:
            self._done = 0
        self._waiting.extend(tasks)
        self.failure = None
        self._is_stopped = False
        self._go_on_at = 0.0
        self._looked_at = self._clock()
        for _ in range(min(self._threads - len(self._workers), len(self._waiting))):
            worker = threading.Thread(target=self._work, name="batch", daemon=True)
            self._workers.add(worker)
            worker.start()
        if self._watch is None:
            self._watch = threading.Thread(target=self._wait_for_nobody, name="batch-watch", daemon=True)
            self._watch.start()

    def _work(self) -> None:
        try:
            while task := self._next():
                self._ask_about(task)
        finally:  # the others go on
            self._workers.discard(threading.current_thread())

    def _next(self) -> _Task | None:
        """The picture whose turn it is, once the service may be asked; None when this thread may end."""
        with self._changed:
            while self._waiting and not self._is_stopped:
                pause_s = self._go_on_at - self._clock()
                if pause_s <= 0:
                    task = self._waiting.popleft()
                    self._at_work.add(task.place)
                    return task
                self._changed.wait(pause_s)
            # in the same breath as the look at what waits: what is added from now on needs another thread
            self._workers.discard(threading.current_thread())
            self._changed.notify_all()
            return None

    def _ask_about(self, task: _Task) -> None:
        try:
            answer = ask(self._client, task.picture.read, task.picture.name)
        except InferenceError as error:
            self._put_back(task, error)
        else:
            self._keep(task, answer)
        finally:  # a bug of ours ends this thread; nobody is to wait for it
            self._at_work.discard(task.place)

    def _keep(self, task: _Task, answer: Answer) -> None:
        with self._changed:
            self._at_work.discard(task.place)
            self._done += 1
            self._answers[task.place] = answer
            if not answer.is_final:
                self._again.append(task)

    def _put_back(self, task: _Task, error: InferenceError) -> None:
        """What keeps one picture from an answer keeps the others too: all of them wait."""
        with self._changed:
            self._at_work.discard(task.place)
            self._waiting.appendleft(task)
            task.tries += 1
            if isinstance(error, ServiceBusy) and task.tries <= BUSY_TRIES:
                self._go_on_at = max(self._go_on_at, self._clock() + error.retry_after_s)
            else:
                task.tries = 0
                self.failure = error
                self.stop()

    def _wait_for_nobody(self) -> None:
        """As long as there are pictures here, see to it that somebody is there for them."""
        with self._changed:
            while self._waiting or self._again or self._at_work:
                left_s = self._looked_at + self._patience_s - self._clock()
                if left_s <= 0:
                    self._give_up()
                self._changed.wait(left_s if left_s > 0 else 1)
            self._watch = None
        give_back()

    def _give_up(self) -> None:
        for task in self._waiting:
            self._answers[task.place] = Answer(task.picture.name, None, error=Left())
        self.forget()
