import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from time import monotonic, sleep

import pytest
from PIL import Image

from muffin_v_chihuahua.answers import InternalError, NotSent
from muffin_v_chihuahua.batch import BUSY_TRIES, Batch, Left
from muffin_v_chihuahua.handed_in import HandedIn
from muffin_v_chihuahua.inference_client import (
    InferenceClient,
    InferenceError,
    Rejected,
    ServiceBusy,
    ServiceNotReady,
    ServiceTimeout,
    ServiceUnreachable,
    UnexpectedAnswer,
)
from muffin_v_chihuahua.wire import Model, Prediction, Score

ADDRESS = "http://service:8000"


class FakeClient(InferenceClient):
    """Answers with what was told for the file's name, once each; else with a prediction."""

    def __init__(self) -> None:
        self.errors: dict[str, list[Exception]] = {}
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()
        self._others = set(threading.enumerate())

    @property
    def threads(self) -> list[threading.Thread]:
        """Those of the batches which ask this client."""
        here = set(threading.enumerate()) - self._others
        return [thread for thread in here if thread.name.startswith("batch")]

    def predict(self, picture: bytes, filename: str) -> Prediction:
        assert picture
        with self._lock:
            self.asked.append(filename)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.gate.wait(10)
        with self._lock:
            self.at_once -= 1
            if errors := self.errors.get(filename):
                raise errors.pop(0)
        return Prediction("01K", "bun", (Score("bun", 0.9),), Model("m", "1"), {})


def picture() -> bytes:
    packed = BytesIO()
    Image.new("RGB", (8, 8), "tan").save(packed, "PNG")
    return packed.getvalue()


def without_palette() -> bytes:
    """A PNG of mode P, less its chunk PLTE: length, name, data, checksum."""
    packed = BytesIO()
    Image.new("P", (8, 8)).save(packed, "PNG")
    content = packed.getvalue()
    begin = content.index(b"PLTE") - 4
    return content[:begin] + content[begin + 12 + int.from_bytes(content[begin : begin + 4]) :]


def pictures(*names: str) -> list[HandedIn]:
    content = picture()
    return [HandedIn(name, lambda: content) for name in names]


def eventually(is_so: Callable[[], object], within_s: float = 10) -> None:
    deadline = monotonic() + within_s
    while not is_so():
        assert monotonic() < deadline
        sleep(0.005)


def ended(batch: Batch) -> Batch:
    eventually(lambda: not batch.is_running)
    return batch


def errors_in(batch: Batch) -> list[object]:
    return [answer.error and type(answer.error) for _, answer in batch.answers()]


def names_in(batch: Batch) -> list[str]:
    return [answer.name for _, answer in batch.answers()]


@pytest.fixture
def client() -> Iterator[FakeClient]:
    client = FakeClient()
    yield client
    client.gate.set()
    eventually(lambda: not client.threads)  # nothing of a batch is left behind


@pytest.fixture
def batch(client: FakeClient) -> Iterator[Batch]:
    batch = Batch(client, threads=4)
    yield batch
    batch.forget()


def test_answers_stand_in_the_order_in_which_pictures_were_given(batch: Batch) -> None:
    names = [f"{number}.png" for number in range(50)]
    batch.add(pictures(*names))
    ended(batch)
    assert names_in(batch) == names
    assert [place for place, _ in batch.answers()] == list(range(50))
    assert all(answer.thumbnail and answer.prediction for _, answer in batch.answers())
    assert not batch.may_go_on
    assert len(batch) == 50


def test_a_bounded_number_of_pictures_is_under_way_at_once(batch: Batch, client: FakeClient) -> None:
    client.gate.clear()
    batch.add(pictures(*map(str, range(20))))
    eventually(lambda: client.at_once == 4)
    assert batch.look().done == 0
    assert batch.look().total == 20
    client.gate.set()
    ended(batch)
    assert client.most_at_once == 4
    assert batch.look().done == batch.look().total == 20


