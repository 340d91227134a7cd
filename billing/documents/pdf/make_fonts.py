"""Makes the two fonts that documents are printed in, Bill Sans SC Regular and Bold, out of Noto Sans SC.

`python -m billing.documents.pdf.make_fonts` writes them with their licence and digests, in an environment that holds
fonttools 4.68.0 and justmytype-intl-cjk 0.1.0, which nothing else here needs. They hold GB2312 and what our own words
add; a rarer character comes from the full font that is installed beside us. docs/decisions/0016-documents.md says why.
"""

import hashlib
import string
from importlib import resources
from pathlib import Path
from typing import Any

from billing.core.messages import catalogue
from billing.documents.pdf.fonts import DIGESTS, FAMILY, FOLDER, WEIGHTS

SOURCE = "fonts/ofl/notosanssc"
LATIN = range(0xA0, 0x180)
SIGNS = "\u2011–—‘’“”•…‰′″€№™←↑→↓−≈≠≤≥①②③④⑤⑥⑦⑧⑨⑩■□▲△▼▽◆◇○●★☆✓、。〇￥𬭎䶮"
"""What money, names and lists use beside GB2312: true minus, quotes, arrows, marks, two characters of many firms."""
FAMILY_NAMES = (1, 16)


def characters() -> set[int]:
    """Code points the fonts hold: ASCII, Latin, GB2312, signs, and every character of the message catalogue."""
    chinese = "".join(
        bytes((row, cell)).decode("gb2312", errors="ignore") for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF)
    )
    spoken = "".join(words for message in catalogue().values() for words in message.values())
    return {ord(sign) for sign in string.printable + chinese + SIGNS + spoken} | set(LATIN)


def made(source: Path, style: str, weight: int) -> Any:  # noqa: ANN401 - a font of fontTools, which is not installed
    """One weight of the variable font, cut to our characters, under our family name.

    Args:
        source: the variable font.
        style: Regular or Bold.
        weight: on its axis.
    """
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    font = instantiateVariableFont(TTFont(source, recalcTimestamp=False), {"wght": weight})
    options = Options()
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    options.name_IDs = ["*"]
    options.hinting = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters() & set(font.getBestCmap()))
    subsetter.subset(font)
    _name(font, style)
    font["OS/2"].usWeightClass = weight
    font["OS/2"].fsSelection = 0x20 if style == "Bold" else 0x40
    font["head"].macStyle = int(style == "Bold")
    return font


def _name(font: Any, style: str) -> None:  # noqa: ANN401 - as above
    """Our family name, since a changed font may not pass for the one it came from; its copyright and licence stay."""
    postscript = f"{FAMILY.replace(' ', '')}-{style}"
    own = {1: FAMILY, 2: style, 3: postscript, 4: f"{FAMILY} {style}", 6: postscript}
    kept = {0: None, 5: None, 7: None, 8: None, 13: None, 14: None}
    names = font["name"]
    names.names = [record for record in names.names if record.nameID in kept]
    for number, text in own.items():
        names.setName(text, number, 3, 1, 0x409)
    if "STAT" in font:
        del font["STAT"]


def main() -> None:
    """Write the fonts, their licence and their digests."""
    source = resources.files("justmytype_intl_cjk").joinpath(SOURCE)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "OFL.txt").write_bytes(source.joinpath("OFL.txt").read_bytes())
    told = []
    for style, weight in WEIGHTS.items():
        path = FOLDER / f"{FAMILY.replace(' ', '')}-{style}.ttf"
        made(Path(str(source.joinpath("NotoSansSC[wght].ttf"))), style, weight).save(path)
        told.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (FOLDER / DIGESTS).write_text("".join(told), "ascii")


if __name__ == "__main__":
    main()
