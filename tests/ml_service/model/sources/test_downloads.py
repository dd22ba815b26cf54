import datetime as dt
import ipaddress
import logging
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.server import ThreadedMotoServer

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, ModelNotFound, SourceUnreachable
from muffin_v_chihuahua_ml_service.model.bundle import CARD, MANIFEST, ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import fetching, open_bundle

Write = Callable[..., ModelBundle]
Zipped = Callable[..., Path]

FILES = {MANIFEST, CARD, "golden/red.png", "model.keras", "model.onnx", "model.tflite"}


def pin(bundle: ModelBundle) -> str:
    """What pins a source to this bundle."""
    return bundle.digest.replace("sha256:", "#sha256=")


def test_a_folder_on_a_web_server_is_fetched_file_by_file(fake_bundle: Write, web: Any, cache: Path) -> None:
    bundle = fake_bundle()
    (bundle.folder / "notes.txt").write_text("not listed")

    opened = open_bundle(web.publish(bundle) + "/" + pin(bundle), cache)

    assert (opened.manifest, opened.digest) == (bundle.manifest, bundle.digest)
    assert sorted(web.asked) == sorted(f"/bundle/{name}" for name in FILES)


@pytest.mark.parametrize("name", ["model.zip", "model-1.0.0-py3-none-any.whl"])
def test_an_archive_on_a_web_server_is_fetched_and_unpacked(
    fake_bundle: Write, zipped: Zipped, web: Any, cache: Path, name: str
) -> None:
    bundle = fake_bundle()
    zipped(bundle, "package/", name).rename(web.folder / name)

    assert open_bundle(f"{web.address}/{name}{pin(bundle)}", cache).digest == bundle.digest
    assert web.asked == [f"/{name}"]


@pytest.mark.parametrize("packed", [False, True])
def test_what_stands_after_a_question_mark_is_sent_and_not_shown(
    fake_bundle: Write, zipped: Zipped, web: Any, cache: Path, *, packed: bool
) -> None:
    bundle = fake_bundle()
    address = web.publish(bundle)
    if packed:
        zipped(bundle).rename(web.folder / "model.zip")
        address = f"{web.address}/model.zip"

    assert open_bundle(f"{address}?token=secret{pin(bundle)}", cache).digest == bundle.digest
    assert all(asked.endswith("?token=secret") for asked in web.asked)
    web.stop()
    with pytest.raises(SourceUnreachable) as caught:
        open_bundle(f"{address.replace('//', '//me:secret@')}?token=secret#sha256={'0' * 64}", cache)
    assert str(caught.value).startswith(f"{address}")
    assert "secret" not in str(caught.value)


def test_a_files_name_may_hold_what_means_something_in_an_address(
    fake_bundle: Write, web: Any, cache: Path
) -> None:
    name = "golden/100% rød & blue #1?.png"
    bundle = fake_bundle(golden=[{"file": name, "probabilities": [0, 1]}])

    opened = open_bundle(web.publish(bundle) + pin(bundle), cache)

    assert (opened.folder / name).is_file()


def test_plain_http_without_a_pin_is_refused_and_it_says_why(web: Any, cache: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"over plain http anybody can .*https://, or pin .*#sha256="):
        open_bundle(f"{web.address}/bundle", cache)

    with pytest.raises(ModelNotFound, match="over plain http"):
        open_bundle(f"zip://model.json::{web.address}/bundle.zip", cache)

    assert web.asked == []


def test_a_pinned_bundle_that_is_kept_needs_no_network(fake_bundle: Write, web: Any, cache: Path) -> None:
    bundle = fake_bundle()
    source = web.publish(bundle) + pin(bundle)
    kept = open_bundle(source, cache)
    web.asked.clear()

    assert open_bundle(source, cache) == kept
    assert web.asked == []


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_where_there_is_nothing_it_says_so(web: Any, cache: Path, name: str) -> None:
    with pytest.raises(ModelNotFound, match=f"^{web.address}/{name}.*: there is no such file") as caught:
        open_bundle(f"{web.address}/{name}#sha256={'0' * 64}", cache)

    assert type(caught.value) is ModelNotFound


