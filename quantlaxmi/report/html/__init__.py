"""A report as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from quantlaxmi.report.html.page import page_of, save_page

__all__ = ["page_of", "save_page"]
