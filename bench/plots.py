"""Draws docs/performance/*.png and *.svg from bench/results.json. The same figures give the same files.

    python bench/plots.py
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "performance"
UNIT = "calls/s"
OURS = ("komopay", "core")

PLOTS = {
    "core": ["1 caller", "64 in flight", "1 caller, TLS", "64 in flight, TLS"],
    "python-sync": ["Python sync", "Python sync, TLS", "Python sync, a connection a call"],
    "python-async": ["Python async, 100 in flight"],
    "jvm": ["JVM, 1 caller", "JVM, 64 in flight"],
    "swift": ["Swift, 1 caller", "Swift, 64 in flight"],
}


def draw(name: str, groups: dict[str, dict[str, list[float]]]) -> None:
    """Bars of medians, with lines from the lowest to the highest round."""
    heights = [len(rates) for rates in groups.values()]
    inches = 0.8 + sum(heights) * 0.34 + len(groups) * 0.55
    figure, axes = pyplot.subplots(len(groups), figsize=(7, inches), height_ratios=heights, squeeze=False)
    for axis, (group, rates) in zip(axes.flat, groups.items(), strict=True):
        names = sorted(rates, key=lambda contestant: median(rates[contestant]))
        middles = [median(rates[contestant]) for contestant in names]
        below = [middle - min(rates[contestant]) for contestant, middle in zip(names, middles, strict=True)]
        above = [max(rates[contestant]) - middle for contestant, middle in zip(names, middles, strict=True)]
        colours = ["#d9480f" if contestant.startswith(OURS) else "#868e96" for contestant in names]
        axis.barh(names, middles, xerr=[below, above], color=colours, ecolor="#212529", capsize=2)
        axis.set_title(group, loc="left", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.set_major_formatter("{x:,.0f}")
    axes.flat[-1].set_xlabel("creates a second: median of the rounds, lowest to highest", fontsize=8)
    figure.tight_layout()
    figure.savefig(FOLDER / f"{name}.png", dpi=110, metadata={"Software": None})
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def main() -> None:
    figures: dict[str, dict[str, list[float]]] = json.loads((ROOT / "bench" / "results.json").read_text())["figures"]
    matplotlib.rcParams["svg.hashsalt"] = "komopay"
    matplotlib.rcParams["svg.fonttype"] = "none"
    FOLDER.mkdir(exist_ok=True)
    for name, groups in PLOTS.items():
        found = {
            group: {
                subject.removeprefix(f"{group}: "): figures[subject][UNIT]
                for subject in figures
                if subject.startswith(f"{group}: ") and UNIT in figures[subject]
            }
            for group in groups
        }
        if found := {group: rates for group, rates in found.items() if rates}:
            draw(name, found)


if __name__ == "__main__":
    main()
