import gzip

from .server import WIDGET


def test_a_page_loads_little_and_an_open_chat_not_much_more():
    size = {file.stem: len(gzip.compress(file.read_bytes(), 9)) for file in WIDGET.glob("*.js")}
    assert size.pop("widget") <= 6_000, "widget.js is on every page of every customer: move it to panel.js"
    assert size.pop("words") <= 6_000
    assert sum(size.values()) <= 17_000
