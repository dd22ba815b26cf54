import pytest

from muffin_v_chihuahua_ml_service.foreign_errors import for_callers, one_line, without_secrets


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://host/folds", "https://host/folds"),
        ("https://host:8443/folds", "https://host:8443/folds"),
        ("https://host/folds@2/model.json", "https://host/folds@2/model.json"),
        ("models:/folds@champion", "models:/folds@champion"),
        ("https://me:hidden@host/folds", "https://host/folds"),
        ("https://hidden@host/folds", "https://host/folds"),
        ("https://me:hid@den@host/folds", "https://host/folds"),
        ("https://me:hid/den@host/folds", "https://host/folds"),
        ("https://me:/hid@d/en@host:8443/folds", "https://host:8443/folds"),
        ("https://me:hid/den@host/folds?token=hidden", "https://host/folds"),
        ("https://me:hid?den@host/folds", "https://"),
        ("https://host/folds?mail=hid@den", "https://host/folds"),
        ("https://host:8443/folds?mail=hid@den", "https://"),
        ("simplecache::s3://me:hid/den@bucket/folds", "simplecache::s3://bucket/folds"),
    ],
)
def test_of_an_address_its_host_and_path_are_shown(address: str, expected: str) -> None:
    assert without_secrets(address) == expected
    assert one_line(OSError(f"no way to {address} now\n{address}")) == f"no way to {expected} now"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("model.json: the reason.", "model.json: the reason."),
        ("/srv/models/folds/model.json: not JSON (at: /srv).", "model.json: not JSON."),
        ("/srv/my models/folds/model.json: the reason.", "model.json: the reason."),
        ("build/folds/model.json: the reason.", "model.json: the reason."),
        (
            "https://models.internal:8443/folds/model.json: cannot be reached (host='models.internal').",
            "model.json: cannot be reached.",
        ),
        (
            "https://models.internal:8443: on its way; use https://, or a pin.",
            "on its way; use https://, or a pin.",
        ),
        ("models:/folds/3/model.json: the reason.", "model.json: the reason."),
        ("s3://bucket/folds needs a package: pip install it", "folds needs a package: pip install it"),
        (
            "'/srv/folds' is neither a folder nor installed (installed: none).",
            "'folds' is neither a folder nor installed.",
        ),
        ("The model is not there: /srv/folds, and/or gone.", "The model is not there: folds, and/or gone."),
        ("an error that nobody foresaw (KeyError: '/srv')", "an error that nobody foresaw"),
    ],
)
def test_callers_are_told_what_failed_and_why_but_not_where(message: str, expected: str) -> None:
    assert for_callers(message) == expected
