"""Lines of plain text in columns, for a file or another program: nothing is cut or wrapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> Iterator[str]:
    """Yields each row as a line, all columns as wide as their widest text. right: numbers of the columns that end in one line."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = []
        for number, (text, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - _width(text))
            cells.append(space + text if number in right else text + space)
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Returns the terminal columns that a text takes: wide Asian characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
