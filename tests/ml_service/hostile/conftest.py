"""Pictures that mean harm, or look as if they did: made from bytes, each with the answer that it gets."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

OK, BROKEN, NO_PICTURE = (200, None), (400, "broken_picture"), (400, "not_a_picture")
NOT_ACCEPTED, PIXELS = (415, "unsupported_picture_format"), (422, "too_many_pixels")
FRAMES, PARTS = (422, "too_many_frames"), (422, "too_many_parts")


@dataclass(frozen=True)
class Case:
    """Bytes, and the status and code that they are answered with."""

    data: bytes
    expected: tuple[int, str | None]


Group = dict[str, Case]

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@cache
def flat(mode: str, side: int, **options: Any) -> bytes:
    return encoded(Image.new(mode, (side, side)), "JPEG", **options)


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}


def png(  # noqa: PLR0913 - what a header says
    width: int,
    height: int,
    colour: int = RGB,
    depth: int = 8,
    *,
    before: bytes = b"",
    pixels: bytes | None = None,
    interlaced: bool = False,
) -> bytes:
    """A PNG of zeros, or of the rows that are given; other chunks before its pixels."""
    squeeze = zlib.compressobj(1)
    row = bytes(1 + (width * SAMPLES[colour] * depth + 7) // 8)
    rows = (row for _ in range(height)) if pixels is None else iter([pixels])
    body = b"".join(map(squeeze.compress, rows)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    parts = (chunk(b"IHDR", header), before, chunk(b"IDAT", body), chunk(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif(width: int, height: int, blocks: bytes) -> bytes:
    """A GIF with two colours, and blocks that make frames of it."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff\0\0" + blocks


def gif_frame(width: int = 1, height: int = 1) -> bytes:
    """A frame whose one code says that it ends."""
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"


def exif(*entries: tuple[int, int, int, int]) -> bytes:
    """Tag, kind, count and value or offset of each entry, in TIFF's words."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4)


LYING = chunk(b"eXIf", exif((0x112, 3, 1, 6)))
"""To be turned by a quarter."""


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    packed = (kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks)
    body = b"WEBP" + b"".join(packed)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def vp8l(width: int, height: int) -> bytes:
    """A lossless WebP's pixels, all of one colour, which takes no bits a pixel."""
    small = encoded(Image.new("RGB", (16, 16), "red"), "WEBP", lossless=True)
    size = (width - 1) | (height - 1) << 14
    return small[20:21] + struct.pack("<I", size) + small[25:]


def animated_webp(frames: int) -> bytes:
    pixels = vp8l(2, 2)
    inside = b"VP8L" + struct.pack("<I", len(pixels)) + pixels + bytes(len(pixels) % 2)
    frame = bytes(6) + b"\x01\0\0" + b"\x01\0\0" + b"\x0a\0\0\0" + inside
    canvas = b"\x02\0\0\0" + b"\x01\0\0" + b"\x01\0\0"
    return riff((b"VP8X", canvas), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * frames)


def animated_png(frames: int) -> bytes:
    def control(number: int) -> bytes:
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 1, 1, 0, 0, 1, 10, 0, 0))

    pixels = zlib.compress(bytes(4))
    later = (
        control(2 * each - 1) + chunk(b"fdAT", struct.pack(">I", 2 * each) + pixels)
        for each in range(1, frames)
    )
    whole = png(1, 1, before=chunk(b"acTL", struct.pack(">II", frames, 0)) + control(0))
    return whole[:-12] + b"".join(later) + chunk(b"IEND")


def bmp(width: int, height: int, compression: int, pixels: bytes) -> bytes:
    """A BMP of eight bits a pixel; compression 1 is in run lengths."""
    at = 14 + 40 + 1024
    head = struct.pack("<IHHI", at + len(pixels), 0, 0, at)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(pixels), 0, 0, 256, 0)
    return b"BM" + head + info + bytes(1024) + pixels


def after_start(jpeg: bytes, segments: bytes) -> bytes:
    return jpeg[:2] + segments + jpeg[2:]


