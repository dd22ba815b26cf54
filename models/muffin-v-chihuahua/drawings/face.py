"""Eyes, noses, mouths and tongues; all take screen positions and sizes in screen units."""

from dataclasses import dataclass

import numpy as np

from canvas import (
    Array,
    Colour,
    Scene,
    Window,
    around,
    blend,
    blur,
    ellipse,
    glow,
    line,
    mix,
    polygon,
    ramp,
    shadow,
    smooth_outline,
)
from solid import cushion

# An eye less open than this is painted as a closed one.
AJAR = 0.3


@dataclass(frozen=True)
class Look:
    """How an eye looks: where it points (-1..1), how open it is (0..1), its colours, how it is drawn.

    `squeeze` narrows an eye seen from the side, `turn` slants it, in radians.
    """

    gaze: tuple[float, float] = (0, 0)
    openness: float = 1
    iris: Colour = (0.3, 0.15, 0.06)
    pupil: tuple[float, float] = (0.62, 0.62)
    rim: Colour = (0.07, 0.045, 0.04)
    squeeze: float = 1
    turn: float = 0


def eye(scene: Scene, centre: Array, size: float, look: Look) -> None:
    """Paints an eye of radius `size`."""
    window = around(centre[0], centre[1], size * 2)
    socket = ellipse(window, centre, (size * 1.75 * look.squeeze, size * 1.6), look.turn)
    if look.openness < AJAR:
        closed_eye(scene, centre, size, look)
        return
    shadow(scene, 0.5 * ramp(socket, 0, 0.8), window)
    rim = ellipse(window, centre, (size * 1.2 * look.squeeze, size * 1.14 * look.openness), look.turn)
    blend(scene, look.rim, ramp(rim, -0.05, 0.14) * 0.95, window)
    ball = ellipse(window, centre, (size * look.squeeze, size * look.openness), look.turn)
    cover = ramp(ball, 0, 0.09)
    blend(scene, eyeball(window, centre, size, look), cover, window)
    catch_light(scene, centre, size, look, cover)


def eyeball(window: Window, centre: Array, size: float, look: Look) -> Array:
    """Returns the colours [h, w, 3] of an eyeball: white, iris, pupil, the upper lid's shadow."""
    x = centre[0] + look.gaze[0] * size * 0.34
    y = centre[1] + look.gaze[1] * size * 0.25
    iris = ellipse(window, (x, y), (size * look.squeeze, size * 1.02))
    colour = mix((0.7, 0.64, 0.6), np.asarray(look.iris) * 0.22, ramp(iris, -0.08, 0.1))
    down = (window.y - y) / size
    colour = mix(colour, look.iris, 0.95 * ramp(iris, 0.05, 0.4) * ramp(down, -0.5, 0.75))
    pupil = ellipse(window, (x, y), (size * look.pupil[0] * look.squeeze, size * look.pupil[1]))
    colour = mix(colour, (0.02, 0.015, 0.02), ramp(pupil, -0.25, 0.3))
    return mix(colour, (0.01, 0.01, 0.015), 0.6 * ramp((window.y - centre[1]) / size, -0.25, -0.95))


def catch_light(scene: Scene, centre: Array, size: float, look: Look, cover: Array) -> None:
    """Paints what shines in a wet eye: the window's light, its small echo, the ground's reflection."""
    window = around(centre[0], centre[1], size * 2)
    cx, cy = centre[:2]
    side = 1 if scene.light[0] > 0 else -1
    below = ellipse(window, (cx, cy), (size * 0.86 * look.squeeze, size * 0.86))
    crescent = ramp(below, 0, 0.3) * ramp(
        ellipse(window, (cx, cy - size * 0.25), (size * 0.9, size * 0.9)), 0.25, -0.3
    )
    glow(scene, (0.75, 0.55, 0.42), crescent * 0.5 * cover, window)
    sky = ellipse(
        window, (cx + side * size * 0.12, cy - size * 0.52), (size * 0.62 * look.squeeze, size * 0.3)
    )
    glow(scene, (0.55, 0.65, 0.8), ramp(sky, 0, 0.9) * 0.55 * cover, window)
    spot = ellipse(window, (cx + side * size * 0.3, cy - size * 0.4), (size * 0.23, size * 0.2), side * 0.5)
    blend(scene, (1, 1, 1), ramp(spot, 0, 0.3) * 0.97 * cover, window)
    echo = ellipse(window, (cx - side * size * 0.36, cy + size * 0.36), (size * 0.12, size * 0.1))
    blend(scene, (0.95, 0.92, 0.88), ramp(echo, 0, 0.7) * 0.6 * cover, window)


