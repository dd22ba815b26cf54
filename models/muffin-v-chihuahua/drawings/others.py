"""What is neither chihuahua nor muffin, so that no network learns that a drawing must be one of them."""

from collections.abc import Callable

from animals import cat, fish, rabbit, teddy
from canvas import Scene, new_scene
from food import apple, biscuit, coffee, fried_egg, orange, pizza
from plants import sunflower, tree
from things import ball_of_wool, car, football, house, pillow

SUBJECTS: tuple[Callable[[Scene], None], ...] = (
    cat,
    teddy,
    rabbit,
    fish,
    apple,
    orange,
    pizza,
    biscuit,
    coffee,
    fried_egg,
    football,
    ball_of_wool,
    sunflower,
    house,
    tree,
    car,
    pillow,
)


def other(seed: int) -> Scene:
    """Returns the scene of one of the subjects; seeds that follow one another take turns."""
    scene = new_scene(seed)
    SUBJECTS[seed % len(SUBJECTS)](scene)
    return scene
