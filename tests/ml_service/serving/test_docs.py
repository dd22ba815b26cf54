import re

import pytest
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.serving.answers import STATUSES


def test_the_docs_need_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text

    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert all(client.get(address).is_success for address in addresses)
    assert not any(address.startswith(("http", "//")) for address in addresses)


def test_every_route_of_ours_is_documented_with_its_refusals(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    assert {path: set(operations) for path, operations in paths.items()} == {
        "/": {"get"},
        "/livez": {"get"},
        "/readyz": {"get"},
        "/model": {"get"},
        "/metrics": {"get"},
        "/predict": {"post"},
        "/explain": {"post"},
        "/feedback": {"get", "post"},
        "/predictions/{prediction_id}": {"delete"},
    }
    assert paths["/model"]["get"]["responses"].keys() == {"200", "503"}
    assert paths["/metrics"]["get"]["responses"].keys() == {"200"}
    assert "mvc_" in paths["/metrics"]["get"]["responses"]["200"]["content"]["text/plain"]["example"]
    assert paths["/livez"]["get"]["responses"].keys() == {"200"}
    assert paths["/readyz"]["get"]["responses"].keys() == {"200", "503"}
    assert paths["/"]["get"]["responses"].keys() == {"200", "503"}
    assert paths["/predict"]["post"]["responses"].keys() == {
        *("200", "400", "408", "413", "415", "422", "429", "500", "503", "504")
    }
    explained = paths["/explain"]["post"]["responses"]
    assert explained.keys() == {*paths["/predict"]["post"]["responses"], "404"}
    assert explained["200"]["content"].keys() == {"image/png", "application/json"}


def test_every_field_of_an_answer_has_an_example(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]

    for name in (
        *(
            "LabelProbability",
            "ModelReference",
            "DigestedModel",
            "Timings",
            "ExplainedLabel",
            "ExplainTimings",
        ),
    ):
        assert all(field["examples"] for field in schemas[name]["properties"].values())
    of_the_model = schemas["ModelAnswer"]["properties"]
    assert {name for name, field in of_the_model.items() if "examples" not in field} == {
        *(
            "input",
            "calibration",
            "metrics",
            "limits",
            "previous",
        ),  # objects, which /docs shows by their fields
    }


@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_every_refusal_has_an_example_of_its_own(client: TestClient, path: str) -> None:
    responses = client.get("/openapi.json").json()["paths"][path]["post"]["responses"]
    examples = [
        answer["content"]["application/json"]["example"]
        for status, answer in responses.items()
        if status != "200"
    ]

    codes = [example["code"] for example in examples]
    assert all(example.keys() == {"error", "code", "request_id"} for example in examples)
    assert len(set(codes)) == len(codes)
    assert set(codes) <= {kind.code for kind in STATUSES}


def test_the_body_is_documented_as_a_form_and_as_the_picture_itself(client: TestClient) -> None:
    post = client.get("/openapi.json").json()["paths"]["/predict"]["post"]

    kinds = post["requestBody"]["content"]
    assert "multipart/form-data" in kinds
    assert kinds.keys() >= {f"image/{kind}" for kind in ("jpeg", "png", "webp", "gif", "bmp")}
    assert "file" in kinds["multipart/form-data"]["schema"]["properties"]