def closed_eye(scene: Scene, centre: Array, size: float, look: Look) -> None:
    """Paints the sleepy arc of a closed eye."""
    across = np.linspace(-1, 1, 24)
    arc = np.stack([across * size, 0.42 * size * (1 - across**2)], axis=-1)
    turned = arc @ np.array([[np.cos(look.turn), np.sin(look.turn)], [-np.sin(look.turn), np.cos(look.turn)]])
    lid = line(turned + centre[:2], size * 0.19)
    shadow(scene, blur(lid, size * 0.25) * 0.4)
    blend(scene, look.rim, blur(lid, 0.004) * 0.95)


def nose(scene: Scene, centre: Array, size: float, colour: Colour, turn: float = 0) -> None:
    """Paints a wet nose, `size` being half its width."""
    shape = np.array(
        [
            (-1, -0.25),
            (-0.55, -0.68),
            (0, -0.74),
            (0.55, -0.68),
            (1, -0.25),
            (0.72, 0.32),
            (0, 0.78),
            (-0.72, 0.32),
        ]
    )
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    cover = polygon(smooth_outline(shape @ spin * size + centre[:2]))
    shadow(scene, blur(cover, size * 0.28) * 0.55)
    cushion(scene, cover, np.asarray(colour) * 1.25, size * 0.75)
    window = around(centre[0], centre[1], size * 1.5)
    for side in (-1, 1):
        hole = np.array([side * 0.42, 0.12]) @ spin * size + centre[:2]
        nostril = ellipse(window, hole, (size * 0.26, size * 0.17), turn + side * 0.5)
        blend(scene, (0.015, 0.01, 0.012), ramp(nostril, -0.1, 0.6) * 0.95, window)
    top = centre[:2] + np.array([0.12 * np.sign(scene.light[0]), -0.42]) @ spin * size
    glow(
        scene,
        (0.8, 0.82, 0.9),
        ramp(ellipse(window, top, (size * 0.62, size * 0.24), turn), 0, 1) * 0.6,
        window,
    )
    spot = ellipse(window, top + np.array([size * 0.1, -size * 0.02]), (size * 0.2, size * 0.085), turn)
    glow(scene, (1, 1, 1), ramp(spot, 0, 0.6) * 0.9, window)


def mouth(scene: Scene, centre: Array, size: float, turn: float, smile: float = 0.35) -> None:
    """Paints the line below a nose and the two arcs of the lips, `size` being half the nose's width."""
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    t = np.linspace(0, 1, 20)
    groove = np.stack([0 * t, 0.7 + 0.55 * t], axis=-1)
    strokes = [groove]
    strokes += [
        np.stack([side * 1.75 * t, 1.25 + np.sin(t * np.pi) * 0.35 - smile * t**2], axis=-1)
        for side in (-1, 1)
    ]
    lips = sum((line(stroke @ spin * size + centre[:2], size * 0.13) for stroke in strokes), np.float32(0))
    shadow(scene, blur(np.asarray(lips, np.float32), size * 0.16) * 0.75)
    blend(scene, (0.12, 0.07, 0.07), blur(np.asarray(lips, np.float32), 0.004) * 0.7)


def tongue(scene: Scene, centre: Array, size: float, turn: float, hang: float) -> None:
    """Paints a tongue that hangs `hang` nose-halves out below a nose's centre."""
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    shape = np.array(
        [
            (-0.6, 1.4),
            (0, 1.3),
            (0.6, 1.4),
            (0.62, 1.5 + hang * 0.6),
            (0, 1.6 + hang),
            (-0.62, 1.5 + hang * 0.6),
        ]
    )
    cover = polygon(smooth_outline(shape @ spin * size + centre[:2]))
    shadow(scene, blur(cover, size * 0.25) * 0.5)
    cushion(scene, cover, (0.93, 0.5, 0.53), size * 0.4, gloss=0.25)
    crease = np.array([(0, 1.35), (0.03, 1.4 + hang * 0.75)]) @ spin * size + centre[:2]
    shadow(scene, blur(line(crease, size * 0.09), 0.008) * 0.6, tint=(0.6, 0.2, 0.25))
