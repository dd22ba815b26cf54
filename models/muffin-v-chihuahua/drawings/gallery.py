"""The pictures handed out with the frontend: seeds picked by eye, and the names of their files."""

CHIHUAHUAS: dict[str, int] = {
    "cream-tongue-out": 127,
    "fawn-orange-bandana": 113,
    "black-white-portrait": 120,
    "black-tan-sitting": 121,
    "chocolate-tan-head-tilt": 125,
    "fawn-on-the-lawn": 132,
    "blue-looking-up": 143,
    "red-white-long-haired": 107,
    "blue-asleep": 124,
    "white-in-the-grass": 103,
}
MUFFINS: dict[str, int] = {
    "blueberry-face": 20,
    "blueberry-face-on-a-plate": 23,
    "blueberry-three-on-a-rack": 12,
    "blueberry-many": 33,
    "blueberry-sugar-gingham": 42,
    "chocolate-chip-red-cup": 13,
    "chocolate-chip-from-above": 0,
    "almond-raisin": 28,
    "poppy-seed": 40,
}

# Every seed of the gallery lies below this number and every seed of a dataset above it.
FIRST_DATASET_SEED = 1_000_000
SEEDS_A_DATASET = 100_000