def test_what_is_added_while_it_runs_is_asked_about_too(batch: Batch, client: FakeClient) -> None:
    client.gate.clear()
    batch.add(pictures("a", "b"))
    batch.add(pictures("c"))
    assert batch.look().total == 3
    client.gate.set()
    ended(batch)
    assert names_in(batch) == ["a", "b", "c"]
    batch.add(pictures("d"))
    assert batch.look().total == 1  # a new count: the others are done with
    ended(batch)
    assert client.asked[-1] == "d"


def test_one_name_twice_is_two_pictures(batch: Batch) -> None:
    batch.add(pictures("a", "a"))
    assert names_in(ended(batch)) == ["a", "a"]


@pytest.mark.parametrize("error", [Rejected(ADDRESS, "No."), UnexpectedAnswer(ADDRESS)])
def test_a_bad_picture_fails_alone(batch: Batch, client: FakeClient, error: InferenceError) -> None:
    client.errors["b"] = [error]
    batch.add(pictures("a", "b", "c"))
    assert errors_in(ended(batch)) == [None, type(error), None]
    assert batch.failure is None


def test_a_picture_that_cannot_be_read_fails_alone_and_is_not_sent(batch: Batch, client: FakeClient) -> None:
    def read() -> bytes:
        raise NotSent

    batch.add([*pictures("a"), HandedIn("b", read), *pictures("c")])
    assert errors_in(ended(batch)) == [None, NotSent, None]
    assert sorted(client.asked) == ["a", "c"]


def test_what_may_be_better_another_time_can_be_asked_again(batch: Batch, client: FakeClient) -> None:
    client.errors["b"] = [UnexpectedAnswer(ADDRESS)]
    batch.add(pictures("a", "b"))
    ended(batch)
    assert batch.may_go_on
    batch.go_on()
    assert errors_in(ended(batch)) == [None, None]
    assert sorted(client.asked) == ["a", "b", "b"]
    assert not batch.may_go_on


def test_a_busy_service_is_obeyed_by_all_threads_and_the_picture_goes_again(
    batch: Batch, client: FakeClient
) -> None:
    for name in "0123":
        client.errors[name] = [ServiceBusy(ADDRESS, retry_after_s=0.4)]
    client.gate.clear()
    batch.add(pictures(*map(str, range(12))))
    eventually(lambda: client.at_once == 4)
    client.gate.set()
    eventually(lambda: batch.look().pause_s and not client.at_once)
    sleep(0.1)
    assert len(client.asked) == 4
    assert errors_in(ended(batch)) == [None] * 12
    assert client.asked.count("0") == 2
    assert not batch.look().pause_s


def test_a_service_that_stays_busy_is_a_failure_in_the_end(batch: Batch, client: FakeClient) -> None:
    client.errors["a"] = [ServiceBusy(ADDRESS, retry_after_s=0.01) for _ in range(BUSY_TRIES + 1)]
    batch.add(pictures("a"))
    ended(batch)
    assert isinstance(batch.failure, ServiceBusy)
    assert len(client.asked) == BUSY_TRIES + 1
    assert not batch.answers()
    batch.go_on()
    assert errors_in(ended(batch)) == [None]
    assert batch.failure is None


@pytest.mark.parametrize("kind", [ServiceUnreachable, ServiceTimeout, ServiceNotReady])
def test_a_service_that_is_gone_stops_it_and_the_rest_waits(
    client: FakeClient, kind: type[InferenceError]
) -> None:
    batch = Batch(client, threads=1)
    client.errors["c"] = [kind(ADDRESS)]
    batch.add(pictures(*"abcdef"))
    ended(batch)
    assert isinstance(batch.failure, kind)
    assert names_in(batch) == ["a", "b"]
    assert batch.may_go_on
    batch.go_on()
    assert errors_in(ended(batch)) == [None] * 6
    assert client.asked == [*"abc", *"cdef"]
    assert (batch.look().done, batch.look().total) == (6, 6)  # it went on counting where it had stopped


def test_it_stops_while_it_runs_and_goes_on(batch: Batch, client: FakeClient) -> None:
    client.gate.clear()
    batch.add(pictures(*map(str, range(20))))
    eventually(lambda: client.at_once == 4)
    batch.stop()
    assert not batch.is_running  # at once: nobody waits for those under way
    client.gate.set()
    eventually(lambda: len(batch.answers()) == 4)  # but their answers count
    assert batch.failure is None
    batch.go_on()
    assert len(ended(batch).answers()) == 20
    assert len(client.asked) == 20


