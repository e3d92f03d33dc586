from quantlaxmi._ext.csv_fields import CsvFields

class CsvMessages(CsvFields):
    n_read: int
    n_read_lines: int
