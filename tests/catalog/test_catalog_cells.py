"""One cell, one value: what is read, and what is refused because it could be read in two ways."""

import datetime as dt

import pytest

from billing.catalog.cell_text import CellError, has_wide_digits
from billing.catalog.cells import read_cell
from billing.catalog.words import words_of
from billing.tables.catalog import Contract

MODES = {str(c.column): c.choices for c in words_of(Contract).columns}["payment_mode"]


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("day", "2026-03-04", dt.date(2026, 3, 4)),
        ("day", "2026/3/4", dt.date(2026, 3, 4)),
        ("day", "2026年3月4日", dt.date(2026, 3, 4)),
        ("day", dt.date(2026, 3, 4), dt.date(2026, 3, 4)),
        ("day", dt.datetime.fromisoformat("2026-03-04"), dt.date(2026, 3, 4)),
        ("last_day", "2026-02-28", dt.date(2026, 3, 1)),
        ("last_day", "2026-12-31", dt.date(2027, 1, 1)),
        ("amount", "1200.5", 1_200_500_000),
        ("amount", 1200.5, 1_200_500_000),
        ("amount", 0.1 + 0.2, 300_000),
        ("amount", 1e6, 1_000_000_000_000),
        ("signed_amount", "-5.00", -5_000_000),
        ("count", "200", 200),
        ("count", 200.0, 200),
        ("share", "60%", 6000),
        ("share", "0.6", 6000),
        ("share", 0.6, 6000),
        ("share", "12.5%", 1250),
        ("share", "100%", 10000),
        ("basis_points", "6000", 6000),
        ("period", "2026-10", "2026-10"),
        ("period", dt.date(2026, 10, 1), "2026-10"),
        ("id", " C0001 ", "C0001"),
        ("id", "\u3000C0001\u00a0", "C0001"),
        ("id", 123456789012345.0, "123456789012345"),
        ("id", '="007"', "007"),
        ("id", "'007", "007"),
        ("service_number", "400-600-1234", "4006001234"),
        ("service_number", "４００６００１２３４", "4006001234"),
        ("service_number", 4006001234.0, "4006001234"),
        ("phone", "+8613800138000", "13800138000"),
        ("phone", "0086 10 8712 8906", "01087128906"),
        ("phone", "010-87128906", "01087128906"),
        ("phone", "+8675512345678", "075512345678"),
        ("phone", 13800138000.0, "13800138000"),
        ("prefixes", "4006；4000", "4006;4000"),
        ("prefixes", 4006.0, "4006"),
        ("choice", "全额预付", "full_prepayment"),
        ("choice", "Annual_Payment", "annual_payment"),
        ("text", "=1+1", "=1+1"),
        ("emails", "a@b.cn", "a@b.cn"),
        ("emails", " a.b+c@mail.b-c.com.cn ；X@B.CN;", "a.b+c@mail.b-c.com.cn;X@B.CN"),
        ("emails", "a" * 64 + "@" + "b" * 186 + ".cn", "a" * 64 + "@" + "b" * 186 + ".cn"),
        ("emails", ";；", None),
        ("id", "", None),
        ("amount", "   ", None),
        ("day", None, None),
    ],
)
def test_cell_is_read(kind, cell, value):
    assert read_cell(cell, kind, MODES) == value