def test_it_stops_in_a_pause_too(batch: Batch, client: FakeClient) -> None:
    client.errors["a"] = [ServiceBusy(ADDRESS, retry_after_s=30)]
    batch.add(pictures("a"))
    eventually(lambda: batch.look().pause_s)
    batch.stop()
    eventually(lambda: len(client.threads) == 1, within_s=2)  # the one that sees to it that somebody is there
    batch.go_on()
    assert errors_in(ended(batch)) == [None]


def test_pictures_are_let_go_of_when_they_are_answered_and_when_they_are_forgotten(
    batch: Batch, client: FakeClient
) -> None:
    client.errors["b"] = [ServiceUnreachable(ADDRESS)]
    batch.add(pictures(*"abc"))
    ended(batch)
    eventually(lambda: not batch._at_work)
    held = {task.picture.name for task in batch._waiting}  # inside: that it holds nothing else is the point
    assert "a" not in held
    assert "b" in held
    batch.forget()
    assert not batch._waiting
    assert not batch.may_go_on
    eventually(lambda: not client.threads, within_s=2)


def test_nobody_looks_so_the_pictures_that_wait_are_forgotten(client: FakeClient) -> None:
    batch = Batch(client, threads=1, patience_s=1.5)
    client.gate.clear()
    client.errors["a"] = [UnexpectedAnswer(ADDRESS)]
    batch.add(pictures(*"abc"))
    eventually(lambda: len(batch.answers()) == 2)
    assert not batch.is_running
    client.gate.set()
    eventually(lambda: not client.threads)
    assert client.asked == ["a"]
    assert errors_in(batch) == [UnexpectedAnswer, Left, Left]
    assert not batch.may_go_on


def test_as_long_as_somebody_looks_the_pictures_wait(client: FakeClient) -> None:
    now = 1000.0
    batch = Batch(client, threads=1, patience_s=60, clock=lambda: now)
    client.errors["a"] = [ServiceUnreachable(ADDRESS)]
    batch.add(pictures("a"))
    ended(batch)
    now += 59
    batch.look()
    now += 59
    batch.stop()  # has it see what time it is
    sleep(0.05)
    assert batch.may_go_on
    now += 2
    batch.stop()
    eventually(lambda: not batch.may_go_on)
    assert errors_in(batch) == [Left]


def test_an_unforeseen_error_is_its_pictures_sentence_and_ends_no_thread(
    client: FakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    def read() -> bytes:
        raise ZeroDivisionError

    client.errors = {"b": [KeyError("b")], "c": [MemoryError()]}
    batch = Batch(client, threads=1)
    batch.add([HandedIn("a", read), *pictures("b", "c", "d")])
    assert errors_in(ended(batch)) == [InternalError] * 3 + [None]
    assert not batch.failure
    assert not batch.may_go_on  # an answer that could not be read may have been recorded
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [
        ZeroDivisionError,
        KeyError,
        MemoryError,
    ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_of_the_batch_itself_does_not_keep_it_running(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_keep", lambda *_: 1 / 0)  # inside: no picture gets there
    batch.add(pictures("a"))
    ended(batch)
    assert batch.look().total == 0


def test_a_palette_picture_without_its_palette_is_answered_and_not_shown(
    batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    content = without_palette()
    batch.add([*pictures("a"), *(HandedIn(str(number), lambda: content) for number in range(8))])
    answers = [answer for _, answer in ended(batch).answers()]
    assert all(answer.prediction for answer in answers)
    assert [bool(answer.thumbnail) for answer in answers] == [True] + [False] * 8
    assert len(caplog.records) == 8


def test_whoever_waits_for_the_end_is_told_of_it_and_not_kept_longer(client: FakeClient) -> None:
    client.gate.clear()
    batch = Batch(client)
    batch.add(pictures("a"))
    batch.wait(0.01)
    assert batch.is_running
    client.gate.set()
    batch.wait(10)
    assert not batch.is_running
    assert names_in(batch) == ["a"]
