"""Write the pictures of the manual to docs/pictures. Run it after `make demo`: python docs/make_pictures.py."""

from pathlib import Path

import embedsearch as es

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
PLANE = ("predatoriness", "size")


def main() -> None:
    """Draw from the demo's index what docs/plots.md and docs/comparing.md show."""
    PICTURES.mkdir(exist_ok=True)
    with es.open(ROOT / "indexes" / "predation") as index:
        plots = {
            "sheep_spider": es.plot_plane(index, *PLANE, calc="sheep + spider", where='kind == "person"'),
            "kinds": es.plot_plane(
                index, *PLANE, color="kind", where='kind in ["animal", "person", "plant"]', extremes=3
            ),
            "threshold": es.plot_axis(
                index, "predatoriness", threshold="p90", phrases=["sheep", "politician", "wolf", "loan shark"]
            ),
        }
        for name, plot in plots.items():
            plot.save(PICTURES / f"{name}.png")
            print(f"{name}.png: {len(plot.labels)} labels", *plot.notes)  # noqa: T201
        es.plot_groups(index.compare("year", "size", step=10)).save(PICTURES / "decades.png")


if __name__ == "__main__":
    main()
