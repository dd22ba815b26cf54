"""Rounded bodies: ellipsoids placed in space, melted into one relief, and lit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from canvas import SHEET, Array, Point, Scene, Window, blend, blur, mix, ramp, touched, whole


@dataclass(frozen=True)
class Pose:
    """Where a body stands: `turn` [3, 3] and `scale` take its own coordinates to the screen's."""

    centre: Array
    turn: Array
    scale: float

    def place(self, points: ArrayLike) -> Array:
        """Returns screen positions [..., 3] of the body's points [..., 3]."""
        return np.asarray(np.asarray(points, np.float32) @ self.turn.T * self.scale + self.centre, np.float32)

    def own(self, x: Array, y: Array, z: Array) -> Array:
        """Returns the body's coordinates [..., 3] of screen positions."""
        return np.asarray((np.stack([x, y, z], axis=-1) - self.centre) @ self.turn / self.scale, np.float32)


@dataclass(frozen=True)
class Ball:
    """An ellipsoid in its body's coordinates."""

    centre: Sequence[float]
    radii: Sequence[float]


@dataclass(frozen=True)
class Relief:
    """Heights towards the viewer in screen units, and the cover 0..1; both float32 [h, w]."""

    height: Array
    cover: Array


def pose(centre: Point, scale: float, yaw: float = 0, pitch: float = 0, roll: float = 0) -> Pose:
    """Returns a pose turned, in radians, about the upright axis, the sideways one, the viewer's."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(angle), np.sin(angle)) for angle in (yaw, pitch, roll))
    upright = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    sideways = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    viewer = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn = np.asarray(viewer @ sideways @ upright, np.float32)
    return Pose(np.array([centre[0], centre[1], 0], np.float32), turn, scale)


def ball_height(ball: Ball, where: Pose, window: Window) -> tuple[Array, Array]:
    """Returns an ellipsoid's front height and its inside value: 1 at the middle, 0 on the outline.

    The front root of the quadratic form's equation in z; past the outline the root is continued
    downwards, so that neighbours can melt into one another there.
    """
    stretch = np.diag(1 / np.square(np.array(ball.radii) * where.scale))
    # Python's own floats keep the arrays at single precision, which halves the time.
    form = (where.turn @ stretch @ where.turn.T).tolist()
    cx, cy, cz = where.place(ball.centre).tolist()
    x, y = window.x - cx, window.y - cy
    lean = (form[0][2] * x + form[1][2] * y) / form[2][2]
    flat = (form[0][0] * x**2 + 2 * form[0][1] * x * y + form[1][1] * y**2 - 1) / form[2][2]
    inside = (lean**2 - flat) * form[2][2]
    rise = np.sign(inside) * np.sqrt(np.abs(inside) / form[2][2])
    return np.asarray(cz - lean + rise, np.float32), np.asarray(inside, np.float32)


def near(window: Window, point: Array, reach: float) -> Window:
    """Returns the part of a window near a point, its area counted from the window's own corner."""
    rows = np.flatnonzero(np.abs(window.y[:, 0] - point[1]) < reach)
    columns = np.flatnonzero(np.abs(window.x[0] - point[0]) < reach)
    if not len(rows) or not len(columns):
        return Window((slice(0), slice(0)), window.x[:0, :0], window.y[:0, :0])
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Window(box, window.x[box], window.y[box])


def relief(balls: Iterable[Ball], where: Pose, melt: float = 0.06, window: Window | None = None) -> Relief:
    """Returns the relief of ellipsoids melted together over about `melt` body units."""
    window = window or whole()
    soft = melt * where.scale
    total = np.zeros_like(window.x)
    # Low enough to be outside, and no lower than a ball's own part of the window reaches.
    inside = np.full_like(window.x, -0.6)
    for ball in balls:
        part = near(window, where.place(ball.centre), 2.2 * max(ball.radii) * where.scale)
        height, within = ball_height(ball, where, part)
        total[part.area] += np.exp(np.clip(height / soft, -60, 60))
        inside[part.area] = np.maximum(inside[part.area], within)
    height = soft * np.log(total + 1e-30)
    edge = 2 / SHEET * np.maximum(np.hypot(*gradient(inside)), 0.5)
    return Relief(np.asarray(height, np.float32), np.asarray(np.clip(inside / edge + 0.5, 0, 1), np.float32))


def gradient(heights: Array) -> tuple[Array, Array]:
    """Returns the slopes of a map along x and along y, a screen unit."""
    across = cv2.Sobel(heights, cv2.CV_32F, 1, 0, ksize=3, scale=SHEET / 16)
    along = cv2.Sobel(heights, cv2.CV_32F, 0, 1, ksize=3, scale=SHEET / 16)
    return np.asarray(across, np.float32), np.asarray(along, np.float32)


def normals(height: Array) -> Array:
    """Returns the unit normals [h, w, 3] of a relief."""
    across, along = gradient(height)
    across, along = np.clip(across, -6, 6), np.clip(along, -6, 6)
    length = np.sqrt(across**2 + along**2 + 1)
    return np.asarray(np.stack([-across / length, -along / length, 1 / length], axis=-1), np.float32)


def light_up(scene: Scene, colour: Array, height: Array, gloss: float = 0, hollow: float = 3) -> Array:
    """Returns colours [h, w, 3] lit by the scene's light, hollows darkened, `gloss` 0..1 shining."""
    normal = normals(height)
    facing = np.asarray(normal @ scene.light, np.float32)
    share = ramp(facing, -0.55, 1.0)
    lit = colour * mix((0.42, 0.36, 0.39), (1.14, 1.08, 1.0), share)
    if hollow:
        lit *= (1 - np.clip((blur(height, 0.05) - height) * hollow, 0, 0.55))[..., None]
    if gloss:
        half = scene.light + np.array([0, 0, 1], np.float32)
        shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 40
        lit += (float(gloss) * shine)[..., None]
    return lit


def puff(cover: Array, rise: float) -> Array:
    """Returns the height of a flat shape blown up like a cushion, `rise` screen units at most."""
    # The border counts as outside: a cut-out window holds nothing beyond its shape.
    solid = np.pad((cover > 0.5).astype(np.uint8), 1)
    distance = cv2.distanceTransform(solid, cv2.DIST_L2, 5)[1:-1, 1:-1] * np.float32(2 / SHEET)
    full = np.clip(distance / (rise * 1.6), 0, 1)
    return blur(np.asarray(rise * np.sqrt(1 - (1 - full) ** 2), np.float32), 0.012)


def cushion(scene: Scene, cover: Array, colour: ArrayLike, rise: float = 0.08, gloss: float = 0) -> None:
    """Paints a flat shape as a lit cushion of one colour (or a colour a pixel)."""
    paint = np.asarray(np.broadcast_to(np.asarray(colour, np.float32), (*cover.shape, 3)))
    box = touched(cover)
    if cover[box].size:
        sheet = whole()
        window = Window(box, sheet.x[box], sheet.y[box])
        blend(scene, light_up(scene, paint[box], puff(cover[box], rise), gloss), cover[box], window)
