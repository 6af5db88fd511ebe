import datetime
import openpyxl


def sheet(name):
    book = openpyxl.load_workbook(name + ".xlsx")
    assert len(book.worksheets) == 1, book.sheetnames
    return book, book.worksheets[0]


def head(sheet):
    for row in sheet.iter_rows():
        if any(cell.value == "No" for cell in row):
            return row[0].row
    raise AssertionError("no head")


book, ws = sheet("korean")
assert ws.title == "신청서", ws.title
assert book.properties.title == "방화벽 오픈 신청서"
assert book.properties.created.date() == datetime.date(2025, 12, 29), book.properties.created
at = head(ws)
upper = [cell.value for cell in ws[at]]
lower = [cell.value for cell in ws[at + 1]]
assert upper == ["No", "대상방화벽", "출발지정보", None, "목적지정보", None, "프로토콜", "포트", "방향", "용도", "시작일", "종료일", "비고"], upper
assert lower[2:6] == ["출발지IP", "출발지", "목적지IP", "목적지"], lower
merged = {str(area) for area in ws.merged_cells.ranges}
assert {f"A{at}:A{at + 1}", f"C{at}:D{at}", f"E{at}:F{at}", f"M{at}:M{at + 1}", "A1:M1"} <= merged, merged
rule = [cell.value for cell in ws[at + 2]]
assert rule[0] == 1 and rule[2] == "10.20.0.7;10.20.0.8" and rule[4] == "*.googleapis.com", rule
assert rule[7] == "443" and rule[8] == "OUT", rule
assert rule[10] == datetime.datetime(2026, 1, 1) and rule[11] == datetime.datetime(2026, 12, 31), rule
assert ws.cell(at + 2, 11).number_format == "yyyy-mm-dd"
assert ws.cell(at + 3, 12).value == "영구"
assert ws.freeze_panes == f"A{at + 2}", ws.freeze_panes
assert ws.print_title_rows == f"${at}:${at + 1}", ws.print_title_rows
assert ws.page_setup.orientation == "landscape" and ws.page_setup.paperSize == 9
assert ws.page_setup.fitToWidth in (None, 1) and ws.page_setup.fitToHeight == 0, ws.page_setup
assert ws.sheet_properties.pageSetUpPr.fitToPage
lists = {str(v.sqref): v.formula1 for v in ws.data_validations.dataValidation}
assert lists == {f"G{at + 2}:G{at + 3}": '"TCP,UDP"', f"I{at + 2}:I{at + 3}": '"OUT,IN"'}, lists

_, ws = sheet("hostile")
texts = 0
for row in ws.iter_rows():
    for cell in row:
        assert cell.data_type != "f", (cell.coordinate, cell.value)
        if isinstance(cell.value, str) and cell.value.startswith("=cmd"):
            texts += 1
            assert cell.value.endswith("\"' @x"), cell.value
            assert "_x0041_" in cell.value and "</t>" in cell.value, cell.value
            assert cell.quotePrefix, cell.coordinate
assert texts > 15, texts

_, ws = sheet("narrow")
assert ws.max_column == 1