def test_a_file_that_is_missing_there_is_named(fake_bundle: Write, web: Any, cache: Path) -> None:
    bundle = fake_bundle()
    address = web.publish(bundle)
    (web.folder / "bundle/model.keras").unlink()

    with pytest.raises(InvalidBundle, match=f"^{address}/model.keras: the manifest lists it, but it is not"):
        open_bundle(address + pin(bundle), cache)


def test_a_file_that_was_changed_there_is_named_and_nothing_is_kept(
    fake_bundle: Write, web: Any, cache: Path, flip: Callable[[Path], None]
) -> None:
    bundle = fake_bundle()
    address = web.publish(bundle)
    flip(web.folder / "bundle/model.keras")

    with pytest.raises(InvalidBundle, match=f"^{address}/model.keras: is not the file"):
        open_bundle(address + pin(bundle), cache)
    assert not list(cache.glob("bundles/*"))


def test_a_file_that_goes_on_there_is_not_read_to_its_end(fake_bundle: Write, web: Any, cache: Path) -> None:
    bundle = fake_bundle()
    address = web.publish(bundle)
    web.answers["/bundle/model.keras"] = (200, {}, bytes(100_000_000))

    with pytest.raises(InvalidBundle, match=f"^{address}/model.keras: is larger than the 10 bytes"):
        open_bundle(address + pin(bundle), cache)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((500, {}, b"?"), "500, message='Internal Server Error'"),
        ((403, {}, b"?"), "403, message='Forbidden'"),
        ((200, {"Content-Length": "1000"}, b"broken off"), "payload is not completed"),
        ((302, {"Location": "/bundle/model.json"}, b""), ""),
    ],
)
def test_a_server_that_answers_with_a_fault_is_one_that_cannot_be_reached(
    web: Any, cache: Path, answer: tuple[int, dict[str, str], bytes], reason: str
) -> None:
    web.answers["/bundle/model.json"] = answer

    with pytest.raises(SourceUnreachable, match=rf"model\.json: cannot be reached \(.*{reason}"):
        open_bundle(f"{web.address}/bundle#sha256={'0' * 64}", cache)


@pytest.mark.parametrize(
    "source", ["https://127.0.0.1:1/bundle", "https://[bad/bundle", "ftp://127.0.0.1:1/bundle.zip"]
)
def test_where_nobody_answers_and_nobody_ever_did_it_says_so(cache: Path, source: str) -> None:
    with pytest.raises(SourceUnreachable, match=r"cannot be reached \(.+\)\.$"):
        open_bundle(source, cache)


@pytest.mark.parametrize("name", ["bundle", "model.zip"])
def test_any_protocol_of_fsspec_is_a_source(
    fake_bundle: Write, zipped: Zipped, cache: Path, name: str
) -> None:
    bundle = fake_bundle()
    zipped(bundle)

    assert open_bundle(f"file://{bundle.folder.parent}/{name}", cache).digest == bundle.digest


