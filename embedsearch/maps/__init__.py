"""Interactive maps in one file, and the layouts that they are drawn on; needs the extra ``map``."""

from embedsearch.maps.mapping import Map, map_index

__all__ = ["Map", "map_index"]
