"""Every way to go wrong has a case: the message, the exit code, and books that are as they were."""

from pathlib import Path

import pytest

from tests.commands.corner_shop import bill400, listing
from tests.errors.cases import broken, fits, read_case

CASES = sorted((Path(__file__).parent / "cases").glob("*.case"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_error(path, request):
    case = read_case(path)
    books = request.getfixturevalue(case.books)
    command = [word.replace("BOOKS", str(books)) for word in case.command]
    with broken(case, books):
        before = listing(books, "commits", "published")
        ended = bill400(*command, "--json", "--lang", "en", code=case.exit)
        printed = bill400(*command, "--lang", "zh", code=case.exit).err
        assert listing(books, "commits", "published") == before
    found = ended.json
    assert found["exit_code"] == case.exit
    critical = [finding for finding in found["findings"] if finding["severity"] == "critical"]
    messages = [finding["message"].replace(str(books), "BOOKS") for finding in critical]
    assert len(messages) == len(case.says), messages
    for message, expected in zip(messages, case.says, strict=True):
        assert fits(expected, message), message
    others = [finding["message"] for finding in found["findings"]]
    assert all(any(fits(expected, message) for message in others) for expected in case.also), others
    for finding in critical:
        place = f"{finding['where']}: " if finding["where"] else ""
        assert finding["message"].startswith(f"{place}{finding['reason']}: ")
        assert f"严重: {place}{finding['reason']}: " in printed
        assert finding["message"] not in printed, "the Chinese message is not the English one"


def test_every_case_has_a_reason_of_its_own_or_a_sentence_of_its_own():
    told = [(read_case(path).sentence, tuple(read_case(path).says)) for path in CASES]
    assert len({sentence for sentence, _ in told}) == len(told) == len(set(told))
