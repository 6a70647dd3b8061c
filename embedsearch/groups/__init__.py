"""Groups of documents on axes: where the documents with each value of a field lie, and how far apart they are."""

from embedsearch.groups.comparing import Group, GroupComparison, Groups, Material, Settings, compare_groups
from embedsearch.groups.dividing import Division, divide, written

__all__ = [
    "Division",
    "Group",
    "GroupComparison",
    "Groups",
    "Material",
    "Settings",
    "compare_groups",
    "divide",
    "written",
]
