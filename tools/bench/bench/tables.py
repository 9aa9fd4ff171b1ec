"""Numbers to text, rows to tables. Pure."""


def ratio(summary):
    """1.012 (1.004 – 1.020): the median, and the middle half of the pairs."""
    if summary is None:
        return "–"
    return f"{summary['median']:.3f} ({summary['q1']:.3f} – {summary['q3']:.3f})"


def number(value, unit="", digits=1):
    if value is None:
        return "–"
    text = f"{value:,.{digits}f}"
    return f"{text} {unit}" if unit else text


def size(value_bytes):
    if value_bytes is None:
        return "–"
    value = float(abs(value_bytes))
    sign = "-" if value_bytes < 0 else ""
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{sign}{value:.0f} {unit}" if unit == "B" else f"{sign}{value:.1f} {unit}"
        value /= 1024
    return f"{sign}{value:.1f} GiB"


def error(value):
    """Of a peak: how far off, and in which direction."""
    if value is None:
        return "–"
    if value["bytes"] == 0:
        return "0"
    return f"{'+' if value['bytes'] > 0 else ''}{size(value['bytes'])} ({100 * value['share']:+.1f} %)"


def text_table(header, rows):
    """Columns as wide as they need, the first to the left, the others to the right."""
    cells = [header] + rows
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([first] + rest).rstrip())
    return "\n".join(lines) + "\n"


def markdown_table(header, rows):
    def line(cells):
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = "|---|" + "---:|" * (len(header) - 1)
    return "\n".join([line(header), rule] + [line(row) for row in rows]) + "\n"
