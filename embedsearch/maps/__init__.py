"""Interactive maps in one file, and the layouts that they are drawn on; needs the extra ``map``."""