def test_a_filesystem_that_does_not_count_its_bytes_is_checked_all_the_same(
    fake_bundle: Write, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_MANIFEST_BYTES", 100)

    with pytest.raises(InvalidBundle, match=r"model\.json: is larger than the 100 bytes"):
        open_bundle(f"file://{fake_bundle().folder}", cache)


@pytest.fixture
def secure(tmp_path: Path) -> Callable[[socket.socket], socket.socket]:
    """Wrap a server's socket into TLS with a certificate for 127.0.0.1, which lies at `tls.pem`."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "tls.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return lambda plain_socket: context.wrap_socket(plain_socket, server_side=True)


OPEN_EACH = """
import sys
from pathlib import Path

from muffin_v_chihuahua_ml_service.errors import MLServiceError
from muffin_v_chihuahua_ml_service.model.sources import open_bundle

for source in sys.argv[2:]:
    try:
        print(open_bundle(source, Path(sys.argv[1])).digest)
    except MLServiceError as error:
        print(f"{type(error).__name__} {error}")
"""


@pytest.fixture
def safe(serve_web: Callable[..., Any], secure: Callable[[socket.socket], socket.socket]) -> Any:
    """A web server over https whose certificate nobody knows."""
    return serve_web("safe", secure)


def open_each(certificate: Path, cache: Path, *sources: str) -> list[str]:
    """What a process says that trusts this certificate: aiohttp reads it when it is imported."""
    line = [sys.executable, "-c", OPEN_EACH, str(cache), *sources]
    trusting = {**os.environ, "SSL_CERT_FILE": str(certificate)}
    process = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60, env=trusting)  # noqa: S603
    return process.stdout.splitlines()


def test_https_needs_a_certificate_and_no_pin(
    fake_bundle: Write, safe: Any, tmp_path: Path, cache: Path
) -> None:
    bundle = fake_bundle()
    address = safe.publish(bundle)

    with pytest.raises(SourceUnreachable, match="certificate verify failed"):
        open_bundle(address, cache)
    assert open_each(tmp_path / "tls.pem", cache, address) == [bundle.digest]


def test_https_may_lead_on_but_not_to_plain_http(
    fake_bundle: Write, safe: Any, web: Any, tmp_path: Path, cache: Path
) -> None:
    bundle = fake_bundle()
    safe.publish(bundle)
    for name in FILES:
        safe.answers[f"/moved/{name}"] = (302, {"Location": f"/bundle/{name}"}, b"")
    safe.answers["/down/model.json"] = (302, {"Location": f"{web.publish(bundle)}/model.json"}, b"")

    moved, down = open_each(tmp_path / "tls.pem", cache, f"{safe.address}/moved", f"{safe.address}/down")

    assert moved == bundle.digest
    assert down.startswith(f"ModelNotFound {safe.address}/down/model.json: leads on to plain http")
    assert web.asked == []


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, line_to: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A line to an S3 server with an empty bucket `models`, as the environment has it."""
    line = line_to(s3_server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", line.address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    bucket(s3_server).mkdir("models")
    yield line
    bucket(s3_server).rm("models", recursive=True)


def bucket(server: str) -> Any:
    return fsspec.filesystem("s3", endpoint_url=server, skip_instance_cache=True, use_listings_cache=False)


def test_a_folder_in_a_bucket_is_fetched_once_and_is_there_without_a_network(
    fake_bundle: Write, s3: Any, s3_server: str, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = fake_bundle()
    bucket(s3_server).put(f"{bundle.folder}/", "models/folds", recursive=True)

    first = open_bundle("s3://models/folds", cache)
    again = open_bundle("s3://models/folds/", cache)
    s3.cut()
    offline = open_bundle("s3://models/folds", cache)

    assert first == again == offline
    assert first.digest == bundle.digest
    [warning] = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert warning.startswith("s3://models/folds/model.json: cannot be reached (")
    assert warning.endswith(f"The model that it led to the last time is used, {bundle.digest}.")


def test_an_archive_in_a_bucket_is_a_source_and_a_new_one_there_is_taken(
    fake_bundle: Write, zipped: Zipped, s3: Any, s3_server: str, cache: Path
) -> None:
    digests = []
    for version in ("1.0.0", "1.1.0"):
        bucket(s3_server).put(str(zipped(fake_bundle(version=version))), "models/folds.zip")
        digests.append(open_bundle("s3://models/folds.zip", cache).digest)
    s3.cut()

    assert len(set(digests)) == 2
    assert open_bundle("s3://models/folds.zip", cache).digest == digests[1]


def test_offline_another_bundle_than_the_pinned_one_is_not_used(
    fake_bundle: Write, s3: Any, s3_server: str, cache: Path
) -> None:
    bucket(s3_server).put(f"{fake_bundle().folder}/", "models/folds", recursive=True)
    open_bundle("s3://models/folds", cache)
    s3.cut()

    with pytest.raises(SourceUnreachable):
        open_bundle(f"s3://models/folds#sha256={'0' * 64}", cache)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("source", ["s3://models/none", "s3://models/none.zip", "s3://no-bucket/folds"])
def test_nothing_in_a_bucket_is_no_model(cache: Path, source: str) -> None:
    with pytest.raises(ModelNotFound, match=rf"^{source}.*: there is no such file") as caught:
        open_bundle(source, cache)

    assert type(caught.value) is ModelNotFound