@pytest.mark.parametrize(
    ("kind", "cell", "reason"),
    [
        ("day", "03/04/2026", "CATALOG_DAY_AMBIGUOUS"),
        ("day", "26-3-4", "CATALOG_DAY_AMBIGUOUS"),
        ("day", "2026.3.4", "CATALOG_DAY_AMBIGUOUS"),
        ("day", "2026-03/04", "CATALOG_DAY_AMBIGUOUS"),
        ("day", "2026-02-29", "CATALOG_NOT_A_DAY"),
        ("day", "0000-00-00", "CATALOG_NOT_A_DAY"),
        ("day", "２０２６-03-04", "CATALOG_NOT_A_DAY"),
        ("day", 46000.0, "CATALOG_NOT_A_DAY"),
        ("day", dt.date(1900, 1, 1), "CATALOG_NOT_A_DAY"),
        ("day", dt.datetime.fromisoformat("2026-03-04 05:06"), "CATALOG_DAY_WITH_TIME"),
        ("amount", "1,200.00", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "0.123", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "1e5", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "NaN", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "Infinity", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "1_000", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "+5", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "１２", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "٣", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", "²", "CATALOG_NOT_AN_AMOUNT"),
        ("amount", 0.123, "CATALOG_NOT_AN_AMOUNT"),
        ("amount", True, "CATALOG_NOT_A_NUMBER"),
        ("amount", dt.date(2026, 1, 1), "CATALOG_NOT_A_NUMBER"),
        ("amount", "-1", "CATALOG_NEGATIVE_AMOUNT"),
        ("count", "1.5", "CATALOG_NOT_A_COUNT"),
        ("count", "-1", "CATALOG_NOT_A_COUNT"),
        ("share", "1", "CATALOG_NOT_A_SHARE"),
        ("share", 1.0, "CATALOG_NOT_A_SHARE"),
        ("share", "60", "CATALOG_NOT_A_SHARE"),
        ("share", "1.2", "CATALOG_NOT_A_SHARE"),
        ("share", "101%", "CATALOG_SHARE_ABOVE_WHOLE"),
        ("share", "-10%", "CATALOG_NOT_A_SHARE"),
        ("share", "33.333%", "CATALOG_NOT_A_SHARE"),
        ("basis_points", "10001", "CATALOG_SHARE_ABOVE_WHOLE"),
        ("period", "2026-13", "CATALOG_NOT_A_PERIOD"),
        ("period", "202610", "CATALOG_NOT_A_PERIOD"),
        ("period", dt.date(2026, 10, 2), "CATALOG_NOT_A_PERIOD"),
        ("id", "1.38E+10", "CATALOG_SCIENTIFIC_NOTATION"),
        ("id", "8.62139e+11", "CATALOG_SCIENTIFIC_NOTATION"),
        ("phone", "1.38E+10", "CATALOG_SCIENTIFIC_NOTATION"),
        ("service_number", "4.006E+09", "CATALOG_SCIENTIFIC_NOTATION"),
        ("id", 1e15, "CATALOG_DIGITS_LOST"),
        ("id", 1.5, "CATALOG_DIGITS_LOST"),
        ("id", dt.date(2026, 10, 1), "CATALOG_NOT_TEXT_VALUE"),
        ("id", "C 1", "CATALOG_NOT_AN_ID"),
        ("id", "=A1", "CATALOG_NOT_AN_ID"),
        ("text", "甲\u202e公司", "CATALOG_HIDDEN_CHARACTER"),
        ("text", "a\x1b[31m", "CATALOG_HIDDEN_CHARACTER"),
        ("text", "甲" * 301, "CATALOG_TEXT_TOO_LONG"),
        ("service_number", "400600123", "CATALOG_NOT_A_SERVICE_NUMBER"),
        ("service_number", "4006001234,8001", "CATALOG_NOT_A_SERVICE_NUMBER"),
        ("phone", 1087128906.0, "CATALOG_NOT_A_PHONE"),
        ("phone", "87128906", "CATALOG_NOT_A_PHONE"),
        ("phones", "02155550001;87128906", "CATALOG_NOT_A_PHONE"),
        ("phones", 1087128906.0, "CATALOG_NOT_A_PHONE"),
        ("prefixes", "5006", "CATALOG_NOT_A_PREFIX"),
        ("choice", "预付", "CATALOG_NOT_A_CHOICE"),
        ("emails", "a.b.cn", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "a@b@c.cn", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "a@b", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "@b.cn", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "a b@b.cn", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "a@b.cn c@b.cn", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "张三<a@b.cn>", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "a＠b.cn", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "ａ@b.cn", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "a@b.cn;c", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "a@b.cn\nBcc: c@d.cn", "CATALOG_HIDDEN_CHARACTER"),
        ("emails", "a" * 64 + "@" + "b" * 187 + ".cn", "CATALOG_NOT_AN_EMAIL"),
        ("emails", "a" * 65 + "@b.cn", "CATALOG_NOT_AN_EMAIL"),
    ],
)
def test_cell_is_refused(kind, cell, reason):
    with pytest.raises(CellError) as caught:
        read_cell(cell, kind, MODES)
    assert caught.value.reason == reason


def test_forward_numbers_are_telephone_numbers_in_their_order():
    read = read_cell("13900000002；+86 21 5555 0001、０２１５５５５０００１", "phones", {})
    assert read == "13900000002;02155550001;02155550001"
    assert has_wide_digits("１３９00000002", "phones")


def test_full_width_digits_are_told_only_for_phone_numbers():
    assert has_wide_digits("４００６００１２３４", "service_number")
    assert not has_wide_digits("4006001234", "service_number")
    assert not has_wide_digits("１号楼", "text")
