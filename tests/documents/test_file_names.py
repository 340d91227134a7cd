from pathlib import PurePosixPath, PureWindowsPath

import pytest

from billing.documents.file_names import file_stem

HOSTILE = ["../C 3", "..", ".", "", "a/b", "a\\b", "C:evil", "CON", "NUL.TXT", "x" * 300, "\x00", "C-1.", " C-1", "<b>"]


@pytest.mark.parametrize("identifier", HOSTILE)
def test_no_id_leaves_its_folder(identifier):
    name = f"{file_stem(identifier)}.html"
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert len(name.encode()) < 200
    assert not name.startswith(".")


def test_plain_ids_keep_their_name():
    assert file_stem("C-1001") == "C-1001"
    assert file_stem("客户01") == "客户01"


def test_ids_that_look_alike_stay_apart():
    alike = ["A B", "A_B", "A/B", "A\\B", "a_b", "A-B", "a-b", "A  B", *HOSTILE]
    assert len({file_stem(identifier).lower() for identifier in alike}) == len(alike)
