"""What the documents say is what the code does."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from muffin_v_chihuahua.settings import Settings as AppSettings
from muffin_v_chihuahua_ml_service.model.predictor import load_predictor
from muffin_v_chihuahua_ml_service.model.sources import open_bundle
from muffin_v_chihuahua_ml_service.serving.metrics import Metrics
from muffin_v_chihuahua_ml_service.settings import Settings as ServiceSettings
from muffin_v_chihuahua_ml_service.training.config import TrainingConfig
from muffin_v_chihuahua_ml_service.training.judging.gate.requirements import Requirements
from muffin_v_chihuahua_ml_service.training.networks.fine_tuning import FineTuning

ROOT = Path(__file__).parents[2]
WHEELS = ("frontend", "ml_service")


def project(folder: str) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return table


@pytest.mark.parametrize("folder", WHEELS)
def test_a_wheels_newest_change_is_its_version(folder: str) -> None:
    changes = (ROOT / folder / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changes, re.MULTILINE)
    assert versions[0] == project(folder)["version"]


def test_the_models_newest_change_is_the_version_of_its_manifest() -> None:
    model = ROOT / "models/muffin-v-chihuahua"
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (model / "CHANGELOG.md").read_text(), re.MULTILINE)
    told = yaml.safe_load((model / "training.yaml").read_text())
    assert versions[0] == told["version"] == json.loads((model / "bundle/model.json").read_text())["version"]


def test_what_a_training_can_be_told_is_all_in_the_services_readme() -> None:
    section = (ROOT / "ml_service/README.md").read_text().partition("## Training")[2].partition("## ")[0]
    fields = {
        **TrainingConfig.model_fields,
        **{f"fine_tuning.{name}": field for name, field in FineTuning.model_fields.items()},
    }
    for name, field in fields.items():
        plain = isinstance(field.default, str | int | float)
        row = f"| `{name}` | " + (f"`{field.default}` | " if plain else "| ") + f"{field.description} |"
        assert row in section


def rows_of_settings() -> list[str]:
    """The service's settings as a table has them."""
    rows = []
    for name, field in ServiceSettings.model_fields.items():
        default = f" `{field.default}` |" if isinstance(field.default, str | int) else " |"
        rows.append(f"| `ML_SERVICE_{name.upper()}` |{default} {field.description} |")
    return rows


def rows_in(document: str) -> list[str]:
    return re.findall(r"^\| `ML_SERVICE_.*$", (ROOT / document).read_text(), re.MULTILINE)


def test_the_services_settings_table_is_the_code() -> None:
    assert rows_in("ml_service/README.md") == rows_of_settings()


def test_the_settings_that_the_readme_picks_out_are_the_code() -> None:
    picked = rows_in("README.md")

    assert picked == [row for row in rows_of_settings() if row in picked]
    assert "[its README](ml_service/README.md#settings) has the rest" in (ROOT / "README.md").read_text()


def test_what_a_gate_can_require_is_all_in_the_services_readme() -> None:
    section = (ROOT / "ml_service/README.md").read_text().partition("## Before a bundle is built")[2]
    for name, field in Requirements.model_fields.items():
        assert f"`{name}`" in section
        if isinstance(field.default, float | bool):
            assert re.search(rf"\| .*`{name}`.* \| `{json.dumps(field.default)}` \|", section), name
    example = json.loads("{" + section.partition("```json\n")[2].partition("```")[0] + "}")
    assert Requirements.model_validate(example["gate"])


@pytest.mark.parametrize("document", ["README.md", "frontend/README.md"])
def test_the_apps_settings_are_all_in_the_table(document: str) -> None:
    text = (ROOT / document).read_text()
    for field in AppSettings.model_fields.values():
        assert f"| `{field.validation_alias}` |" in text


def test_every_make_target_in_the_readme_is_one() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - make is the user's
    targets = {line.split()[0] for line in listed.splitlines()}
    named = set(
        re.findall(r"^\s*make ([a-z-]+)|`make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    )
    assert {first or second for first, second in named} <= targets


def test_the_readmes_answer_is_the_shipped_models() -> None:
    command, _, rest = (ROOT / "README.md").read_text().partition("localhost:8000/predict\n")
    picture = ROOT / re.findall(r"curl -F file=@(\S+) $", command)[0]
    shown = json.loads(rest.partition("```")[0])
    predictor = load_predictor(
        open_bundle(str(ROOT / "models/muffin-v-chihuahua/bundle")), precision="f32", threads=1
    )

    [prediction] = predictor.predict_batch([predictor.preprocess(picture.read_bytes())])

    assert shown["filename"] == picture.name
    assert shown["verdict"] == prediction.verdict
    assert {each["label"]: each["probability"] for each in shown["predictions"]} == pytest.approx(
        {each.label: each.probability for each in prediction.predictions}, abs=1e-4
    )


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize(
    ("document", "ports"),
    [
        ("app-dockerfile", {"8090"}),
        ("ml-web-service-dockerfile", {"8000"}),
        ("docker-compose.yml", {"8000", "8090"}),
    ],
)
def test_the_containers_speak_on_the_documented_ports(document: str, ports: set[str]) -> None:
    assert set(re.findall(r"\b80\d\d\b", (ROOT / document).read_text())) == ports


def test_every_metric_is_in_the_services_readme() -> None:
    section = (ROOT / "ml_service/README.md").read_text().partition("## Seen from outside")[2]
    table = section.partition("## ")[0]
    names = [line.split()[2] for line in Metrics().exposition()[0].decode().splitlines() if "# TYPE" in line]
    assert all(f"`{name}`" in table for name in names if not name.startswith("process_"))