def segment(marker: int, data: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def resized_jpeg(jpeg: bytes, width: int, height: int) -> bytes:
    """The same JPEG with another size in its frame header."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def with_scans(jpeg: bytes, count: int) -> bytes:
    """The last scan of a progressive JPEG that many times more."""
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * count + jpeg[-2:]


def adam7(image: Image.Image) -> bytes:
    """The rows of an interlaced RGB PNG: seven passes, each over more of the picture."""
    pixels = np.asarray(image)
    starts = (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    )
    passes = (pixels[top::down, left::across] for top, left, down, across in starts)
    return b"".join(b"\0" + row.tobytes() for each in passes for row in each)


def arithmetic(jpeg: bytes) -> bytes:
    """What says that it is arithmetic-coded (SOF9) and has no Huffman tables; its pixels are noise then."""
    parts, at = [jpeg[:2]], 2
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if jpeg[at + 1] != 0xC4:
            parts.append(jpeg[at:end].replace(b"\xff\xc0", b"\xff\xc9", 1))
        at = end
    return b"".join(parts) + jpeg[at:]


JPEG = encoded(NOISE, "JPEG")
WHOLE: dict[str, bytes] = {
    "JPEG": JPEG,
    "progressive JPEG": encoded(NOISE, "JPEG", progressive=True),
    "PNG": encoded(NOISE, "PNG"),
    "lossy WebP": encoded(NOISE, "WEBP"),
    "lossless WebP": encoded(NOISE, "WEBP", lossless=True),
    "GIF": encoded(NOISE, "GIF"),
    "BMP": encoded(NOISE, "BMP"),
}


def bombs() -> Group:
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20), 9))
    return {
        "PNG over the limit": Case(png(7100, 7100, GREY, 1), PIXELS),
        "PNG, 30000 x 30000 of nothing": Case(png(30_000, 30_000, pixels=b""), PIXELS),
        "PNG with 60 texts of a megabyte": Case(png(9, 9, before=text * 60), OK),
        "PNG with 80 texts of a megabyte": Case(png(9, 9, before=text * 80), BROKEN),
        "PNG with a text of 100 megabytes": Case(
            png(9, 9, before=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8), 9))), BROKEN
        ),
        "PNG with a profile of 100 megabytes": Case(
            png(9, 9, before=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8), 9))), BROKEN
        ),
        "WebP over the limit": Case(riff((b"VP8L", vp8l(16_000, 16_000))), PIXELS),
        "WebP that takes too much memory": Case(riff((b"VP8L", vp8l(7000, 7000))), PIXELS),
        "GIF that fills its screen when it is opened": Case(
            gif(60_000, 60_000, b"!\xf9\x04\x08\0\0\0\0" + gif_frame(60_000, 60_000)), PIXELS
        ),
        "GIF whose frame is larger than its screen": Case(gif(1, 1, gif_frame(60_000, 60_000)), PIXELS),
        "BMP in run lengths": Case(bmp(7000, 7000, 1, b"\1\0\0\0" * 7000 + b"\0\1"), PIXELS),
        "BMP of nothing": Case(bmp(7000, 7000, 0, b""), BROKEN),
        "progressive JPEG that takes too much memory": Case(
            flat("RGB", 7000, progressive=True, subsampling=0), PIXELS
        ),
        "TIFF": Case(encoded(NOISE, "TIFF"), NOT_ACCEPTED),
    }


def polyglots() -> Group:
    page = b"<!doctype html><script>alert(1)</script>"
    archive = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)
    return {
        "JPEG and ZIP": Case(JPEG + archive, OK),
        "JPEG and PDF": Case(after_start(JPEG, segment(0xFE, b"%PDF-1.7")), OK),
        "PNG and HTML": Case(png(9, 9, before=chunk(b"tEXt", b"Comment\0" + page)) + page, OK),
        "GIF and JavaScript": Case(gif(0x2A2F, 1, gif_frame() + b";*/=1;alert(1)"), OK),
        "WebP and HTML": Case(WHOLE["lossy WebP"] + page, OK),
        "HTML and JPEG": Case(page + JPEG, NO_PICTURE),
        "ZIP and JPEG": Case(archive + JPEG, NO_PICTURE),
        "a sound in WebP's container": Case(b"RIFF\x24\0\0\0WAVEfmt " + bytes(28), NO_PICTURE),
    }


def sizes() -> Group:
    lying = {
        "PNG that says it is larger": Case(png(900, 900, pixels=bytes(900)), BROKEN),
        "PNG that says it is smaller": Case(png(3, 3, pixels=bytes(10_000)), OK),
        "JPEG that says it is larger": Case(resized_jpeg(JPEG, 2000, 2000), OK),
        "JPEG that says it is smaller": Case(resized_jpeg(JPEG, 16, 16), OK),
        "GIF that says it is larger": Case(gif(2000, 2000, gif_frame()), OK),
        "WebP whose canvas is not its picture's": Case(
            riff((b"VP8X", bytes(4) + b"\xff\x07\0\xff\x07\0"), (b"VP8L", vp8l(9, 9))), BROKEN
        ),
        "BMP that says it is larger": Case(bmp(2000, 2000, 0, bytes(5000)), BROKEN),
        "BMP whose rows come from the top": Case(bmp(8, -8, 0, bytes(64)), OK),
        "PNG with two sizes": Case(
            png(9, 9, before=chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, RGB, 0, 0, 0))), PIXELS
        ),
        "PNG, 40 million in a row": Case(png(40_000_000, 1, GREY, 1), PIXELS),
    }
    small = {
        f"{kind} {width} x {height}": Case(encoded(Image.new("RGB", (width, height)), kind), OK)
        for kind in ("JPEG", "PNG", "BMP", "GIF")
        for width, height in ((1, 1), (60_000, 1), (1, 60_000))
    }
    return lying | small | nothings()


def nothings() -> Group:
    return {
        "PNG 0 x 0": Case(png(0, 0), NO_PICTURE),
        "JPEG 0 x 0": Case(resized_jpeg(JPEG, 0, 0), NO_PICTURE),
        "GIF 0 x 0": Case(gif(0, 0, gif_frame(0, 0)), NO_PICTURE),
        "BMP 0 x 0": Case(bmp(0, 0, 0, b""), NO_PICTURE),
    }


def metadata() -> Group:
    thumbnails = exif(*((tag, 1, 60_000, 8) for tag in range(5000)))
    return {
        "JPEG with rubbish for a profile": Case(encoded(NOISE, "JPEG", icc_profile=b"rubbish" * 99), OK),
        "JPEG with a part of a profile": Case(
            after_start(JPEG, segment(0xE2, b"ICC_PROFILE\0\x07\x09" + b"x")), OK
        ),
        "PNG with rubbish for a profile": Case(png(9, 9, before=chunk(b"iCCP", b"a\0\0rubbish")), OK),
        "JPEG with rubbish for EXIF": Case(encoded(NOISE, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff"), OK),
        "JPEG that says the same 60 kB 5000 times": Case(
            after_start(JPEG, segment(0xE1, b"Exif\0\0" + thumbnails)), OK
        ),
        "PNG with 60000 tags": Case(
            png(9, 9, before=chunk(b"eXIf", exif(*((tag, 1, 4, 8) for tag in range(60_000))))), OK
        ),
        "JPEG that says it is one of many": Case(after_start(JPEG, segment(0xE2, b"MPF\0rubbish")), OK),
        "PNG with rubbish for text": Case(png(9, 9, before=chunk(b"iTXt", b"\xff\0\1\1\xfe\0\xfd")), OK),
        "WebP with rubbish for EXIF": Case(encoded(NOISE, "WEBP", exif=b"rubbish"), OK),
    }


def frames() -> Group:
    return {
        "GIF of 1000 frames": Case(gif(1, 1, gif_frame() * 1000), OK),
        "GIF of 10000 frames": Case(gif(1, 1, gif_frame() * 10_000), FRAMES),
        "PNG of 1000 frames": Case(animated_png(1000), OK),
        "PNG of 10000 frames": Case(animated_png(10_000), FRAMES),
        "WebP of 1000 frames": Case(animated_webp(1000), OK),
        "WebP of 10000 frames": Case(animated_webp(10_000), FRAMES),
        "JPEG of two pictures": Case(encoded(NOISE, "MPO", save_all=True, append_images=[NOISE]), OK),
    }


def parts() -> Group:
    progressive = WHOLE["progressive JPEG"]
    large = flat("L", 3000, progressive=True)
    return {
        "JPEG of 30000 segments": Case(after_start(JPEG, segment(0xE9) * 30_000), PARTS),
        "JPEG with 30000 fill bytes": Case(after_start(JPEG, b"\xff" * 30_000), PARTS),
        "JPEG of 100 scans": Case(with_scans(progressive, 90), OK),
        "JPEG of 600 scans": Case(with_scans(progressive, 600), PARTS),
        "large JPEG of 100 scans": Case(with_scans(large, 94), OK),
        "large JPEG of 200 scans": Case(with_scans(large, 200), PARTS),
        "PNG of 30000 chunks": Case(png(9, 9, before=chunk(b"aaAa") * 30_000), PARTS),
        "GIF of 30000 comments": Case(gif(1, 1, b"!\xfe\1a\0" * 30_000 + gif_frame()), PARTS),
        "GIF of 30000 comments after its frame": Case(gif(1, 1, gif_frame() + b"!\xfe\1a\0" * 30_000), PARTS),
        "GIF of one comment in 30000 blocks": Case(
            gif(1, 1, b"!\xfe" + b"\1a" * 30_000 + b"\0" + gif_frame()), PARTS
        ),
        "GIF whose frame is 30000 blocks": Case(
            gif(1, 1, gif_frame()[:-1] + b"\1\0" * 30_000 + b"\0"), PARTS
        ),
        "GIF whose frame is 21000 longer blocks": Case(
            gif(1, 1, gif_frame()[:-1] + (b"\x7f" + bytes(127)) * 21_000), OK
        ),
        "GIF with 30000 bytes of nothing": Case(gif(1, 1, bytes(30_000) + gif_frame()), PARTS),
        "WebP of 30000 chunks": Case(riff((b"VP8L", vp8l(9, 9)), *[(b"aaaa", b"")] * 30_000), PARTS),
    }


def unusual() -> Group:
    deep = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 20
    return {
        "16-bit grey PNG": Case(encoded(Image.fromarray(deep), "PNG"), OK),
        "16-bit RGB PNG": Case(png(30, 30, RGB, 16), OK),
        "16-bit RGBA PNG": Case(png(30, 30, RGBA, 16), OK),
        "16-bit grey PNG with alpha": Case(png(30, 30, GREY_ALPHA, 16), OK),
        "1-bit PNG": Case(png(30, 30, GREY, 1), OK),
        "PNG without a palette": Case(png(30, 30, PALETTE, 4), OK),
        "interlaced PNG": Case(png(64, 48, pixels=adam7(NOISE), interlaced=True), OK),
        "CMYK JPEG with Adobe's marker": Case(encoded(NOISE.convert("CMYK"), "JPEG"), OK),
        "CMYK JPEG that says it is YCCK": Case(
            encoded(NOISE.convert("CMYK"), "JPEG").replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\x02"), OK
        ),
        "arithmetic-coded JPEG": Case(arithmetic(JPEG), OK),
        "12-bit JPEG": Case(JPEG.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), NO_PICTURE),
        "lossless JPEG": Case(JPEG.replace(b"\xff\xc0", b"\xff\xc3"), BROKEN),
    }


def truncated() -> Group:
    cut = {
        f"{tenths} tenths of a {kind}": Case(whole[: len(whole) * tenths // 10], BROKEN)
        for kind, whole in WHOLE.items()
        for tenths in range(1, 10)
    }
    in_its_palette = "1 tenths of a GIF"
    return cut | {in_its_palette: Case(cut[in_its_palette].data, NO_PICTURE)}


GROUPS: dict[str, Callable[[], Group]] = {
    each.__name__: each for each in (bombs, polyglots, sizes, metadata, frames, parts, unusual, truncated)
}


@pytest.fixture(params=GROUPS)
def group(request: pytest.FixtureRequest) -> Group:
    """Each group of the corpus in turn."""
    return GROUPS[request.param]()


@pytest.fixture
def corpus() -> Group:
    """All of it."""
    return {name: case for make in GROUPS.values() for name, case in make().items()}


def heavy() -> Iterator[tuple[str, bytes]]:
    """Pictures that are accepted, and take as much memory as one may."""
    clear = chunk(b"PLTE", bytes(range(256)) * 3) + chunk(b"tRNS", bytes(9))
    yield "RGBA, lying", png(7000, 7000, RGBA, before=LYING)
    yield "grey with alpha", png(5000, 5000, GREY_ALPHA)
    yield "palette with alpha", png(7000, 7000, PALETTE, before=clear)
    yield "16 bit", png(5000, 5000, GREY, 16)
    yield "progressive", flat("RGB", 7000, progressive=True)
    yield "progressive CMYK", flat("CMYK", 5000, progressive=True)
    yield "WebP", riff((b"VP8L", vp8l(3900, 3900)))
    yield "another WebP", riff((b"VP8L", vp8l(3900, 3900)))


@pytest.fixture
def heavyweights() -> Group:
    """Each with the answer that it gets."""
    return {name: Case(data, OK) for name, data in heavy()}
