import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from muffin_v_chihuahua.settings import InvalidSettings, base_url, load_settings


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("localhost", "http://localhost:8000"),
        ("ml_web-service", "http://ml_web-service:8000"),
        (" ml-service ", "http://ml-service:8000"),
        ("ml-service:9000", "http://ml-service:9000"),
        ("10.0.0.7", "http://10.0.0.7:8000"),
        ("10.0.0.7:80", "http://10.0.0.7:80"),
        ("[::1]", "http://[::1]:8000"),
        ("[fe80::1]:9000", "http://[fe80::1]:9000"),
        ("http://ml-service", "http://ml-service:8000"),
        ("http://ml-service:80/", "http://ml-service:80"),
        ("https://example.org", "https://example.org"),
        ("https://example.org:8443", "https://example.org:8443"),
        ("https://[::1]/models/muffin/", "https://[::1]/models/muffin"),
        ("HTTPS://Example.ORG/Models", "https://example.org/Models"),
        ("example.org/models", "http://example.org:8000/models"),
    ],
)
def test_inference_host_takes_a_host_a_port_or_a_whole_url(written: str, asked: str) -> None:
    assert base_url(written) == asked


def test_the_readme_shows_the_forms_of_inference_host_as_they_are() -> None:
    readme = (Path(__file__).parents[2] / "frontend" / "README.md").read_text("utf-8")
    forms = re.findall(r"^\| `(\S+)` \| `(https?://\S+)`", readme, re.MULTILINE)
    assert len(forms) == 6
    assert all(base_url(written) == asked for written, asked in forms)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("ftp://ml-service", "not a scheme"),
        ("https://", "no host name"),
        (":8000", "no host name"),
        ("ml service", "no host name"),
        ("::1", "in brackets"),
        ("fe80::1:8000", "in brackets"),
        ("ml-service:port", "[Pp]ort"),
        ("ml-service:70000", "[Pp]ort"),
        ("ml-service:0", "[Pp]ort"),
        ("[::1", "Invalid"),
        ("a..b", "no host name"),
        ("a" * 64, "no host name"),
        ("http://me:secret@ml-service", "all that an address may have"),
        ("http://ml-service?model=a", "all that an address may have"),
        ("http://ml-service#a", "all that an address may have"),
    ],
)
def test_inference_host_that_is_no_address_is_refused_with_the_reason(written: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        base_url(written)


def test_without_any_variable_the_service_is_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("INFERENCE_HOST", "GALLERY_DIR", "INFERENCE_TIMEOUT_S"):
        monkeypatch.delenv(variable, raising=False)
    settings = load_settings()
    assert settings.inference_url == "http://localhost:8000"
    assert settings.gallery_dir is None
    assert settings.inference_timeout_s == 10


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE_HOST", "")
    assert load_settings().inference_url == "http://localhost:8000"


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_no_time_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("INFERENCE_TIMEOUT_S", value)
    with pytest.raises(InvalidSettings, match="INFERENCE_TIMEOUT_S: Input should be"):
        load_settings()


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE_HOST", "ftp://x")
    monkeypatch.setenv("INFERENCE_TIMEOUT_S", "soon")
    with pytest.raises(InvalidSettings, match=r"INFERENCE_HOST: .*; INFERENCE_TIMEOUT_S: "):
        load_settings()


def test_a_password_in_an_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE_HOST", "http://me:secret@ml-service")
    with pytest.raises(InvalidSettings, match="INFERENCE_HOST: ") as caught:
        load_settings()
    assert "secret" not in str(caught.value)


def test_settings_never_change() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.inference_timeout_s = 1
