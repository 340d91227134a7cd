"""Layouts that users would write, of forms that no shipped layout has, and lines of their files."""

FIXED = """\
id: fixed_cdr
version: 1
title: {en: Fixed-width records, zh: 定长话单}
form: fixed_width
encodings: [utf-8, gb18030]
zone: Asia/Shanghai
fixed_width:
  unit: characters
  prefix: CDR
  length: 65
  columns:
    name: {start: 4, length: 12}
    caller: {start: 16, length: 12}
    called: {start: 28, length: 10}
    begin: {start: 38, length: 14}
    seconds: {start: 52, length: 6, zero_padded: true}
    result: {start: 58, length: 8}
header_record: {prefix: HDR, length: 9, sequence: {start: 4, length: 6}}
trailer:
  prefix: TRL
  length: 16
  records: {start: 4, length: 6}
  talk_seconds: {start: 10, length: 7}
identity: {window_hours: 12}
fields:
  caller: {column: caller, form: number}
  service_number: {column: called, form: number}
  started_at: {column: begin, form: "%Y%m%d%H%M%S"}
  talk_ms: {column: seconds, form: seconds}
outcome:
  column: result
  words: {OK: answered, BUSY: busy}
"""
"""In positions: 3 of kind, 12 name, 12 caller, 10 called, 14 time, 6 seconds, 8 result."""


def detail(name: str = "", caller: str = "13800138000", talk: str = "000061", result: str = "OK") -> str:
    return f"CDR{name:12}{caller:12}400123456720261003100000{talk}{result:8}"


def fixed_file(*details: str) -> list[str]:
    """The lines of a file: header record, records, a trailer with their number and seconds (65 positions a record)."""
    seconds = sum(int(line[51:57]) for line in details)
    return ["HDR000308", *details, f"TRL{len(details):06}{seconds:07}"]


STATED = """\
id: stated_csv
version: 1
title: {en: CSV that states its totals, zh: 带合计的话单}
encodings: [utf-8, gb18030]
delimiter: ","
quoting: none
comment_prefix: "#"
zone: Asia/Shanghai
header: [id, caller, called, begin, seconds, result]
header_record: {prefix: "#BEGIN", required: false, records: {field: 2}, sequence: {field: 3}}
trailer: {prefix: "#END", records: {field: 2}, talk_seconds: {field: 3}}
file_sequence: "-([0-9]+)[.]csv$"
identity: {column: id, window_hours: 12}
fields:
  caller: {column: caller, form: number}
  service_number: {column: called, form: number}
  started_at: {column: begin, form: "%Y-%m-%d %H:%M:%S"}
  talk_ms: {column: seconds, form: seconds}
outcome:
  column: result
  words: {OK: answered, BUSY: busy}
"""


JSON = """\
id: own_json
version: 1
title: {en: Own JSON, zh: 自有 JSON}
form: json_lines
encodings: [utf-8, gb18030]
zone: Asia/Shanghai
header: [call.id, call.from, call.to, call.begin, call.answer, call.talk, result]
identity: {column: call.id, window_hours: 12}
fields:
  caller: {column: call.from, form: number}
  service_number: {column: call.to, form: number}
  started_at: {column: call.begin, form: epoch_s}
  answered_at: {column: call.answer, form: epoch_s}
  talk_ms: {column: call.talk, form: seconds}
outcome:
  column: result
  words: {OK: answered, BUSY: busy}
"""
