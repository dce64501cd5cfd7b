"""A second tool, as small as one gets: the ``domain`` table, its list, its form."""
