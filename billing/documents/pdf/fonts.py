"""The fonts of a page: two of our own, and behind them one with every character that registers of firms know."""

import hashlib
from importlib import resources
from pathlib import Path

FOLDER = Path(__file__).with_name("fonts")
DIGESTS = "SHA256SUMS"
FAMILY = "Bill Sans SC"
WEIGHTS = {"Regular": 400, "Bold": 700}
"""Style and place on the weight axis of the font they are cut from."""


def font_folders() -> list[str]:
    """Where typst finds fonts; it looks nowhere else, or bytes would hang on the machine."""
    return [str(FOLDER), str(resources.files("pylopdf_fonts_zh_cn"))]


def stated_digests() -> dict[str, str]:
    """SHA-256 of our fonts by file name, as they were made."""
    lines = (FOLDER / DIGESTS).read_text("ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def found_digests() -> dict[str, str]:
    """SHA-256 of our fonts by file name, as they lie there."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.ttf")}
