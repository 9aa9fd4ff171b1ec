"""Medians, spreads and ratios. Pure."""


def quantile(values, share):
    """Between the two nearest values, linearly (numpy's default)."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def summary(values):
    """Median and interquartile range, as they go into the JSON; None without values."""
    values = [value for value in values if value is not None]
    if not values:
        return None
    return {
        "median": quantile(values, 0.5),
        "q1": quantile(values, 0.25),
        "q3": quantile(values, 0.75),
        "count": len(values),
    }


def paired_ratios(base, other):
    """other[i] / base[i]: each pair ran side by side, so what drifts divides out."""
    if len(base) != len(other):
        raise ValueError("pairs need a partner each")
    return [b / a for a, b in zip(base, other) if a > 0]


def largest_error(pairs):
    """Of (reported, true) pairs the one that is furthest off, as signed bytes and a share; None without any."""
    errors = [(reported - true, true) for reported, true in pairs if reported is not None and true]
    if not errors:
        return None
    error, true = max(errors, key=lambda pair: abs(pair[0]) / pair[1])
    return {"bytes": error, "share": error / true}
