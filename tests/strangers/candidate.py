"""A candidate for `white-box conform`; the first argument names what is wrong with it."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "clients"))
import plain
import white_box

mistake = sys.argv[1] if len(sys.argv) > 1 else None
calls = {"count": 0}


def rate_value(z, eps=None, eps2=None):
    calls["count"] += 1
    if mistake == "nan" and len(z) > 1:
        return {"value": float("nan")}
    if mistake == "crash" and calls["count"] > 2:
        sys.exit(7)
    if mistake == "hang" and calls["count"] > 2:
        time.sleep(60)
    if mistake == "garbage":
        print("loading …", flush=True)
    if mistake == "declines" and len(z) > 3:
        raise NotImplementedError("at most three samples")
    if mistake == "raises":
        raise ValueError("boom")
    return plain.rate(mistake)[0](z, eps, eps2)


if mistake == "silent":
    sys.exit(0)
white_box.serve(
    {
        "coding_rate": white_box.Function(rate_value, plain.rate(mistake)[1]),
        "softmax": plain.softmax(mistake),
        "soft_threshold": plain.soft_threshold(mistake),
        "ista_step": plain.ista(mistake),
    },
    name="plain Python" if mistake is None else mistake,
)
