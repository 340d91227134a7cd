"""Deliveries: which file of which document went to whom, as the books keep it."""

from billing.tables.schema import Table, integer, text


class Delivery(Table):
    """A file that was handed over in a pack."""

    name = "delivery"
    key = ("recipient_kind", "recipient_id", "file")
    en = "A file of a document that went to its recipient; the commit that names it says when and by whom."
    zh = "单据分发记录"

    period = text("Billing period", "账期")
    recipient_kind = text("customer, agent or carrier", "收件方类型")
    recipient_id = text("Who got it", "收件方编号")
    document_kind = text("bill, credit_note, statement or settlement", "单据类型")
    file = text("Name of the file in the pack", "文件名")
    sha256 = text("SHA-256 of the file as it was handed over", "文件 SHA-256")
    record_sha256 = text("SHA-256 of the same file of the period; another one on a reprint", "正本 SHA-256")
    check_code = text("What PDF, workbook and reprint of the document have in common", "校验码")
    copy_number = integer("1 the first time the document went there, 2 on its first reprint", "份次", "count")
    archive = text("Archive, relative to the folder of the delivery", "压缩包")
    archive_sha256 = text("SHA-256 of the archive", "压缩包 SHA-256")
