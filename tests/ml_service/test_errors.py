import inspect
import re

from muffin_v_chihuahua_ml_service import errors
from muffin_v_chihuahua_ml_service.serving.answers import STATUSES

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
ALL = [kind for kind in CLASSES if issubclass(kind, errors.MLServiceError)]


def test_there_is_one_tree_of_errors_and_the_docstring_draws_it() -> None:
    drawn = re.findall(r"^ {4}[│ ]*(?:[├└]── )?(\w+)", errors.__doc__ or "", flags=re.MULTILINE)

    assert ALL == CLASSES
    assert sorted(drawn) == sorted(kind.__name__ for kind in ALL)


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in ALL]

    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[a-z_]+", code) for code in codes)


def test_every_error_that_a_caller_can_cause_has_a_status() -> None:
    callers = {kind for kind in ALL if issubclass(kind, errors.RejectedPicture)} - {errors.RejectedPicture}

    assert callers <= STATUSES.keys()
    assert all(400 <= STATUSES[kind] < 500 for kind in callers)
